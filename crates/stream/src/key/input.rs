//! What an input of a key is.

use serde::{Deserialize, Serialize};

/// What an input is. A component has either a [`Commit`](Self::Commit) or a [`Source`](Self::Source): what is done to that
/// before it is built counts for itself, so that a plan can say which of them changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Input {
    /// The commit of a source in git; it stands for all files.
    Commit,
    /// The folder in that repository, unless it is the root.
    Folder,
    /// The tree of a source that is a folder of the stream, before it is altered and its Containerfile apart.
    Source,
    /// A patch file, by its position (the first is 1) and its path: the digest of its text.
    Patch(usize, String),
    /// The Containerfile before it is altered: of a folder the digest of its text, in git its path.
    Containerfile,
    /// A replaced text of the Containerfile, by its position: the digest of both texts.
    Edit(usize),
    /// What a stage starts from by the component's `from`, by its position.
    From(usize),
    /// A build argument, by name.
    Arg(String),
    /// An image label, by name.
    Label(String),
    /// A distribution package, by name.
    Package(String),
    /// Which task builds it, with its whole definition.
    Task,
    /// Operating system and processor.
    Platform,
    /// The time that the image pretends to be made at (`SOURCE_DATE_EPOCH`).
    Epoch,
}

impl Input {
    /// Which one of its kind it is, for people; empty where there is only one.
    pub fn name(&self) -> String {
        match self {
            Self::Patch(_, name) | Self::Arg(name) | Self::Label(name) | Self::Package(name) => name.clone(),
            Self::Edit(number) => format!("edit {number}"),
            Self::From(number) => format!("stage {number}"),
            Self::Folder => "folder".to_owned(),
            Self::Commit | Self::Source | Self::Containerfile | Self::Task | Self::Platform | Self::Epoch => {
                String::new()
            }
        }
    }
}

impl From<Input> for String {
    fn from(input: Input) -> Self {
        match input {
            Input::Commit => "commit".to_owned(),
            Input::Folder => "folder".to_owned(),
            Input::Source => "source".to_owned(),
            Input::Patch(number, file) => format!("patch {number} {file}"),
            Input::Containerfile => "containerfile".to_owned(),
            Input::Edit(number) => format!("edit {number}"),
            Input::From(number) => format!("from {number}"),
            Input::Arg(name) => format!("arg {name}"),
            Input::Label(name) => format!("label {name}"),
            Input::Package(name) => format!("package {name}"),
            Input::Task => "task".to_owned(),
            Input::Platform => "platform".to_owned(),
            Input::Epoch => "epoch".to_owned(),
        }
    }
}

impl TryFrom<String> for Input {
    type Error = UnknownInput;

    fn try_from(text: String) -> Result<Self, UnknownInput> {
        let known = match text.split_once(' ') {
            Some(("patch", rest)) => rest
                .split_once(' ')
                .and_then(|(at, file)| Some(Self::Patch(at.parse().ok()?, file.to_owned()))),
            Some(("edit", number)) => number.parse().ok().map(Self::Edit),
            Some(("from", number)) => number.parse().ok().map(Self::From),
            Some(("arg", name)) => Some(Self::Arg(name.to_owned())),
            Some(("label", name)) => Some(Self::Label(name.to_owned())),
            Some(("package", name)) => Some(Self::Package(name.to_owned())),
            Some(_) => None,
            None => [
                Self::Commit,
                Self::Folder,
                Self::Source,
                Self::Containerfile,
                Self::Task,
                Self::Platform,
                Self::Epoch,
            ]
            .into_iter()
            .find(|input| String::from(input.clone()) == text),
        };
        known.ok_or(UnknownInput(text))
    }
}

/// An input that this version does not know, from a record that a newer one wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an input of a key")]
pub struct UnknownInput(String);

impl std::fmt::Display for Input {
    /// `source`, `arg NAME`, …
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(self.clone()))
    }
}
