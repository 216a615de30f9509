//! All codes, what they mean, what to do.

use tekton::lint::code::Lint;

/// Declares the codes and the list of all of them.
macro_rules! lints {
    ($($name:ident $code:literal: $what:literal; $why:literal; $instead:literal;)*) => {
        $(pub(super) const $name: Lint = Lint { code: $code, what: $what, why: $why, instead: $instead };)*

        /// Every code that a finding about a stream can have, alphabetically.
        pub const LINTS: &[Lint] = &[$($name),*];
    };
}

lints! {
    ARCH_PARITY "arch-parity":
        "a member of the payload that is missing on a platform of the stream";
        "The payload of that platform does not have it, and an operator there may name it: then there is no release.";
        "Let it be on that platform too, take it out of the payload, or name a component whose image has its tag there (`standIn`).";
    DUPLICATE_PACKAGE "duplicate-package":
        "a package that a component lists twice";
        "The second time says nothing.";
        "Remove one of them.";
    EXPIRED "expired":
        "an operation or a waiver whose last day, `expires`, is over";
        "Pins and loosened gates are meant for a while, and nobody remembers them. The operation still holds; the waiver does not.";
        "Remove it, or give it another day.";
    FOREIGN_BASE "foreign-base":
        "an image that components start from, which is not for a platform that they are built for";
        "The build for that platform stops, or makes an image of programs that do not start there.";
        "Name a list of images, or one for each platform: `images: {PLATFORM: IMAGE, …}`.";
    FOREIGN_IMAGE "foreign-image":
        "images that are taken as they are, of a release or by `source: {image: …}`, and are not for a platform of the stream";
        "The payload would name them for that platform, and their programs do not start there. `sw plan` and `sw build` ask for what they \
         are, each image once; with `--offline` what this machine knows counts, and what the release is for that names them.";
        "Build them for that platform (`replace`), leave them out there (`remove` with `platforms`), or take a release that is for it.";
    KERNEL_MISMATCH "kernel-mismatch":
        "a kernel, its variants (`-rt`) and headers that the lock has at several versions";
        "Modules are compiled against headers, and a node boots one kernel and not another: the parts must be of one build.";
        "Make the lock anew, so that all parts are found together, or ask for the same version by name everywhere.";
    MISMATCHED_SIBLINGS "mismatched-siblings":
        "a component from another commit than most others from the same repository";
        "Parts of one program that are of different age were never tested together.";
        "Let all of them follow one reference, or pin them all.";
    NO_ABI_LABEL "no-abi-label":
        "a base that `layerRebase` names, whose component has no label `streamwright.dev/abi`";
        "Nothing says what images on it rely on, so it is never exchanged under them: they are built.";
        "Give the component the label, or name another base.";
    NOTHING_TO_BUILD "nothing-to-build":
        "`rebuildInherited: all` in a stream that inherits published images";
        "Such an image is there already, and nothing says how it is built.";
        "Replace the components with their sources, or leave `rebuildInherited` out.";
    SAME_PACKAGE_OTHER_VERSION "same-package-other-version":
        "a package that the lock has at another version in this component than in most others of the payload";
        "Whoever fixes a package fixes it in one image, and the other still has the old one. A part of the lock was kept when the rest was made anew.";
        "Move the lock: `sw update`.";
    UNUSED_ARGUMENT "unused-argument":
        "a build argument that the Containerfile has no `ARG` for";
        "Builders ignore it.";
        "Write `ARG NAME` in the Containerfile, or remove the argument.";
    UNUSED_LAYER_REBASE "unused-layer-rebase":
        "a name in `layerRebase` that no image is a layer on";
        "The base is called something else, or is used only while something is built: then it cannot be exchanged.";
        "Write the name as in the last `FROM`, or remove it.";
    UNUSED_PLATFORMS "unused-platforms":
        "a platform that a component names and the stream is not for";
        "Nothing is built for it.";
        "Remove it from the component, or add it to the stream's `platforms`.";
    USELESS_WAIVER "useless-waiver":
        "a waiver of this stream, not of one below, that no finding needs";
        "What it excused is gone; it would excuse the next one of the kind without anybody looking.";
        "Remove it.";
}

/// The code with this name.
pub fn find(code: &str) -> Option<&'static Lint> {
    LINTS.iter().find(|lint| lint.code == code)
}
