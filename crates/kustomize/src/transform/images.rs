//! `images`.

use serde_json::Value;

use crate::field_spec::FieldSpec;
use crate::kustomization::Image;
use crate::object::Object;

/// Renames images in everything called `containers` or `initContainers`, and in `fields`. The steps of Tekton are neither.
pub fn apply(objects: &mut [Object], images: &[Image], fields: &[FieldSpec]) {
    for image in images {
        for object in objects.iter_mut() {
            let id = object.id();
            if id.kind == "CustomResourceDefinition" {
                continue;
            }
            containers(&mut object.value, image);
            for field in fields.iter().filter(|field| field.is_for(&id)) {
                // An image that is not there is not made up.
                let field = FieldSpec { create: false, ..field.clone() };
                field.visit(&mut object.value, &mut |place| rename(place, image));
            }
        }
    }
}

fn containers(value: &mut Value, image: &Image) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| containers(item, image)),
        Value::Object(fields) => {
            for (key, value) in fields {
                if key == "containers" || key == "initContainers" {
                    for container in value.as_array_mut().into_iter().flatten() {
                        if let Some(place) = container.get_mut("image") {
                            rename(place, image);
                        }
                    }
                }
                containers(value, image);
            }
        }
        _ => {}
    }
}

fn rename(place: &mut Value, image: &Image) {
    if let Some(new) = place.as_str().and_then(|old| renamed(old, image)) {
        *place = Value::from(new);
    }
}

/// The new reference, when `old` is of this name.
fn renamed(old: &str, image: &Image) -> Option<String> {
    let rest = old.strip_prefix(image.name.as_str()).filter(|_| !image.name.is_empty())?;
    let (mut tag, mut digest) = rest.split_once('@').map_or((rest, ""), |(tag, digest)| (tag, digest));
    tag = match tag.strip_prefix(':') {
        Some(tag) if !tag.contains(['/', ':']) => tag,
        None if tag.is_empty() => tag,
        _ => return None,
    };
    if !image.new_tag.is_empty() || !image.digest.is_empty() {
        (tag, digest) = (&image.new_tag, &image.digest);
    }
    let mut new = if image.new_name.is_empty() { image.name.clone() } else { image.new_name.clone() };
    let tag = format!("{tag}{}", image.tag_suffix);
    if !tag.is_empty() {
        new = format!("{new}:{tag}");
    }
    if !digest.is_empty() {
        new = format!("{new}@{digest}");
    }
    // Names double when each image is replaced by its own longer name; no registry takes such.
    (new.len() <= 4096).then_some(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tags_and_digests() {
        let image = |name: &str, new_name: &str, new_tag: &str, digest: &str| Image {
            name: name.into(),
            new_name: new_name.into(),
            new_tag: new_tag.into(),
            digest: digest.into(),
            ..Image::default()
        };
        let tag = image("nginx", "", "9", "");
        for (old, new) in [
            ("nginx", Some("nginx:9")),
            ("nginx:1", Some("nginx:9")),
            ("nginx:1@sha256:ff", Some("nginx:9")),
            ("nginx2:1", None),
            ("nginx:5000/x", None),
            ("docker.io/nginx", None),
        ] {
            assert_eq!(renamed(old, &tag).as_deref(), new, "{old}");
        }
        let moved = image("nginx", "my/nginx", "", "");
        assert_eq!(renamed("nginx:1", &moved).as_deref(), Some("my/nginx:1"));
        let pinned = image("reg:5000/x", "", "", "sha256:ab");
        assert_eq!(renamed("reg:5000/x:1", &pinned).as_deref(), Some("reg:5000/x@sha256:ab"));
    }
}
