//! OCI images: where they are, what they are made of, how they are kept, fetched, served, unpacked and mounted.
//!
//! - [`mod@reference`]: where an image is, `registry/repository:tag@digest`
//! - [`media`]: media types of both image families
//! - [`manifest`]: descriptors, image manifests, indexes, configurations
//! - [`store`]: images on disk: an OCI image layout with repositories and tags
//! - [`layer`]: tar archives, compressed: read, write, diff id
//! - [`image`]: an image as it is run: configuration and layers
//! - [`unpack`]: layers as directories that overlayfs stacks
//! - [`overlay`]: stacks them
//! - [`rebase`](mod@rebase): images on another base, without building them
//! - [`layout`]: from and to OCI layouts and archives of other tools
//! - [`auth`]: credentials for registries
//! - [`client`]: fetches from and pushes to registries
//! - [`server`]: a registry over a store
//! - `pieces`: files on their way to the network

pub mod auth;
pub mod client;
pub mod image;
pub mod layer;
pub mod layout;
pub mod manifest;
pub mod media;
pub mod overlay;
mod pieces;
pub mod rebase;
pub mod reference;
pub mod server;
pub mod store;
pub mod unpack;

pub use image::Image;
pub use manifest::{Descriptor, ImageConfig, ImageManifest, Index, Manifest, Platform};
pub use reference::Reference;
pub use store::{Store, StoredManifest};
