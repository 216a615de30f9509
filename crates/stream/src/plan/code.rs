//! Reason codes: why something is built, or is not.

use serde::Serialize;

/// Reason codes; stable, for filters and statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReasonCode {
    /// It was asked for.
    Forced,
    /// The last attempt to build it failed.
    LastBuildFailed,
    /// No build of the component is known.
    NeverBuilt,
    /// This version of the program makes keys in another way.
    KeyFormatChanged,
    /// The commit of its source changed.
    CommitChanged,
    /// The files that it is built from changed.
    SourceChanged,
    /// Patches of its source changed.
    PatchesChanged,
    /// Its Containerfile changed.
    ContainerfileChanged,
    /// The texts that are replaced in its Containerfile changed.
    EditsChanged,
    /// What it says in `from` changed.
    FromChanged,
    /// Build arguments changed.
    ArgsChanged,
    /// Labels changed.
    LabelsChanged,
    /// Packages or their versions changed.
    PackagesChanged,
    /// The task that builds it changed.
    TaskChanged,
    /// No build for this platform is known, but builds for others are.
    PlatformAdded,
    /// The time that images pretend to be made at changed.
    EpochChanged,
    /// The component that its image is a layer on has another image.
    BaseChanged,
    /// A component that is used to build it has another image.
    BuilderChanged,
    /// An image that no component makes is another one.
    ExternalImageChanged,
    /// A component that its image names has another image.
    OperandChanged,
    /// Its base may not be exchanged under its image, although the stream allows it.
    NotRebased,
    /// The component that its image is a layer on is built in this run.
    BaseRebuilt,
    /// A component that is used to build it is built in this run.
    BuilderRebuilt,
    /// A component that its image names is built in this run.
    OperandRebuilt,
    /// Nothing changed since the last build, but its image is no longer there.
    ImageGone,
    /// Its image is there.
    UpToDate,
    /// Its image is where another stream or another machine put it.
    FoundElsewhere,
    /// It is an image that is there already, and never built.
    Prebuilt,
}

impl ReasonCode {
    /// All codes, in the order in which a plan gives them.
    pub const ALL: [Self; 28] = [
        Self::Forced,
        Self::LastBuildFailed,
        Self::NeverBuilt,
        Self::KeyFormatChanged,
        Self::CommitChanged,
        Self::SourceChanged,
        Self::PatchesChanged,
        Self::ContainerfileChanged,
        Self::EditsChanged,
        Self::FromChanged,
        Self::ArgsChanged,
        Self::LabelsChanged,
        Self::PackagesChanged,
        Self::TaskChanged,
        Self::PlatformAdded,
        Self::EpochChanged,
        Self::BaseChanged,
        Self::BuilderChanged,
        Self::ExternalImageChanged,
        Self::OperandChanged,
        Self::NotRebased,
        Self::BaseRebuilt,
        Self::BuilderRebuilt,
        Self::OperandRebuilt,
        Self::ImageGone,
        Self::UpToDate,
        Self::FoundElsewhere,
        Self::Prebuilt,
    ];

    /// As it is written: `source-changed`.
    pub fn as_str(self) -> &'static str {
        self.words().0
    }

    /// A sentence for people.
    pub fn meaning(self) -> &'static str {
        self.words().1
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Forced => ("forced", "It was asked for on the command line."),
            Self::LastBuildFailed => {
                ("last-build-failed", "The last attempt to build it failed, in the run that is named.")
            }
            Self::NeverBuilt => ("never-built", "No build of the component is known."),
            Self::KeyFormatChanged => (
                "key-format-changed",
                "This version of the program makes keys in another way than the one that built it last, so no earlier image is found.",
            ),
            Self::CommitChanged => ("commit-changed", "The commit of its source in git changed."),
            Self::SourceChanged => {
                ("source-changed", "The files that it is built from changed, or where they are from.")
            }
            Self::PatchesChanged => {
                ("patches-changed", "The patches of its source, or their order, changed.")
            }
            Self::ContainerfileChanged => {
                ("containerfile-changed", "Its Containerfile changed, or another one is used.")
            }
            Self::EditsChanged => {
                ("edits-changed", "The texts that are replaced in its Containerfile (`edits`) changed.")
            }
            Self::FromChanged => ("from-changed", "What its stages start from by its `from` changed."),
            Self::ArgsChanged => ("args-changed", "Its build arguments changed."),
            Self::LabelsChanged => ("labels-changed", "Its labels changed."),
            Self::PackagesChanged => ("packages-changed", "Its packages, or their versions, changed."),
            Self::TaskChanged => {
                ("task-changed", "The task that builds it changed, or another task builds it now.")
            }
            Self::PlatformAdded => {
                ("platform-added", "It was never built for this platform, but for others.")
            }
            Self::EpochChanged => ("epoch-changed", "The time that images pretend to be made at changed."),
            Self::BaseChanged => (
                "base-changed",
                "The component that its image is a layer on has another image than the last time, or is another one.",
            ),
            Self::BuilderChanged => (
                "builder-changed",
                "A component that is used while it is built, in an earlier stage or to copy out of, has another image than the last time, \
                 or is another one.",
            ),
            Self::ExternalImageChanged => (
                "external-image-changed",
                "An image that no component of the stream makes, and that it starts from or is built with, is another one than the last \
                 time.",
            ),
            Self::OperandChanged => (
                "operand-changed",
                "A component that its image names by digest has another image than the last time, or is another one.",
            ),
            Self::NotRebased => (
                "not-rebased",
                "The stream allows its base to be exchanged under its image (`layerRebase`), but the images do not fit.",
            ),
            Self::BaseRebuilt => (
                "base-rebuilt",
                "The component that its image is a layer on is built in this run. If that comes out as it was, this one is reused.",
            ),
            Self::BuilderRebuilt => (
                "builder-rebuilt",
                "A component that is used while it is built is itself built in this run. If that comes out as it was, this one is reused.",
            ),
            Self::OperandRebuilt => (
                "operand-rebuilt",
                "A component that its image names is built in this run. If that comes out as it was, this one is reused.",
            ),
            Self::ImageGone => {
                ("image-gone", "Nothing changed since the last build, but its image is no longer there.")
            }
            Self::UpToDate => {
                ("up-to-date", "The stream has its image on this machine, with exactly these inputs.")
            }
            Self::FoundElsewhere => (
                "found-elsewhere",
                "Its image, with exactly these inputs, is in the repository that is named: of another stream, or in a registry.",
            ),
            Self::Prebuilt => ("prebuilt", "The stream names its image by digest; it is never built."),
        }
    }

    /// Whether it says why something is *not* built.
    pub const fn is_for_reuse(self) -> bool {
        matches!(self, Self::UpToDate | Self::FoundElsewhere | Self::Prebuilt)
    }
}
