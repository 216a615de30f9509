//! A published release payload as a stream: every component is the image that the payload has.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use crate::definition::Platform;
use crate::definition::platform::listed;

/// Annotations of a payload's tags that say where an image is from (payload.md §1.3).
const LOCATION: &str = "io.openshift.build.source-location";
const COMMIT: &str = "io.openshift.build.commit.id";

/// What is known of a published payload.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its pull spec, by digest.
    pub pull_spec: String,
    /// The name of the release: a semantic version.
    pub release: String,
    /// The tag that the payload is a layer on.
    pub release_base: String,
    /// The platforms that it is for; none when nothing says so.
    pub platforms: BTreeSet<Platform>,
    /// Its images.
    pub images: Vec<Image>,
}

/// One image of a payload.
#[derive(Debug, Clone)]
pub struct Image {
    /// The tag.
    pub tag: String,
    /// The pull spec, by digest.
    pub pull_spec: String,
    /// The annotations of the tag.
    pub annotations: BTreeMap<String, String>,
}

/// The text of a stream file that has exactly the images of a payload, and nothing to build.
pub fn stream_file(published: &Published) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "# The release {}, as it was published.\napiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: published\n\
         description: {}\nversion: {}\nrepository: {}\n{}releaseBase: {}\ncomponents:\n",
        one_line(&published.release),
        quoted(&format!("The release {}.", published.release)),
        quoted(&version(&published.release)),
        quoted(repository(&published.pull_spec)),
        platforms(&published.platforms),
        quoted(&published.release_base),
    );
    for image in &published.images {
        let _ = writeln!(text, "  {}:", quoted(&image.tag));
        let _ = writeln!(text, "    source: {{image: {}}}", quoted(&image.pull_spec));
        let annotation = |name: &str| image.annotations.get(name).filter(|value| !value.is_empty());
        if let (Some(location), Some(commit)) = (annotation(LOCATION), annotation(COMMIT)) {
            let (url, commit) = (quoted(location), quoted(commit));
            let _ = writeln!(text, "    builtFrom: {{url: {url}, ref: {commit}}}");
        }
    }
    text
}

/// A text of YAML that is exactly `text`: JSON is YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

/// Major, minor and patch of a release's name: what comes after names that release, not those made of it.
fn version(release: &str) -> String {
    let core = release.split(['-', '+']).next().unwrap_or_default();
    let numbers = core.split('.').count() == 3 && core.split('.').all(|part| part.parse::<u64>().is_ok());
    if numbers { core.to_owned() } else { "0.1.0".to_owned() }
}

/// The line `platforms:`; none for the platform that a stream has anyway.
fn platforms(platforms: &BTreeSet<Platform>) -> String {
    if platforms.is_empty() || platforms.iter().eq([&Platform::default()]) {
        return String::new();
    }
    format!("platforms: [{}]\n", listed(platforms))
}

fn repository(pull_spec: &str) -> &str {
    pull_spec.split('@').next().unwrap_or(pull_spec)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;

    use super::*;
    use crate::definition::{Origin, parse};

    #[test]
    fn every_image_becomes_a_component_with_its_source() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let image = |tag: &str, annotations: &[(&str, &str)]| Image {
            tag: tag.to_owned(),
            pull_spec: format!("quay.io/okd/content@{digest}"),
            annotations: annotations.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        };
        let text = stream_file(&Published {
            pull_spec: format!("quay.io/okd/release@{digest}"),
            release: "4.12.0-0.okd-2023-02-04".to_owned(),
            release_base: "cluster-version-operator".to_owned(),
            platforms: BTreeSet::from([Platform::Arm64, Platform::Amd64]),
            images: vec![
                image("cli", &[(LOCATION, "https://github.com/openshift/oc"), (COMMIT, "abc")]),
                image("cluster-version-operator", &[(LOCATION, "")]),
            ],
        });
        let stream = parse(&Source::new("payload", text)).unwrap().stream;
        assert_eq!(stream.version, "4.12.0");
        assert_eq!(stream.platforms, [Platform::Arm64, Platform::Amd64].into());
        assert_eq!(stream.repository, "quay.io/okd/release");
        let cli = &stream.components["cli"];
        assert_eq!(cli.source, Origin::Image(format!("quay.io/okd/content@{digest}")));
        assert_eq!(cli.built_from.as_ref().unwrap().url, "https://github.com/openshift/oc");
        assert_eq!(stream.components["cluster-version-operator"].built_from, None);
    }

    #[test]
    fn texts_of_a_payload_cannot_change_the_file() {
        let text = stream_file(&Published {
            pull_spec: "r/x@sha256:0".to_owned(),
            release: "4.12.0\nname: evil".to_owned(),
            release_base: "a\": evil".to_owned(),
            platforms: BTreeSet::new(),
            images: vec![Image {
                tag: "x\": y\n  z".to_owned(),
                pull_spec: "p".to_owned(),
                annotations: BTreeMap::new(),
            }],
        });
        let stream = parse(&Source::new("payload", text)).unwrap().stream;
        assert_eq!((stream.name.as_str(), stream.release_base.as_str()), ("published", "a\": evil"));
        assert!(stream.components.contains_key("x\": y\n  z"));
    }
}
