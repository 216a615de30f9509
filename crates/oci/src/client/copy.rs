//! An image from one repository to another, of the same registry or not.

use base::Digest;

use super::progress::Progress;
use super::pull::{Platforms, Tree};
use super::upload::{Placed, Task};
use super::{Client, ClientError, parallel};
use crate::reference::Reference;
use crate::store::Store;

impl Client {
    /// Brings what `from` names (an index with all its children) to the repository of `to`, under its tag when it has one; gives
    /// the digest, which is the same there. Blobs that are there already, or that the registry can take from the other repository,
    /// are not transferred; the others go through the store `through`, which need not keep them.
    ///
    /// # Errors
    /// When one of the registries does not do its part within the tries, or `from` gives wrong content: then nothing is tagged.
    pub fn copy(
        &self,
        from: &Reference,
        to: &Reference,
        through: &Store,
        progress: &dyn Progress,
    ) -> Result<Digest, ClientError> {
        let root = self.manifest_heard(from, progress)?;
        let mut tree = Tree::default();
        self.collect(from, &root, &Platforms::All, 0, &mut tree, progress)?;
        let mount_from = (from.registry() == to.registry()).then(|| from.repository());
        parallel::for_each(self.jobs, &tree.blobs, progress, |blob, progress| {
            let task = Task { store: through, to, blob, mount_from };
            let Placed::No(session) = self.place_blob(&task, progress)? else { return Ok(()) };
            if let Err(e) = self.fetch_blob(from, blob, through, progress) {
                self.abandon(&task, session);
                return Err(e);
            }
            self.send_blob(&task, session, progress)
        })?;
        for manifest in &tree.manifests {
            let at = match to.tag() {
                Some(_) if manifest.digest == root.digest => to.clone(),
                _ => to.at_digest(manifest.digest),
            };
            self.put_manifest_heard(&at, &manifest.media_type, &manifest.bytes, progress)?;
        }
        Ok(root.digest)
    }
}
