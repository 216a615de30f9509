//! What one component's image says in its labels and brings in its last layer (payload.md §2.4).

use base::{Diagnostic, Diagnostics};

use crate::payload::at_once::at_once;
use crate::payload::component_version;
use crate::payload::content::Content;
use crate::payload::image::Image;
use crate::payload::image_stream::Tag;
use crate::payload::last_layer::{self, Folder, Names};
use crate::payload::{COMMIT_ID, COMMIT_REF, LABEL_OPERATOR, SOURCE_LOCATION, VERSION_NAMES, VERSIONS};

use super::{AssembleError, Component, Request};

/// The folder with an operator's manifests.
const MANIFESTS: &str = "manifests";

/// What a component's image says and brings.
#[derive(Debug, Clone)]
pub struct ComponentImage {
    /// The image.
    pub image: Image,
    /// `manifests/` of its last layer, when the image is labelled as an operator.
    pub manifests: Option<Folder>,
    /// What is strange about it.
    pub warnings: Vec<String>,
}

impl ComponentImage {
    fn read(component: &Component, content: &dyn Content, request: &Request) -> Result<Self, AssembleError> {
        let tag = || component.tag.clone();
        let image = Image::read(content, &component.read_from, &request.platform).map_err(|source| {
            AssembleError::Image { tag: tag(), at: component.read_from.to_string(), source: Box::new(source) }
        })?;
        let versions = component_version::parse(image.label(VERSIONS), image.label(VERSION_NAMES))
            .map_err(|source| AssembleError::Label { tag: tag(), source })?;
        if let Some(name) = component_version::not_allowed(&versions, &request.options.allowed_versions) {
            return Err(AssembleError::VersionName { tag: tag(), name: name.to_owned() });
        }
        let mut warnings = Vec::new();
        warnings.extend(contradiction(&image, request));
        if image.label(LABEL_OPERATOR).is_empty() {
            return Ok(Self { image, manifests: None, warnings });
        }
        let folder = last_layer::read(content, &image, MANIFESTS, Names::Cleaned)
            .map_err(|source| AssembleError::Layer { tag: tag(), source })?;
        if folder.files.is_empty() {
            warnings.push(format!(
                "the image has the label {LABEL_OPERATOR}, but no files in /{MANIFESTS} of its last layer; manifests in lower layers do not count, copy them in the last instruction of the Containerfile"
            ));
        }
        if !folder.skipped.is_empty() {
            let names = folder.skipped.join(", ");
            warnings.push(format!("links in /{MANIFESTS} are not followed: {names}; copy the files instead"));
        }
        Ok(Self { image, manifests: Some(folder), warnings })
    }

    /// The component's tag in `image-references`: annotations from labels; of each image the source, if only as empty text.
    pub fn tag(&self, component: &Component) -> Tag {
        let mut tag = Tag::new(&component.tag, &component.pull_spec);
        let mut annotations = component.annotations.clone();
        for label in [COMMIT_ID, COMMIT_REF, SOURCE_LOCATION] {
            annotations.insert(label.to_owned(), self.image.label(label).to_owned());
        }
        if !self.image.label(VERSIONS).is_empty() {
            for label in [VERSIONS, VERSION_NAMES] {
                annotations.insert(label.to_owned(), self.image.label(label).to_owned());
            }
        }
        tag.annotations = Some(annotations);
        tag
    }
}

/// In a release for several platforms, an image that says of itself that it is for another platform than its list says.
fn contradiction(image: &Image, request: &Request) -> Option<String> {
    let found = image.config.platform();
    let contradicts = request.part_of_list && found.name().is_some() && !request.platform.accepts(&found);
    contradicts.then(|| {
        format!(
            "its list has the image {} for {}, but the image says that it is for {found}; build it again for {}",
            image.digest, request.platform, request.platform
        )
    })
}

/// Reads all images, several at once. The results are in the order of the components.
///
/// # Errors
/// The error of the first component (in their order) that failed among those that were read.
pub fn read_all(
    components: &[&Component],
    content: &dyn Content,
    request: &Request,
) -> Result<Vec<ComponentImage>, AssembleError> {
    at_once(components, request.options.jobs, |component| ComponentImage::read(component, content, request))
}

/// Compares what was read with what the pull specs name. With `skip`, differences are warnings.
///
/// # Errors
/// The first difference.
pub fn verify(
    components: &[&Component],
    images: &[ComponentImage],
    skip: bool,
    warnings: &mut Diagnostics,
) -> Result<(), AssembleError> {
    for (component, image) in components.iter().zip(images) {
        let found = image.image.content_digest;
        let Some(expected) = component.digest().filter(|expected| *expected != found) else { continue };
        let difference = AssembleError::Verification {
            tag: component.tag.clone(),
            expected,
            at: component.read_from.to_string(),
            found,
        };
        if !skip {
            return Err(difference);
        }
        warnings.push(Diagnostic::warning("content-verification", difference.to_string()));
    }
    Ok(())
}
