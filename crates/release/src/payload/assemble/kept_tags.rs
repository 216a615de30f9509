//! Which components stay in the payload (payload.md §2.7).

use std::collections::BTreeSet;

use crate::payload::image_stream::ImageStream;

use super::transform::Operator;
use super::{Base, Request};

/// Drops the tags that nothing needs: kept are operators, what their `image-references` list, the base, and what the request
/// includes; all, when the request says so.
pub fn prune(mut references: ImageStream, operators: &[Operator<'_>], request: &Request) -> ImageStream {
    if request.options.keep_unreferenced {
        return references;
    }
    let mut kept: BTreeSet<&str> = request.options.include.iter().map(String::as_str).collect();
    if let Base::Tag(tag) = &request.base {
        kept.insert(tag);
    }
    for operator in operators {
        kept.insert(operator.tag);
        if let Some(local) = &operator.references {
            kept.extend(local.tags.iter().map(|tag| tag.name.as_str()));
        }
    }
    references.tags.retain(|tag| kept.contains(tag.name.as_str()));
    references
}
