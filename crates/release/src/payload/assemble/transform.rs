//! The components' manifests as they stand in the payload: checked, named, with pull specs and versions replaced.

use base::{Diagnostic, Diagnostics};

use crate::payload::IMAGE_REFERENCES;
use crate::payload::file_name::FileNames;
use crate::payload::image_stream::ImageStream;
use crate::payload::last_layer::{LayerFile, Modified};
use crate::payload::leftover::Leftovers;
use crate::payload::manifest_check::{check_loadable, check_original};
use crate::payload::release_layer::PayloadFile;
use crate::payload::substitution::Substitution;

use super::component_image::ComponentImage;
use super::{AssembleError, Component, Options};

/// A component that brings manifests.
#[derive(Debug)]
pub struct Operator<'a> {
    /// The component.
    pub tag: &'a str,
    /// Its own `image-references`.
    pub references: Option<ImageStream>,
    /// Its files, without `image-references`, by name.
    pub files: Vec<&'a LayerFile>,
    /// The newest of its files, `image-references` included.
    newest: Modified,
}

/// The components that are labelled as operators, by tag.
///
/// # Errors
/// When an `image-references` file is malformed.
pub fn operators<'a>(
    components: &[&'a Component],
    images: &'a [ComponentImage],
) -> Result<Vec<Operator<'a>>, AssembleError> {
    let mut operators = Vec::new();
    for (component, image) in components.iter().zip(images) {
        let Some(folder) = &image.manifests else { continue };
        let (own, files): (Vec<_>, Vec<_>) = folder.files.iter().partition(|f| f.name == IMAGE_REFERENCES);
        let references = own
            .first()
            .map(|file| ImageStream::parse(&file.bytes))
            .transpose()
            .map_err(|source| AssembleError::ImageReferences { tag: component.tag.clone(), source })?;
        let newest = folder.files.iter().map(|f| f.modified).max().unwrap_or_default();
        operators.push(Operator { tag: &component.tag, references, files, newest });
    }
    operators.sort_by(|a, b| a.tag.cmp(b.tag));
    Ok(operators)
}

/// All files of the payload but the two lists, in their order, and the time of the newest input in seconds (0 without any).
///
/// # Errors
/// When something cannot be replaced, or (all findings at once) manifests would not load in a cluster.
pub fn files(
    references: &ImageStream,
    operators: &[Operator<'_>],
    options: &Options,
    warnings: &mut Diagnostics,
) -> Result<(Vec<PayloadFile>, i64), AssembleError> {
    let mut names = FileNames::default();
    let mut errors = Diagnostics::default();
    let mut files = Vec::new();
    let mut sources = Vec::new();
    for operator in operators {
        let tag = operator.tag;
        let substitution =
            Substitution::new(references, operator.references.as_ref(), options.allow_missing_images)
                .map_err(|source| AssembleError::Substitution {
                    tag: tag.to_owned(),
                    source: Box::new(source),
                })?;
        let strange = substitution.warnings.iter();
        warnings.extend(strange.map(|w| Diagnostic::warning("versions", format!("component `{tag}`: {w}"))));
        sources.extend(substitution.sources().map(str::to_owned));
        for file in &operator.files {
            let original = format!("{tag}/{}", file.name);
            let broken =
                if options.skip_manifest_check { None } else { check_original(&original, &file.bytes) };
            if let Some(error) = broken {
                errors.push(error);
                continue;
            }
            let bytes = substitution
                .apply(&file.bytes)
                .map_err(|source| AssembleError::VersionReference { file: original.clone(), source })?;
            if !options.skip_manifest_check {
                errors.extend(check_loadable(&original, &bytes));
            }
            let name = names.assign(tag, &file.name);
            files.push(PayloadFile { name, modified: file.modified.rounded(), bytes });
        }
    }
    if errors.has_errors() {
        return Err(AssembleError::Manifests(errors));
    }
    let leftovers = Leftovers::new(
        sources.iter().map(String::as_str),
        references.tags.iter().filter_map(|tag| tag.pull_spec()),
    );
    for file in &files {
        warnings.extend(leftovers.check(&file.name, &file.bytes));
    }
    let newest = operators.iter().map(|o| o.newest).max().unwrap_or_default();
    Ok((files, newest.seconds))
}
