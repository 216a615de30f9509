//! From component images to a release image (payload.md §2).
//!
//! - [`request`]: what to assemble, as a value
//! - [`component_image`]: what one component's image says and brings
//! - [`kept_tags`]: which components stay in the payload
//! - [`transform`]: the components' manifests, checked and with pull specs and versions replaced
//! - [`release_image`]: the result, which can be stored
//! - [`error`]: why a release cannot be assembled
//!
//! The same request over the same images gives the same bytes: time comes from the request.
//!
//! ```no_run
//! use release::payload::assemble::{Component, Request, assemble};
//!
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = oci::Store::open("store")?;
//! // Built into the local store, pulled by clusters from elsewhere.
//! let built: oci::Reference = "127.0.0.1:5000/stream/etcd@sha256:…".parse()?;
//! let etcd = Component::new("etcd", built).pulled_from("quay.example/stream/etcd@sha256:…");
//! let request = Request::new("4.22.0-okd.3", "2026-01-02T03:04:05Z".parse()?, vec![etcd]);
//! let release = assemble(&request, &store)?;
//! eprintln!("{}", release.warnings.render(false));
//! let image = release.store(&store, &store, &"quay.example/stream/release".parse()?)?;
//! println!("{image}");
//! # Ok(())
//! # }
//! ```

pub mod component_image;
pub mod error;
pub mod kept_tags;
pub mod release_image;
pub mod request;
pub mod transform;

use base::{Diagnostic, Diagnostics};
use oci::manifest::Descriptor;
use oci::media;

use crate::go::time;

use super::content::Content;
use super::image::Image;
use super::image_stream::ImageStream;
use super::release_config::{self, release_config};
use super::release_layer::{self, PayloadFile};
use super::release_manifest::{docker_layer, docker_manifest};
use super::release_metadata::ReleaseMetadata;
use super::{IMAGE_REFERENCES, RELEASE_METADATA};

use component_image::ComponentImage;
pub use error::AssembleError;
pub use release_image::ReleaseImage;
pub use request::{Base, Component, Options, Request};

/// Assembles a release image from the component images in `content`. Nothing is written; see [`ReleaseImage::store`].
///
/// # Errors
/// When the request is wrong, an image cannot be read or is not what was asked for, or the manifests would not make a payload
/// that clusters load.
pub fn assemble(request: &Request, content: &dyn Content) -> Result<ReleaseImage, AssembleError> {
    let metadata =
        ReleaseMetadata::new(&request.name, &request.previous, &request.next, request.metadata.clone())?;
    let components = request.checked_components()?;
    let mut warnings = Diagnostics::default();
    let images = component_image::read_all(&components, content, request)?;
    for (component, image) in components.iter().zip(&images) {
        warnings.extend(image.warnings.iter().map(|text| component_warning(&component.tag, text)));
    }
    component_image::verify(&components, &images, request.options.skip_verification, &mut warnings)?;

    let references = image_references(request, &components, &images);
    let operators = transform::operators(&components, &images)?;
    let references = kept_tags::prune(references, &operators, request);
    let (files, newest) = transform::files(&references, &operators, &request.options, &mut warnings)?;
    if operators.iter().all(|operator| operator.files.is_empty()) {
        warnings.push(
            Diagnostic::warning(
                "no-operators",
                "No operator metadata was found, no operators will be part of the release",
            )
            .help("label images with io.openshift.release.operator=true and put their manifests into /manifests in the last layer"),
        );
    }

    let mut payload = vec![
        PayloadFile { name: IMAGE_REFERENCES.to_owned(), modified: newest, bytes: references.to_json() },
        PayloadFile { name: RELEASE_METADATA.to_owned(), modified: newest, bytes: metadata.to_json() },
    ];
    payload.extend(files);
    let archive = release_layer::archive(newest, &payload);
    let (base, base_digest) = base_image(request, &components, &images, &references, content)?;
    build(request, references, metadata, payload, archive, base, base_digest, warnings)
}

/// The image stream before anything is left out: all components, sorted, with annotations from their images' labels.
fn image_references(request: &Request, components: &[&Component], images: &[ComponentImage]) -> ImageStream {
    let mut tags: Vec<_> = components.iter().zip(images).map(|(c, image)| image.tag(c)).collect();
    tags.sort_by(|a, b| a.name.cmp(&b.name));
    ImageStream {
        name: request.name.clone(),
        created: Some(time::seconds(request.created)),
        annotations: request.annotations.clone(),
        tags,
    }
}

/// The image that the payload's layer is put on, and the digest that the release names as its base: of a list, that of the image
/// it was built on, but in a release for several platforms that of the list.
fn base_image(
    request: &Request,
    components: &[&Component],
    images: &[ComponentImage],
    references: &ImageStream,
    content: &dyn Content,
) -> Result<(Image, base::Digest), AssembleError> {
    let (image, named) = match &request.base {
        Base::Image(at) => {
            let image = Image::read(content, at, &request.platform).map_err(|source| {
                AssembleError::BaseImage { at: at.to_string(), source: Box::new(source) }
            })?;
            let named = image.content_digest;
            (image, named)
        }
        Base::Tag(tag) => {
            let missing = || AssembleError::NoBase(tag.clone());
            references.tag(tag).ok_or_else(missing)?;
            let at = components.iter().position(|c| c.tag == *tag).ok_or_else(missing)?;
            let image = images[at].image.clone();
            // What the payload calls that image.
            let named = components[at].digest().unwrap_or(image.content_digest);
            (image, named)
        }
    };
    if !request.part_of_list {
        let digest = if image.list_digest.is_some() { image.digest } else { named };
        return Ok((image, digest));
    }
    let found = image.config.platform();
    if !request.platform.accepts(&found) {
        // What it says may be anything.
        let found = found.name().unwrap_or_else(|| "none".to_owned());
        let (at, wanted) = (image.at.to_string(), request.platform.to_string());
        return Err(AssembleError::BasePlatform { at, found, wanted });
    }
    Ok((image, named))
}

#[expect(clippy::too_many_arguments, reason = "the last step joins the results of all others")]
fn build(
    request: &Request,
    references: ImageStream,
    metadata: ReleaseMetadata,
    files: Vec<PayloadFile>,
    archive: Vec<u8>,
    base: Image,
    base_digest: base::Digest,
    warnings: Diagnostics,
) -> Result<ReleaseImage, AssembleError> {
    let layer = release_layer::compress(&archive);
    let mut layers: Vec<Descriptor> =
        base.manifest.layers.iter().map(docker_layer).collect::<Result<_, _>>()?;
    let diff_ids = base.config.rootfs.diff_ids.len();
    if diff_ids != layers.len() {
        return Err(AssembleError::BaseLayers { layers: layers.len(), diff_ids });
    }
    layers.push(Descriptor::of(media::DOCKER_LAYER_GZIP, &layer));
    let diff_id = release_layer::diff_id(&archive);
    let config = release_config(
        &base.raw_config,
        &release_config::ReleaseImage {
            name: &request.name,
            created: &time::seconds(request.created),
            base_digest,
            diff_id,
            size: layers.iter().map(|l| l.size).sum(),
            layers: layers.len(),
        },
    );
    let manifest = docker_manifest(&Descriptor::of(media::DOCKER_CONFIG, &config), &layers);
    Ok(ReleaseImage {
        references,
        metadata,
        files,
        archive,
        layer,
        config,
        manifest,
        layers,
        base: base.at,
        warnings,
    })
}

fn component_warning(tag: &str, text: &str) -> Diagnostic {
    Diagnostic::warning("component", format!("component `{tag}`: {text}"))
}
