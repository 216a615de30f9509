//! The exit codes of the program; documented in `docs/reference/exit-codes.md`.

/// Why the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: what was asked for is done.
    Success,
    /// 1: it was tried and failed: a build step, a transfer, a check.
    Failed,
    /// 2: the input is wrong: command line, stream file, pipeline. Nothing was started.
    Invalid,
    /// 3: the release was assembled and a blocking test rejected it.
    Rejected,
    /// 4: this machine lacks something; `sw doctor` says what.
    Host,
    /// 130: stopped by Ctrl-C or SIGTERM; everything started was ended.
    Interrupted,
}

impl Exit {
    /// The number that the operating system sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Invalid => 2,
            Self::Rejected => 3,
            Self::Host => 4,
            Self::Interrupted => 130,
        }
    }
}
