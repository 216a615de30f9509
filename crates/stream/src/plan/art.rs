//! The reasons of ART, which builds OpenShift, in the words of this program.

use super::ReasonCode;

/// A code of ART's tool doozer (`RebuildHintCode` in `doozerlib/metadata.py`), and what says the same here.
#[derive(Debug, Clone, Copy)]
pub struct ArtCode {
    /// ART's name.
    pub name: &'static str,
    /// The codes that say it here; none when there is nothing to say.
    pub ours: &'static [ReasonCode],
    /// How they compare, or why there is none.
    pub remark: &'static str,
}

const fn code(name: &'static str, ours: &'static [ReasonCode], remark: &'static str) -> ArtCode {
    ArtCode { name, ours, remark }
}

/// All of ART's codes, in ART's order.
pub const ART_CODES: [ArtCode; 19] = {
    use ReasonCode::{
        ArgsChanged, BaseChanged, BaseRebuilt, BuilderChanged, BuilderRebuilt, CommitChanged,
        ContainerfileChanged, EditsChanged, ExternalImageChanged, FoundElsewhere, FromChanged, LabelsChanged,
        LastBuildFailed, NeverBuilt, OperandChanged, OperandRebuilt, PackagesChanged, PatchesChanged,
        PlatformAdded, Prebuilt, SourceChanged, TaskChanged, UpToDate,
    };
    [
        code(
            "NO_COMPONENT",
            &[],
            "Koji wants components registered; a component of a stream needs no registration.",
        ),
        code("NO_LATEST_BUILD", &[NeverBuilt], ""),
        code(
            "DISTGIT_ONLY_COMMIT_OLDER",
            &[UpToDate],
            "A source beside the stream file counts as its content, not by its age.",
        ),
        code("DISTGIT_ONLY_COMMIT_NEWER", &[SourceChanged], "A source beside the stream file."),
        code(
            "DELAYING_NEXT_ATTEMPT",
            &[],
            "Nothing waits: what failed is tried again with the next build that is asked for.",
        ),
        code("LAST_BUILD_FAILED", &[LastBuildFailed], "With the run, for `sw logs`."),
        code("NEW_UPSTREAM_COMMIT", &[CommitChanged], "When the lock moves to it."),
        code(
            "UPSTREAM_COMMIT_MISMATCH",
            &[CommitChanged],
            "A commit that was built before is found by its key, and is not built again.",
        ),
        code("BUILD_IS_UP_TO_DATE", &[UpToDate, FoundElsewhere, Prebuilt], "With where the image is."),
        code("ANCESTOR_CHANGING", &[BaseChanged, BaseRebuilt], "Ends where a base comes out as it was."),
        code(
            "CONFIG_CHANGE",
            &[ContainerfileChanged, PatchesChanged, EditsChanged, FromChanged, ArgsChanged, LabelsChanged],
            "Which field changed, and from what to what.",
        ),
        code(
            "BUILDER_CHANGING",
            &[BuilderChanged, BuilderRebuilt, ExternalImageChanged],
            "Most builders are images from a registry.",
        ),
        code(
            "BUILD_ROOT_CHANGING",
            &[TaskChanged],
            "The task, with the images of its steps, is the build root.",
        ),
        code(
            "PACKAGE_CHANGE",
            &[PackagesChanged],
            "Packages of the lock; those that a base brings change the base.",
        ),
        code("ARCHES_CHANGE", &[PlatformAdded], ""),
        code(
            "DEPENDENCY_NEWER",
            &[BaseChanged, BuilderChanged, OperandChanged, OperandRebuilt],
            "By digest, not by time.",
        ),
        code(
            "TASK_BUNDLE_OUTDATED",
            &[TaskChanged],
            "A task is a part of the key; how old it is does not count.",
        ),
        code("NETWORK_MODE_CHANGE", &[TaskChanged], "Whether a build has the network is said in its task."),
        code("EXTERNAL_IMAGE_CHANGE", &[ExternalImageChanged], ""),
    ]
};
