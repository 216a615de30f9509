//! How long to wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Until when something may go on: a point in time, a request to stop, both or neither.
#[derive(Clone, Default)]
pub struct Until {
    deadline: Option<Instant>,
    stop: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl Until {
    /// For ever.
    pub fn never() -> Self {
        Self::default()
    }

    /// Also not longer than `limit` from now on.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.deadline = Some(Instant::now() + limit);
        self
    }

    /// Also not once `stop` says so; it is asked often and from several threads.
    #[must_use]
    pub fn stopped_by(mut self, stop: Arc<dyn Fn() -> bool + Send + Sync>) -> Self {
        self.stop = Some(stop);
        self
    }

    /// Whether the time is over.
    pub fn is_over(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether somebody wants an end.
    pub fn is_stopped(&self) -> bool {
        self.stop.as_ref().is_some_and(|stop| stop())
    }

    /// Whether anybody may want an end.
    pub fn can_be_stopped(&self) -> bool {
        self.stop.is_some()
    }
}
