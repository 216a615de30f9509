//! Which TaskRuns of one run use a volume at the same time: what changed in it meanwhile cannot be told apart.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The volumes that are in use.
#[derive(Debug, Default)]
pub struct Volumes(Mutex<Vec<Arc<User>>>);

#[derive(Debug)]
struct User {
    /// Folders, and whether it may write them.
    folders: Vec<(PathBuf, bool)>,
    disturbed: AtomicBool,
}

/// The use of some volumes, until it is dropped.
#[derive(Debug)]
pub struct InUse<'a> {
    all: &'a Volumes,
    user: Arc<User>,
}

impl Volumes {
    /// Begins to use these folders; whether each is written too.
    pub fn enter(&self, folders: Vec<(PathBuf, bool)>) -> InUse<'_> {
        let user = Arc::new(User { folders, disturbed: AtomicBool::new(false) });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for other in all.iter() {
            for (path, writes) in &user.folders {
                for (others, they_write) in &other.folders {
                    if !path.starts_with(others) && !others.starts_with(path) {
                        continue;
                    }
                    user.disturbed.fetch_or(*they_write, Ordering::Relaxed);
                    other.disturbed.fetch_or(*writes, Ordering::Relaxed);
                }
            }
        }
        all.push(user.clone());
        InUse { all: self, user }
    }
}

impl InUse<'_> {
    /// Whether another task could have written to one of the folders since this use began.
    pub fn disturbed(&self) -> bool {
        self.user.disturbed.load(Ordering::Relaxed)
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        let mut all = self.all.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|user| !Arc::ptr_eq(user, &self.user));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_writers_disturb() {
        let volumes = Volumes::default();
        let folder = |path: &str, writes| vec![(PathBuf::from(path), writes)];
        let reader = volumes.enter(folder("/v", false));
        let other = volumes.enter(folder("/v", false));
        assert!(!reader.disturbed() && !other.disturbed());
        let below = volumes.enter(folder("/v/sub", true));
        assert!(reader.disturbed() && other.disturbed() && !below.disturbed());
        drop(below);
        let beside = volumes.enter(folder("/vw", true));
        let later = volumes.enter(folder("/v", true));
        assert!(!beside.disturbed() && !later.disturbed());
        drop((reader, other, later));
        assert!(!volumes.enter(folder("/v", true)).disturbed());
    }
}
