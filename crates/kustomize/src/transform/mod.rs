//! What a kustomization does to all objects below it.
//!
//! - [`namespace`]: the field `namespace`
//! - [`names`]: the fields `namePrefix`, `nameSuffix`
//! - [`labels`]: the fields `labels`, `commonLabels`, `commonAnnotations`
//! - [`images`]: the field `images`
//! - [`replicas`]: the field `replicas`

pub mod images;
pub mod labels;
pub mod names;
pub mod namespace;
pub mod replicas;
