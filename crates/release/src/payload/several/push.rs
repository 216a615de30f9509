//! A release to a registry. Blobs that the registry has in another repository are not sent.

use base::Digest;
use oci::client::{Client, ClientError};
use oci::reference::Reference;
use oci::store::{Store, StoredManifest};

use super::lists::{Lists, MadeList, TagList};
use super::release_list::ReleaseList;
use crate::payload::at_once::at_once;

/// Brings a release for several platforms to where `to`, a tag, says: first the lists that were made, each to its repository and
/// under the same tag, with their images where these are not there; then the release images, which have no tag; the list of them is
/// tagged last. `through` has what [`assemble`](super::assemble) wrote.
///
/// # Errors
/// When a registry does not do its part. Nothing has the tag in the release's repository then.
pub fn release(
    client: &Client,
    release: &ReleaseList,
    lists: &Lists<'_>,
    to: &Reference,
    through: &Store,
) -> Result<(), ClientError> {
    let made: Vec<(&TagList, &MadeList)> = lists
        .tags
        .iter()
        .filter(|list| release.tags.contains(&list.tag))
        .filter_map(|list| Some((list, list.made.as_ref()?)))
        .collect();
    let tag = to.tag().unwrap_or("latest");
    at_once(&made, 0, |(list, made)| push_list(client, list, made, tag, through))?;
    for image in &release.images {
        let stored = StoredManifest::from(image.manifest.clone());
        let at = to.at_digest(stored.digest);
        client.push_made(&stored, &at, std::slice::from_ref(&image.base), through, &())?;
    }
    client.put_manifest(to, &release.list.media_type, &release.list.bytes)?;
    Ok(())
}

/// Brings a list to its repository, after its images.
fn push_list(
    client: &Client,
    list: &TagList,
    made: &MadeList,
    tag: &str,
    through: &Store,
) -> Result<(), ClientError> {
    for image in &made.images {
        let Some(digest) = image.digest() else { continue };
        if image.name() != list.at.name() {
            copy(client, image, digest, &list.at, through)?;
        }
    }
    let at = list.at.at_tag(tag).unwrap_or_else(|_| list.at.clone());
    client.put_manifest(&at, &made.list.media_type, &made.list.bytes)?;
    Ok(())
}

fn copy(
    client: &Client,
    image: &Reference,
    digest: Digest,
    to: &Reference,
    through: &Store,
) -> Result<(), ClientError> {
    let to = to.at_digest(digest);
    if client.head(&to)?.is_none() {
        client.copy(image, &to, through, &())?;
    }
    Ok(())
}
