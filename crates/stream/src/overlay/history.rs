//! Which operation of which overlay did what.

use base::{Source, Span};

use crate::definition::overlay::Operation;

/// Everything that made a stream what it is: the names of the streams it stands on, and the operations on them.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// Names of the streams below, the one with no parent first.
    pub parents: Vec<String>,
    /// All operations, in the order in which they were applied.
    pub applied: Vec<Applied>,
}

/// An operation that was applied.
#[derive(Debug, Clone)]
pub struct Applied {
    /// The overlay that has it.
    pub stream: String,
    /// What it is.
    pub operation: Operation,
    /// The file that has it.
    pub source: Source,
    /// Where it stands there.
    pub span: Span,
}

impl History {
    /// The last operation that removed the component or test called `name`, if that is why there is none.
    pub fn removed(&self, name: &str) -> Option<&Applied> {
        let removes = |applied: &&Applied| {
            matches!(applied.operation, Operation::Remove(_) | Operation::RemoveTest(_))
                && applied.operation.target() == name
        };
        self.applied.iter().rev().find(removes)
    }

    /// The last operation that removed the task called `name` from the pipeline, if that is why there is none.
    pub fn removed_task(&self, name: &str) -> Option<&Applied> {
        let removes = |applied: &&Applied| matches!(&applied.operation, Operation::RemoveTask(remove) if remove.task == name);
        self.applied.iter().rev().find(removes)
    }
}
