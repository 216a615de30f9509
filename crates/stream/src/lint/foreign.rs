//! Images from elsewhere that are for another platform than the one that they are used on.
//!
//! An image knows for what it is, and tells whoever has it or asks its registry. A stream file does not know it, so that [`used`] says
//! what is worth asking and [`ImagePlatforms`] brings the answers.

use std::collections::{BTreeMap, BTreeSet};

use base::{Diagnostic, Digest};

use super::code::{FOREIGN_BASE, FOREIGN_IMAGE};
use super::majority::some;
use super::{Finding, Subject, or_waive};
use crate::definition::platform::listed;
use crate::definition::{Definition, Platform};
use crate::graph::{BaseImage, Graph, Graphs};
use crate::lock::Lock;

/// What is found with knowledge that this machine may not have.
pub(super) const CODES: [&str; 2] = [FOREIGN_BASE.code, FOREIGN_IMAGE.code];

/// What is known of the platforms of images, by digest. What nobody said is in neither.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImagePlatforms {
    /// What the images themselves say.
    pub known: BTreeMap<Digest, BTreeSet<Platform>>,
    /// What a release is for that names them. Where an image does not say it itself, that counts.
    pub claimed: BTreeMap<Digest, BTreeSet<Platform>>,
}

impl ImagePlatforms {
    /// The platforms of an image, as far as something says them.
    pub fn of(&self, image: Digest) -> Option<&BTreeSet<Platform>> {
        self.known.get(&image).or_else(|| self.claimed.get(&image))
    }

    fn lacks(&self, image: Digest, platform: Platform) -> bool {
        self.of(image).is_some_and(|platforms| !platforms.contains(&platform))
    }
}

/// The images that a stream takes from elsewhere: as components, and to start from. Each by its digest, with a reference to it and
/// the platforms that it is used on.
pub fn used(graphs: &Graphs, lock: &Lock) -> BTreeMap<Digest, (String, BTreeSet<Platform>)> {
    let mut used: BTreeMap<Digest, (String, BTreeSet<Platform>)> = BTreeMap::new();
    for graph in graphs.iter() {
        let members = members(graph).map(|(_, image)| image);
        let bases = bases(graph).map(|(_, _, image)| image);
        for image in members.chain(bases) {
            let Some(digest) = lock.image(image) else { continue };
            let (_, on) = used.entry(digest).or_insert_with(|| (image.to_owned(), BTreeSet::new()));
            on.insert(graph.platform);
        }
    }
    used
}

/// Components that are images already.
fn members(graph: &Graph) -> impl Iterator<Item = (&str, &str)> {
    graph.stream.components.iter().filter_map(|(name, one)| Some((name.as_str(), one.prebuilt()?)))
}

/// Components with the images from elsewhere that they start from, and the entry of `bases` that says which.
fn bases(graph: &Graph) -> impl Iterator<Item = (&str, Option<&str>, &str)> {
    graph.nodes.iter().flat_map(|(name, node)| {
        node.bases.values().filter_map(move |base| match &base.image {
            BaseImage::Image(image) => Some((name.as_str(), base.entry.as_deref(), image.as_str())),
            BaseImage::Component(_) => None,
        })
    })
}

/// Whether so little is known that a waiver may excuse what would be found otherwise.
pub(super) fn is_undecided(subject: Subject<'_>) -> bool {
    used(subject.graphs, subject.lock).keys().any(|image| subject.images.of(*image).is_none())
}

/// Components whose images are for other platforms: together, as far as the same can be done about them.
pub(super) fn images(subject: Subject<'_>) -> Vec<Finding> {
    let mut without: BTreeMap<&str, BTreeSet<Platform>> = BTreeMap::new();
    for graph in subject.graphs.iter() {
        for (name, image) in members(graph) {
            if subject.lock.image(image).is_some_and(|image| subject.images.lacks(image, graph.platform)) {
                without.entry(name).or_default().insert(graph.platform);
            }
        }
    }
    // What a waiver names is told apart from the rest, which it does not excuse.
    let named: BTreeSet<&str> = subject
        .graphs
        .stream
        .waivers
        .iter()
        .filter(|waiver| waiver.code == FOREIGN_IMAGE.code)
        .filter_map(|waiver| waiver.component.as_deref())
        .collect();
    let mut groups: BTreeMap<Alike<'_>, Vec<&str>> = BTreeMap::new();
    for (name, without) in without {
        let (release, waived) = (subject.definition.release_of(name), named.get(name).copied());
        groups.entry(Alike { release, without, waived }).or_default().push(name);
    }
    groups.into_iter().map(|(alike, names)| together(subject, &alike, &names)).collect()
}

/// What components that are told together have in common.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Alike<'a> {
    /// The release that says what they are.
    release: Option<&'a str>,
    /// The platforms that they are not for.
    without: BTreeSet<Platform>,
    /// The component itself, when a waiver names it.
    waived: Option<&'a str>,
}

fn together(subject: Subject<'_>, alike: &Alike<'_>, names: &[&str]) -> Finding {
    let Subject { definition, graphs, .. } = subject;
    let code = FOREIGN_IMAGE.code;
    let (release, without) = (alike.release, &alike.without);
    let without = listed(without);
    let message = match (release, names) {
        (Some(release), [name]) => format!("`{name}` of the release {release} is not for {without}"),
        (None, [name]) => format!("`{name}` is an image that is not for {without}"),
        (Some(release), _) => {
            let of_release = |name: &&String| definition.release_of(name) == Some(release);
            let all = graphs.stream.components.keys().filter(of_release).count();
            let count = if names.len() == all {
                format!("all {all}")
            } else {
                format!("{} of the {all}", names.len())
            };
            format!("{count} images of the release {release} are not for {without}: {}", names.join(", "))
        }
        (None, _) => {
            format!("{} components are images that are not for {without}: {}", names.len(), names.join(", "))
        }
    };
    let finding = Diagnostic::warning(code, message);
    let only = match names {
        [name] => Some(*name),
        _ => None,
    };
    let component = only.unwrap_or("…");
    let remove = if graphs.are_several() {
        format!("remove: {{component: {component}, platforms: [{without}]}}")
    } else {
        format!("remove: {{component: {component}}}")
    };
    let replace = format!("replace: {{component: {component}, source: {{git: …}}}}");
    let instead = if definition.history.parents.is_empty() {
        format!(
            "give them a `source` that is built, or images for {without}; or leave {without} out of their `platforms`"
        )
    } else {
        let other = if release.is_some() { "take a release that is for it" } else { "name other images" };
        format!("build them for it, `{replace}`; leave them out there, `{remove}`; or {other}")
    };
    let help = or_waive(definition, &instead, code, only);
    let finding = match (release, only) {
        (None, Some(name)) => definition.places.at(&["components", name, "source"], finding),
        _ => at_platforms(definition, finding),
    };
    Finding { component: only.map(str::to_owned), diagnostic: finding.help(help) }
}

/// Points at what the stream is for; where only a release says that, at the line that names the release.
fn at_platforms(definition: &Definition, finding: Diagnostic) -> Diagnostic {
    let places = &definition.places;
    let own = places.written(&["platforms"]).filter(|(source, _)| !is_of_release(source.name()));
    let field = if own.is_some() || definition.history.parents.is_empty() { "platforms" } else { "from" };
    places.at_key(&[field], finding)
}

/// Whether a text with this name is what a release says: it is called by its digest.
fn is_of_release(name: &str) -> bool {
    name.contains("@sha256:")
}

impl Definition {
    /// The published release that says what a component is, by its pull spec; none when a stream file says it.
    pub fn release_of(&self, component: &str) -> Option<&str> {
        let name = self.places.value(&["components", component, "source"]).0.name();
        is_of_release(name).then_some(name)
    }
}

/// Images that components start from on a platform that these are not for.
pub(super) fn base_images(subject: Subject<'_>) -> Vec<Finding> {
    type Users<'a> = (BTreeSet<Platform>, BTreeSet<&'a str>);
    let mut without: BTreeMap<(&str, Option<&str>), Users<'_>> = BTreeMap::new();
    for graph in subject.graphs.iter() {
        for (name, entry, image) in bases(graph) {
            if subject.lock.image(image).is_some_and(|image| subject.images.lacks(image, graph.platform)) {
                let (platforms, users) = without.entry((image, entry)).or_default();
                platforms.insert(graph.platform);
                users.insert(name);
            }
        }
    }
    let definition = subject.definition;
    let finding = |((image, entry), (platforms, users)): ((&str, Option<&str>), Users<'_>)| {
        let users: Vec<&str> = users.into_iter().collect();
        let verb = if users.len() == 1 { "starts" } else { "start" };
        let on = listed(&platforms);
        let message = format!("the image {image} is not for {on}, and {} {verb} from it there", some(&users));
        let only = match users.as_slice() {
            [only] => Some(*only),
            _ => None,
        };
        let code = FOREIGN_BASE.code;
        let instead =
            "name an image that is for all of them, or one for each: `images: {PLATFORM: IMAGE, …}`";
        let finding = Diagnostic::warning(code, message).help(or_waive(definition, instead, code, only));
        let diagnostic = match (entry, only) {
            (Some(entry), _) => definition.places.at(&["bases", entry], finding),
            (None, Some(name)) => definition.places.at(&["components", name], finding),
            (None, None) => at_platforms(definition, finding),
        };
        Finding { component: only.map(str::to_owned), diagnostic }
    };
    without.into_iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Source;
    use jiff::civil::date;

    use super::*;
    use crate::definition::{File, parse, parse_file};
    use crate::lint::{Reviewed, review};
    use crate::lock::text;
    use crate::overlay::flatten;
    use crate::sample;

    const RELEASE: &str =
        "r.example/okd@sha256:0000000000000000000000000000000000000000000000000000000000000000";

    fn image(name: &str) -> String {
        format!("r.example/{name}@{}", Digest::of(name))
    }

    /// An overlay on a release of four images.
    fn on_release(rest: &str) -> Definition {
        let mut below =
            "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: published\nversion: 4.22.0\nrepository: r.example/okd\n\
             releaseBase: cvo\ncomponents:\n"
                .to_owned();
        for name in ["api", "cli", "cvo", "etcd"] {
            below.push_str(&format!("  {name}: {{source: {{image: \"{}\"}}}}\n", image(name)));
        }
        let overlay = format!(
            "apiVersion: streamwright.dev/v1alpha1\nkind: Stream\nname: mine\nrepository: r.example/mine\n\
             from: {{payload: \"{RELEASE}\"}}\n{rest}"
        );
        let below = parse(&Source::new(RELEASE, below)).unwrap();
        let File::Overlay(overlay) = parse_file(&Source::new("mine.yaml", overlay)).unwrap() else {
            panic!()
        };
        flatten(&below, &overlay).unwrap_or_else(|e| panic!("{}", e.render(false)))
    }

    fn reviewed(definition: &Definition, images: &ImagePlatforms) -> Reviewed {
        let graphs = crate::check(definition, &sample::files(), &sample::tasks());
        let graphs = graphs.unwrap_or_else(|e| panic!("{}", e.render(false))).graphs;
        let lock = "apiVersion: streamwright.dev/v1alpha1\nkind: Lock\nstream: mine\nepoch: 0\n";
        let mut lock = text::parse(&Source::new("stream.lock", lock)).unwrap();
        lock.images.insert("r.example/base:1".to_owned(), Digest::of("base"));
        review(Subject { definition, graphs: &graphs, lock: &lock, images, today: date(2026, 1, 1) })
    }

    fn open(definition: &Definition, images: &ImagePlatforms) -> String {
        let open = reviewed(definition, images).open;
        open.iter().map(|finding| finding.diagnostic.render(false)).collect::<Vec<_>>().join("\n\n")
    }

    fn said(all: &[(&str, &[Platform])]) -> BTreeMap<Digest, BTreeSet<Platform>> {
        all.iter().map(|(name, on)| (Digest::of(name), on.iter().copied().collect())).collect()
    }

    /// What an amd64 release is for.
    fn claimed() -> BTreeMap<Digest, BTreeSet<Platform>> {
        said(&["api", "cli", "cvo", "etcd"].map(|name| (name, &[Platform::Amd64][..])))
    }

    #[test]
    fn members_of_a_release_are_told_together() {
        let definition = on_release("platforms: [linux/amd64, linux/arm64]\n");
        let images = ImagePlatforms { claimed: claimed(), ..ImagePlatforms::default() };
        insta::assert_snapshot!(open(&definition, &images), @"
        warning[foreign-image]: all 4 images of the release r.example/okd@sha256:0000000000000000000000000000000000000000000000000000000000000000 are not for linux/arm64: api, cli, cvo, etcd
         --> mine.yaml:6:1
          |
        6 | platforms: [linux/amd64, linux/arm64]
          | ^^^^^^^^^
          |
          = help: build them for it, `replace: {component: …, source: {git: …}}`; leave them out there, `remove: {component: …, platforms: [linux/arm64]}`; or take a release that is for it; or say why it is so:
                  operations:
                    - waive: {code: foreign-image, why: …}
        ");
        // What an image says itself counts more than what the release is for.
        let both = &[Platform::Amd64, Platform::Arm64][..];
        let known = said(&[("cvo", both), ("etcd", both), ("cli", both)]);
        let one = open(&definition, &ImagePlatforms { known, claimed: claimed() });
        assert!(
            one.starts_with(&format!(
                "warning[foreign-image]: `api` of the release {RELEASE} is not for linux/arm64"
            )),
            "{one}"
        );
        assert!(one.contains("remove: {component: api, platforms: [linux/arm64]}"), "{one}");
        assert_eq!(
            reviewed(&definition, &ImagePlatforms::default()),
            Reviewed::default(),
            "nobody said anything"
        );
        // The release is for what the stream is for.
        assert_eq!(open(&on_release(""), &images), "");
    }

    #[test]
    fn without_platforms_of_its_own_the_release_is_pointed_at() {
        let images =
            ImagePlatforms { known: said(&[("api", &[]), ("cli", &[])]), ..ImagePlatforms::default() };
        insta::assert_snapshot!(open(&on_release(""), &images), @r#"
        warning[foreign-image]: 2 of the 4 images of the release r.example/okd@sha256:0000000000000000000000000000000000000000000000000000000000000000 are not for linux/amd64: api, cli
         --> mine.yaml:5:1
          |
        5 | from: {payload: "r.example/okd@sha256:0000000000000000000000000000000000000000000000000000000000000000"}
          | ^^^^
          |
          = help: build them for it, `replace: {component: …, source: {git: …}}`; leave them out there, `remove: {component: …}`; or take a release that is for it; or say why it is so:
                  operations:
                    - waive: {code: foreign-image, why: …}
        "#);
    }

    #[test]
    fn a_waiver_excuses_the_component_that_it_names_and_no_other() {
        let images = ImagePlatforms { claimed: claimed(), ..ImagePlatforms::default() };
        let waived = |waiver: &str| {
            let rest = format!(
                "platforms: [linux/arm64]\noperations:\n  - waive: {{code: foreign-image, {waiver}why: It holds files.}}\n"
            );
            let reviewed = reviewed(&on_release(&rest), &images);
            let about =
                |finding: &Finding| finding.diagnostic.message.rsplit(": ").next().unwrap().to_owned();
            let open: Vec<String> = reviewed.open.iter().map(about).collect();
            (open, reviewed.waived.len())
        };
        assert_eq!(waived("component: etcd, "), (vec!["api, cli, cvo".to_owned()], 1));
        assert_eq!(waived(""), (Vec::new(), 1));
    }

    #[test]
    fn a_waiver_is_not_useless_as_long_as_nobody_knows() {
        let rest = "platforms: [linux/arm64]\noperations:\n  - waive: {code: foreign-image, component: etcd, why: It holds files.}\n";
        let definition = on_release(rest);
        assert_eq!(reviewed(&definition, &ImagePlatforms::default()), Reviewed::default());
        let arm = &[Platform::Arm64][..];
        let known = said(&["api", "cli", "cvo", "etcd"].map(|name| (name, arm)));
        let found = open(&definition, &ImagePlatforms { known, ..ImagePlatforms::default() });
        assert!(found.starts_with("warning[useless-waiver]"), "{found}");
    }

    #[test]
    fn images_and_bases_of_a_stream_file() {
        let more = format!(
            "  tool: {{source: {{image: \"{}\"}}}}\n  disk: {{source: {{image: \"{}\"}}}}\ntests:\n",
            image("tool"),
            image("disk")
        );
        let text = sample::STREAM
            .replacen("releaseBase", "platforms: [linux/amd64, linux/arm64]\nreleaseBase", 1)
            .replacen("{component: base}", "{image: \"r.example/base:1\"}", 1)
            .replacen("tests:\n", &more, 1);
        let definition = parse(&Source::new("stream.yaml", text)).unwrap();
        let known = said(&[("tool", &[Platform::Amd64]), ("disk", &[]), ("base", &[Platform::Arm64])]);
        insta::assert_snapshot!(open(&definition, &ImagePlatforms { known, ..ImagePlatforms::default() }), @r#"
        warning[foreign-base]: the image r.example/base:1 is not for linux/amd64, and `etcd` starts from it there
         --> stream.yaml:9:3
          |
        9 |   mini/base: {image: "r.example/base:1"}
          |   ^^^^^^^^^
          |
          = help: name an image that is for all of them, or one for each: `images: {PLATFORM: IMAGE, …}`; or say why it is so:
                  waivers:
                    - {code: foreign-base, component: etcd, why: …}

        warning[foreign-image]: `disk` is an image that is not for linux/amd64, linux/arm64
          --> stream.yaml:20:10
           |
        20 |   disk: {source: {image: "r.example/disk@sha256:1044dec7206e8d7c9fbb4ae8f766668406d2567fc7fc1a160a9d4700fcf8f8e9"}}
           |          ^^^^^^
           |
           = help: give them a `source` that is built, or images for linux/amd64, linux/arm64; or leave linux/amd64, linux/arm64 out of their `platforms`; or say why it is so:
                   waivers:
                     - {code: foreign-image, component: disk, why: …}

        warning[foreign-image]: `tool` is an image that is not for linux/arm64
          --> stream.yaml:19:10
           |
        19 |   tool: {source: {image: "r.example/tool@sha256:7c9bbe5ec9b3fb774e8fa0f54247e93c34ddf8e5d16fe3073420de0ae81a262d"}}
           |          ^^^^^^
           |
           = help: give them a `source` that is built, or images for linux/arm64; or leave linux/arm64 out of their `platforms`; or say why it is so:
                   waivers:
                     - {code: foreign-image, component: tool, why: …}
        "#);
        let known = said(&[("tool", &[Platform::Amd64]), ("disk", &[Platform::Amd64])]);
        insta::assert_snapshot!(open(&definition, &ImagePlatforms { known, ..ImagePlatforms::default() }), @"
        warning[foreign-image]: 2 components are images that are not for linux/arm64: disk, tool
         --> stream.yaml:6:1
          |
        6 | platforms: [linux/amd64, linux/arm64]
          | ^^^^^^^^^
          |
          = help: give them a `source` that is built, or images for linux/arm64; or leave linux/arm64 out of their `platforms`; or say why it is so:
                  waivers:
                    - {code: foreign-image, why: …}
        ");
    }
}
