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
    /// The pull specs, by digest, on the platforms that have the image.
    pub pull_specs: BTreeMap<Platform, String>,
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
        if !published.platforms.iter().all(|platform| image.pull_specs.contains_key(platform)) {
            let _ = writeln!(text, "    platforms: [{}]", listed(image.pull_specs.keys()));
        }
        let _ = writeln!(text, "    source: {}", source(&image.pull_specs));
        let annotation = |name: &str| image.annotations.get(name).filter(|value| !value.is_empty());
        if let (Some(location), Some(commit)) = (annotation(LOCATION), annotation(COMMIT)) {
            let (url, commit) = (quoted(location), quoted(commit));
            let _ = writeln!(text, "    builtFrom: {{url: {url}, ref: {commit}}}");
        }
    }
    text
}

/// One image, which may be a list, or one for each platform.
fn source(pull_specs: &BTreeMap<Platform, String>) -> String {
    let mut different = pull_specs.values().collect::<BTreeSet<_>>().into_iter();
    match (different.next(), different.next()) {
        (Some(image), None) => format!("{{image: {}}}", quoted(image)),
        _ => {
            let image = |(platform, image): (&Platform, &String)| format!("{platform}: {}", quoted(image));
            let images: Vec<String> = pull_specs.iter().map(image).collect();
            format!("{{images: {{{}}}}}", images.join(", "))
        }
    }
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
            pull_specs: BTreeMap::from(
                [Platform::Amd64, Platform::Arm64].map(|on| (on, format!("quay.io/okd/content@{digest}"))),
            ),
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

    /// As releases are that somebody stitched together: other images, and others than on another platform.
    #[test]
    fn platforms_of_a_release_may_differ() {
        let on = |platforms: &[(Platform, &str)]| {
            platforms.iter().map(|(on, spec)| (*on, (*spec).to_owned())).collect()
        };
        let image = |tag: &str, platforms| Image {
            tag: tag.to_owned(),
            pull_specs: on(platforms),
            annotations: BTreeMap::new(),
        };
        let (one, other) = ("r/x@sha256:1", "r/x@sha256:2");
        let text = stream_file(&Published {
            pull_spec: "r/release@sha256:0".to_owned(),
            release: "1.0.0".to_owned(),
            release_base: "base".to_owned(),
            platforms: [Platform::Amd64, Platform::Arm64].into(),
            images: vec![
                image("base", &[(Platform::Amd64, one), (Platform::Arm64, other)]),
                image("driver", &[(Platform::Amd64, one)]),
            ],
        });
        let stream = parse(&Source::new("payload", text)).unwrap().stream;
        let images = BTreeMap::from([(Platform::Amd64, one.to_owned()), (Platform::Arm64, other.to_owned())]);
        assert_eq!(stream.components["base"].source, Origin::Images(images));
        assert_eq!(stream.components["base"].platforms, None);
        assert_eq!(stream.components["driver"].platforms, Some([Platform::Amd64].into()));
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
                pull_specs: BTreeMap::from([(Platform::Amd64, "p".to_owned())]),
                annotations: BTreeMap::new(),
            }],
        });
        let stream = parse(&Source::new("payload", text)).unwrap().stream;
        assert_eq!((stream.name.as_str(), stream.release_base.as_str()), ("published", "a\": evil"));
        assert!(stream.components.contains_key("x\": y\n  z"));
    }
}
