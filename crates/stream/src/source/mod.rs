//! What components are built from: trees of files, digested.
//!
//! - [`tree`]: the digest of a tree, from its entries
//! - [`fetch`]: commits of git repositories, from their servers
//! - [`checkout`]: git repositories at one commit, kept
//! - [`history`]: what lies between two commits
//! - [`folder`]: sources below a stream's folder on this machine
//! - [`Sources`]: the questions that the rest of the crate asks

pub mod checkout;
pub mod fetch;
pub mod folder;
pub mod history;
pub mod tree;

use std::path::PathBuf;

use base::{Digest, Source};

use crate::definition::{Component, Patch};

/// Gives the content of components' sources and of patches for them.
pub trait Sources: Send + Sync {
    /// The whole source of the component `name`, before it is [altered](Component::is_altered); the content of the file `apart`
    /// (a path in the tree) is digested for itself.
    ///
    /// # Errors
    /// When the tree is not there, leaves its folder, or cannot be read.
    fn tree(&self, name: &str, component: &Component, apart: Option<&str>) -> Result<Tree, SourceError>;

    /// The text of a patch file.
    ///
    /// # Errors
    /// When it is not there, or cannot be read.
    fn patch(&self, patch: &Patch) -> Result<Source, SourceError>;

    /// The text file `path` of the source of the component `name`, altered as it says, named for diagnostics; `None` when
    /// there is no such file.
    ///
    /// # Errors
    /// When it cannot be read, or is no text.
    fn file(&self, name: &str, component: &Component, path: &str) -> Result<Option<Source>, SourceError>;
}

/// What a tree of files is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tree {
    /// The digest of all of it, without the content of the file that stands apart.
    pub digest: Digest,
    /// The digest of that file's content; none when there is no such file.
    pub apart: Option<Digest>,
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The folder is not there.
    #[error("the folder `{}` does not exist", .0.display())]
    Missing(PathBuf),
    /// A path or symbolic link leads out.
    #[error("`{}` leads out of `{}`; copy what it points at into the folder", path.display(), root.display())]
    Outside {
        /// What leads out.
        path: PathBuf,
        /// What it must stay in.
        root: PathBuf,
    },
    /// A socket, pipe or device.
    #[error("`{}` is neither a file, a folder nor a symbolic link; remove it", .0.display())]
    Special(PathBuf),
    /// More than can be meant.
    #[error("`{}` has {what}; keep generated files out of the source folder", path.display())]
    TooBig {
        /// The file or folder.
        path: PathBuf,
        /// How it is too big, with the limit.
        what: String,
    },
    /// Not UTF-8.
    #[error("`{}` is not UTF-8 text", .0.display())]
    NotText(PathBuf),
    /// No patch file where there should be one.
    #[error("there is no patch file {file}; it lies below the folder of the stream `{stream}`")]
    NoPatch {
        /// Its path.
        file: String,
        /// The stream that has it.
        stream: String,
    },
    /// A source from elsewhere that nobody fetched.
    #[error("the source of `{component}` is not fetched")]
    NotFetched {
        /// The component.
        component: String,
    },
    /// The operating system refused.
    #[error("cannot read `{}`: {error}", path.display())]
    Io {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        error: std::io::Error,
    },
}
