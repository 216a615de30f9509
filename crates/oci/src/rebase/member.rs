//! Which image of a base is under an image: most bases from elsewhere are lists, with an image for each platform.
//!
//! An image is on a member, and the list leaves no trace in it. So a list in which only another platform's image changed is no other
//! base, and lists that come one after the other with the same member give the same image.

use base::Digest;

use super::config::platform_of;
use super::{Opened, Parts, Refusal};
use crate::manifest::{Descriptor, Manifest, Platform};
use crate::media;
use crate::store::StoredManifest;

/// Entries that the list of a base may have. Real ones have less than a hundred, attestations counted.
const MOST_ENTRIES: usize = 256;

/// The image that `base` is for the platform of `image`: itself, or the one of the list that it is.
///
/// # Errors
/// When a list has none for that platform, or more than one, so that it is not known which of them a builder takes; when what it has is
/// no image; when it has more entries than anybody needs.
pub fn member(which: &'static str, base: &StoredManifest, image: &Parts) -> Result<Digest, Refusal> {
    let malformed = |why: String| Refusal::Malformed { which, why };
    let list = match base.parse().map_err(|e| malformed(e.to_string()))? {
        Manifest::Image(_) => return Ok(base.digest),
        Manifest::Index(list) => list,
    };
    let entries = list.manifests.len();
    if entries > MOST_ENTRIES {
        return Err(malformed(format!("it is a list of {entries} entries, more than {MOST_ENTRIES}")));
    }
    let platform = platform(&Opened::of("image", image)?)?;
    let fits = |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|of| of.is_same_machine(&platform));
    let chosen = list.select(&platform).filter(fits).ok_or_else(|| Refusal::NoMember {
        which,
        platform: platform.to_string(),
        offered: list.platforms(),
    })?;
    let says = |entry: &&Descriptor| entry.platform.is_some() && fits(entry);
    if list.manifests.iter().filter(says).any(|entry| entry.digest != chosen.digest) {
        return Err(malformed(format!("it is a list with several images for {platform}")));
    }
    if !media::is_image_manifest(&chosen.media_type) {
        let what = if media::is_index(&chosen.media_type) { "another list" } else { "no image" };
        return Err(malformed(format!("it is a list, and what that has for {platform} is {what}")));
    }
    Ok(chosen.digest)
}

fn platform(image: &Opened) -> Result<Platform, Refusal> {
    let platform = platform_of(&image.config);
    if platform.name().is_none() {
        let why = "its configuration does not say which platform it is for".to_owned();
        return Err(Refusal::Malformed { which: "image", why });
    }
    Ok(platform)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};
    use testkit::image::{BuiltImage, Image, index};

    use super::*;
    use crate::media::{OCI_INDEX, OCI_MANIFEST};

    fn image(architecture: &str) -> BuiltImage {
        Image::holding(architecture).platform("linux", architecture).build()
    }

    fn parts(image: &BuiltImage) -> Parts {
        let media_type = image.media_type.to_owned();
        let manifest = StoredManifest { digest: image.digest, media_type, bytes: image.manifest.clone() };
        Parts { manifest, config: image.config.clone() }
    }

    fn list(entries: &Value) -> StoredManifest {
        let list = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
        let bytes = serde_json::to_vec(&list).unwrap();
        StoredManifest { digest: Digest::of(&bytes), media_type: OCI_INDEX.to_owned(), bytes }
    }

    fn entry(content: &str, media_type: &str, platform: &str) -> Value {
        let (os, rest) = platform.split_once('/').unwrap();
        let (architecture, variant) = rest.split_once('/').map_or((rest, None), |(a, v)| (a, Some(v)));
        let platform = json!({"os": os, "architecture": architecture, "variant": variant});
        json!({"mediaType": media_type, "digest": Digest::of(content), "size": 2, "platform": platform})
    }

    /// The content of the entry that is taken for an image, of entries that are image manifests.
    fn taken(entries: &[(&str, &str)], architecture: &str) -> Result<Digest, String> {
        let entries = entries.iter().map(|(content, platform)| entry(content, OCI_MANIFEST, platform));
        refusal(&entries.collect(), architecture)
    }

    fn refusal(entries: &Value, architecture: &str) -> Result<Digest, String> {
        member("new base", &list(entries), &parts(&image(architecture))).map_err(|e| e.to_string())
    }

    #[test]
    fn the_member_for_the_platform_of_the_image_is_taken() {
        let (amd64, arm64) = (image("amd64"), image("arm64"));
        let (bytes, media_type) = index(&[&amd64, &arm64]);
        let list = StoredManifest { digest: Digest::of(&bytes), media_type: media_type.to_owned(), bytes };
        for one in [&amd64, &arm64] {
            assert_eq!(member("old base", &list, &parts(one)), Ok(one.digest));
            assert_eq!(member("old base", &parts(&arm64).manifest, &parts(one)), Ok(arm64.digest), "no list");
        }
        let attested = [
            ("a", "linux/amd64"),
            ("b", "unknown/unknown"),
            ("c", "linux/arm64/v8"),
            ("d", "unknown/unknown"),
        ];
        assert_eq!(taken(&attested, "amd64"), Ok(Digest::of("a")));
        assert_eq!(taken(&attested, "arm64"), Ok(Digest::of("c")), "v8 is what arm64 means");
        let variants = [("v3", "linux/amd64/v3"), ("v1", "linux/amd64")];
        assert_eq!(taken(&variants, "amd64"), Ok(Digest::of("v1")));
        let mut bare = entry("a", OCI_MANIFEST, "linux/amd64");
        bare["platform"].take();
        assert_eq!(refusal(&json!([bare]), "amd64"), Ok(Digest::of("a")), "the only one, which says nothing");
        assert_eq!(taken(&[("a", "linux/amd64"), ("a", "linux/amd64")], "amd64"), Ok(Digest::of("a")));
    }

    #[test]
    fn a_list_in_which_it_is_not_clear_is_refused_by_name() {
        let refused = |entries: &[(&str, &str)]| taken(entries, "amd64").unwrap_err();
        insta::assert_snapshot!(refused(&[("a", "linux/arm64"), ("b", "linux/s390x"), ("c", "unknown/unknown")]), @"the new base is a list that has no image for linux/amd64 (it has: linux/arm64, linux/s390x)");
        insta::assert_snapshot!(refused(&[("a", "unknown/unknown")]), @"the new base is a list that has no image for linux/amd64 (it has: none)");
        insta::assert_snapshot!(refused(&[]), @"the new base is a list that has no image for linux/amd64 (it has: none)");
        insta::assert_snapshot!(refused(&[("a", "linux/amd64/v2")]), @"the new base is a list that has no image for linux/amd64 (it has: linux/amd64/v2)");
        insta::assert_snapshot!(refused(&[("a", "linux/amd64"), ("b", "linux/amd64")]), @"the new base is not an image that can be rebased: it is a list with several images for linux/amd64");
        // What would be printed on a terminal.
        insta::assert_snapshot!(refused(&[("a", "\u{1b}[2J/x"), ("b", &format!("linux/{}", "x".repeat(1 << 20)))]), @"the new base is a list that has no image for linux/amd64 (it has: none)");

        let of_type =
            |media_type| refusal(&json!([entry("a", media_type, "linux/amd64")]), "amd64").unwrap_err();
        insta::assert_snapshot!(of_type(OCI_INDEX), @"the new base is not an image that can be rebased: it is a list, and what that has for linux/amd64 is another list");
        insta::assert_snapshot!(of_type("text/html"), @"the new base is not an image that can be rebased: it is a list, and what that has for linux/amd64 is no image");

        let many: Vec<String> = (0..1000).map(|n| format!("linux/cpu{n}")).collect();
        let entries: Vec<(&str, &str)> = many.iter().map(|platform| ("a", platform.as_str())).collect();
        insta::assert_snapshot!(refused(&entries), @"the new base is not an image that can be rebased: it is a list of 1000 entries, more than 256");
        insta::assert_snapshot!(refused(&entries[..20]), @"the new base is a list that has no image for linux/amd64 (it has: linux/cpu0, linux/cpu1, linux/cpu2, linux/cpu3, linux/cpu4, linux/cpu5, linux/cpu6, linux/cpu7, linux/cpu8, linux/cpu9, linux/cpu10, linux/cpu11, …)");
        let silent = refusal(&json!([entry("a", OCI_MANIFEST, "linux/amd64")]), "").unwrap_err();
        insta::assert_snapshot!(silent, @"the image is not an image that can be rebased: its configuration does not say which platform it is for");
    }
}
