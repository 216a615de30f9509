//! What the tests of registry and client share.
//!
//! - [`http`]: requests written by hand, so that the server is not proven by the client beside it
//! - [`ours`]: our server over a store in a temporary directory
//! - [`debian`]: Debian's `docker-registry`, the foreign registry that tests are proven on first
//! - [`scripted`]: a server that answers what a test wants, however wrong
//! - [`proxy`]: connections that break
//! - [`small_disk`]: a disk that is soon full
//! - [`tools`]: skopeo, buildah and podman, apart from the host's configuration

#![allow(dead_code, reason = "each test program uses a part of it")]

pub mod debian;
pub mod http;
pub mod ours;
pub mod proxy;
pub mod scripted;
pub mod small_disk;
pub mod tools;

use base::Digest;
use oci::{Descriptor, Store};
use testkit::image::{BuiltImage, Image, Layer, PackedLayer};

/// A layer with a file of `size` bytes that do not compress.
pub fn layer(name: &str, size: usize) -> PackedLayer {
    Layer::new().file(name, noise(name, size)).gzip()
}

/// Bytes that look random and are the same every time.
pub fn noise(seed: &str, size: usize) -> Vec<u8> {
    let mut state = u64::from_le_bytes(Digest::of(seed).hex().as_bytes()[..8].try_into().unwrap());
    std::iter::repeat_with(|| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(size)
    .collect()
}

/// An image with a small and a large layer; different names, different images.
pub fn image(name: &str) -> BuiltImage {
    Image::new()
        .layer(layer(&format!("{name}-small"), 3000))
        .layer(layer(&format!("{name}-large"), 3 << 20))
        .build()
}

/// Puts an image into a store.
pub fn put(store: &Store, repository: &str, tag: Option<&str>, image: &BuiltImage) -> Digest {
    for blob in image.blobs() {
        store.put(blob).unwrap();
    }
    store.put_manifest(repository, image.media_type, &image.manifest, tag).unwrap()
}

/// Points to some bytes.
pub fn blob(bytes: &[u8]) -> Descriptor {
    Descriptor::of("application/octet-stream", bytes)
}

/// Whether nothing is left of what was not finished.
pub fn nothing_half_written(store: &Store) -> bool {
    let temporary = std::fs::read_dir(store.dir().join("tmp")).unwrap().count();
    temporary == 0 && store.check().unwrap().is_whole()
}
