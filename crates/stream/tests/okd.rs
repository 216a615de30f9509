//! The streams of OKD that come with the program: sound, locked, planned and rendered without any network.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use base::{Diagnostics, Digest, Source};
use jiff::Timestamp;
use stream::check;
use stream::definition::overlay::Parent;
use stream::definition::{Definition, File, Origin, Platform, parse_file};
use stream::graph::Graphs;
use stream::import::art::{self, BuildData};
use stream::key::inputs;
use stream::lint::{ImagePlatforms, Subject, review};
use stream::lock::{self, Lock, Pin, ResolveCommit, ResolveError, ResolveImage, ResolvePackages, Resolvers};
use stream::overlay::flatten;
use stream::plan::{Action, Found, KnownBuilds, LastBuild, Plan, plan};
use stream::render::{Request, render};
use stream::source::folder::{Fetched, Folder, lies_here};
use stream::task::Tasks;

const OVERLAYS: [&str; 5] = ["okd-fcos", "okd-hpc", "okd-openstack", "okd-baremetal", "okd-edge"];

fn streams() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../streams")
}

/// A stream as it is on disk.
struct Shipped {
    definition: Definition,
    folder: Folder,
    tasks: Tasks,
    folders: BTreeMap<String, PathBuf>,
}

fn texts(folder: &Path) -> Vec<Source> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.extension().is_some_and(|e| e == "yaml"));
    files.iter().map(|f| Source::new(f.to_string_lossy(), std::fs::read_to_string(f).unwrap())).collect()
}

fn read(name: &str) -> Shipped {
    let root = streams().join(name);
    let text = Folder::new(&root).text("stream.yaml").unwrap().unwrap();
    let (definition, mut folders) = match parse_file(&text).unwrap_or_else(|e| panic!("{}", e.render(false)))
    {
        File::Stream(definition) => (definition, BTreeMap::new()),
        File::Overlay(overlay) => {
            let Parent::Path(path) = &overlay.overlay.from else { panic!("{name} is from elsewhere") };
            let below = read(path.trim_start_matches("../"));
            let flat = flatten(&below.definition, &overlay).unwrap_or_else(|e| panic!("{}", e.render(false)));
            (flat, below.folders)
        }
    };
    folders.insert(name.to_owned(), root.clone());
    let mut fetched = BTreeMap::new();
    for (component, what) in &definition.stream.components {
        if let (Origin::Path(path), false) = (&what.source, lies_here(what)) {
            let within = folders[what.inherited.as_deref().unwrap_or(name)].clone();
            fetched.insert(component.clone(), Fetched { within, path: path.clone(), before: None });
        }
    }
    let folder = Folder::new(root).with_fetched(fetched).with_below(folders.clone());
    let shipped = texts(&streams().join("../tasks"));
    let tasks = Tasks::new(&Folder::new(streams().join("okd-scos")).tasks().unwrap(), &shipped).unwrap();
    Shipped { definition, folder, tasks, folders }
}

/// Knows a commit for every branch and a digest for every tag, as a lock of another day does.
struct Recorded;

impl ResolvePackages for Recorded {
    fn packages(&self, wanted: &[String], _: &[Pin], _: Platform) -> Result<Vec<Pin>, ResolveError> {
        panic!("no component has packages of a distribution: {wanted:?}")
    }
}

impl ResolveImage for Recorded {
    fn image(&self, reference: &str) -> Result<Digest, ResolveError> {
        Ok(Digest::of(reference))
    }
}

impl ResolveCommit for Recorded {
    fn commit(&self, url: &str, reference: &str) -> Result<String, ResolveError> {
        Ok(Digest::of(format!("{url} {reference}")).hex()[..40].to_owned())
    }
}

fn checked(shipped: &Shipped) -> Graphs {
    let checked = check(&shipped.definition, &shipped.folder, &shipped.tasks);
    let checked = checked.unwrap_or_else(|e| panic!("{}", e.render(false)));
    checked.graphs
}

fn locked(shipped: &Shipped, graphs: &Graphs) -> Lock {
    let lock = made(shipped, graphs);
    let open = found(shipped, graphs, &lock);
    assert!(open.is_empty(), "{open:?}");
    lock
}

/// What is probably not meant.
fn found(shipped: &Shipped, graphs: &Graphs, lock: &Lock) -> Vec<String> {
    let today = jiff::civil::date(2026, 1, 1);
    let reviewed = review(Subject {
        definition: &shipped.definition,
        graphs,
        lock,
        images: &ImagePlatforms::default(),
        today,
    });
    reviewed.open.iter().map(|finding| finding.diagnostic.render(false)).collect()
}

fn made(shipped: &Shipped, graphs: &Graphs) -> Lock {
    let resolvers = Resolvers { packages: &Recorded, images: &Recorded, commits: &Recorded };
    let now = Timestamp::from_second(1_767_225_600).unwrap();
    lock::make(graphs, &shipped.definition.places, resolvers, None, now).unwrap()
}

/// Images that were built, by key; with `any`, everything that is asked for is there from then on.
#[derive(Default)]
struct Built {
    any: bool,
    keys: Mutex<BTreeSet<Digest>>,
}

impl KnownBuilds for Built {
    fn images(&self, wanted: &[(&str, Digest)]) -> Vec<Option<Found>> {
        let mut keys = self.keys.lock().unwrap();
        let known = |(_, key): &(&str, Digest)| {
            if self.any {
                keys.insert(*key);
            }
            keys.contains(key).then(|| Found::here(Digest::of(key.hex())))
        };
        wanted.iter().map(known).collect()
    }

    fn last(&self, _: Platform, _: &str) -> Option<LastBuild> {
        None
    }
}

fn planned(shipped: &Shipped, graphs: &Graphs, lock: &Lock, known: &Built) -> Plan {
    let places = &shipped.definition.places;
    let inputs = inputs(graphs, places, lock, &shipped.folder, &shipped.tasks).unwrap();
    plan(graphs, lock, &inputs, known, &BTreeSet::new())
}

#[test]
fn every_stream_is_sound_locked_planned_and_rendered_without_network() {
    for name in OVERLAYS.into_iter().chain(["okd-scos"]) {
        let shipped = read(name);
        let graphs = checked(&shipped);
        let lock = locked(&shipped, &graphs);
        assert_eq!(lock::stale(&graphs, &lock), [], "{name}");
        let text = lock::text::write(&lock).unwrap();
        assert_eq!(lock::text::parse(&Source::new("stream.lock", text)).unwrap(), lock, "{name}");
        let plan = planned(&shipped, &graphs, &lock, &Built::default());
        assert_eq!(plan.counts.reuse, 0, "{name}");
        let images: usize = graphs.iter().map(|graph| graph.nodes.len()).sum();
        assert_eq!(plan.components.len(), images, "{name}");
        let rendered =
            render(Request { graphs: &graphs, lock: &lock, plan: &plan, tasks: &shipped.tasks }).unwrap();
        // Nothing is near to what a cluster can keep, with the status that it has at the end.
        assert_eq!(rendered.findings(), Diagnostics::default(), "{name}");
        let (pipeline, run) = (&rendered.sizes[rendered.sizes.len() - 2], rendered.sizes.last().unwrap());
        println!(
            "{name}: {} {} bytes, {} {} bytes at the end",
            pipeline.object, pipeline.created, run.object, run.at_end
        );
        let text = rendered.text();
        let file = Source::new(name, text);
        let loaded = tekton::load::load(&file).unwrap();
        for document in &loaded.documents {
            let refused = tekton::validate::validate(document);
            assert!(!refused.has_errors(), "{name}: {}", refused.render(false));
        }
    }
}

/// What `sw import art` makes of ART's build data, with the overlay `okd` applied.
fn imported(platforms: Option<&BTreeSet<Platform>>) -> Option<[Shipped; 2]> {
    let dir = testkit::fixtures()?.join("ocp-build-data-4.22");
    let source = |path: &Path| Source::new(path.to_string_lossy(), std::fs::read_to_string(path).unwrap());
    let mut images: Vec<(String, Source)> = std::fs::read_dir(dir.join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), source(&path)))
        .collect();
    images.sort_by(|a, b| a.0.cmp(&b.0));
    let data = BuildData {
        group: source(&dir.join("group.yml")),
        streams: source(&dir.join("streams.yml")),
        images,
    };
    let made = art::import(&data, platforms).unwrap().streams;
    let file =
        |index: usize| parse_file(&Source::new(made[index].0.as_str(), made[index].1.as_str())).unwrap();
    let (File::Stream(ocp), File::Overlay(okd)) = (file(0), file(1)) else {
        panic!("not a stream and an overlay")
    };
    let okd = flatten(&ocp, &okd).unwrap_or_else(|e| panic!("{}", e.render(false)));
    Some([ocp, okd].map(|definition| Shipped {
        definition,
        folder: Folder::new(streams()),
        tasks: Tasks::new(&[], &texts(&streams().join("../tasks"))).unwrap(),
        folders: BTreeMap::new(),
    }))
}

#[test]
fn what_is_imported_is_sound_locked_and_planned_for_all_its_platforms() {
    let only = BTreeSet::from([Platform::Arm64]);
    for (wanted, expected) in [(None, [4, 2]), (Some(&only), [1, 1])] {
        let Some(all) = imported(wanted) else { return };
        for (shipped, platforms) in all.into_iter().zip(expected) {
            let graphs = checked(&shipped);
            assert_eq!(graphs.iter().count(), platforms);
            let lock = made(&shipped, &graphs);
            // ART's base images are on branches of their own; of platforms nothing is found that no waiver excuses.
            let open = found(&shipped, &graphs, &lock);
            assert!(open.iter().all(|text| text.starts_with("warning[mismatched-siblings]")), "{open:?}");
            assert_eq!(lock::stale(&graphs, &lock), []);
            let plan = planned(&shipped, &graphs, &lock, &Built::default());
            let images: usize = graphs.iter().map(|graph| graph.nodes.len()).sum();
            assert_eq!(plan.components.len(), images);
            let vsphere = |platform| plan.on(platform, "vsphere-csi-driver").is_some();
            assert_eq!((vsphere(Platform::Amd64), vsphere(Platform::Arm64)), (wanted.is_none(), false));
        }
    }
}

#[test]
fn okd_scos_has_the_payload_of_arts_data_and_a_node_image() {
    let shipped = read("okd-scos");
    let graphs = checked(&shipped);
    assert_eq!(graphs.payload().len(), 189, "188 of ART's data, and the node image");
    assert_eq!(
        graphs.iter().next().unwrap().nodes["etcd"].dependencies().into_keys().collect::<Vec<_>>(),
        ["golang-builder", "openshift-enterprise-base-rhel9-minimal"]
    );
    let private =
        ["registry.ci.openshift.org/", "registry-proxy.engineering.redhat.com/", "registry.redhat.io/"];
    for (component, node) in &graphs.iter().next().unwrap().nodes {
        for (name, base) in &node.bases {
            let stream::graph::BaseImage::Image(image) = &base.image else { continue };
            assert!(private.iter().all(|host| !image.starts_with(host)), "{component}: {name} is {image}");
        }
    }
}

#[test]
fn an_overlay_rebuilds_what_it_changes_and_what_stands_on_that() {
    let below = read("okd-scos");
    let graphs = checked(&below);
    let built = Built { any: true, ..Built::default() };
    let plan = planned(&below, &graphs, &locked(&below, &graphs), &built);
    assert_eq!(plan.counts.reuse, plan.components.len());
    let built = Built { any: false, ..built };
    let rebuilt = |name: &str| {
        let shipped = read(name);
        let graphs = checked(&shipped);
        let plan = planned(&shipped, &graphs, &locked(&shipped, &graphs), &built);
        let names =
            plan.components.into_iter().filter(|one| one.action != Action::Reuse).map(|one| one.component);
        names.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        ["okd-scos", "okd-fcos", "okd-hpc", "okd-openstack", "okd-baremetal"].map(rebuilt),
        [
            "",
            "baremetal-installer installer installer-artifacts machine-config-operator machine-os-images stream-coreos",
            "compute-node driver-toolkit machine-config-operator stream-coreos",
            "csi-driver-manila installer machine-config-operator machine-os-images openstack-cinder-csi-driver \
             openstack-cloud-controller-manager site-installer",
            "machine-os-images metal-node site-boot-images stream-coreos",
        ]
    );
}

#[test]
fn edge_is_for_two_processors_and_builds_only_for_one_of_them() {
    let (below, edge) = (read("okd-scos"), read("okd-edge"));
    let below_graphs = checked(&below);
    let built = Built { any: true, ..Built::default() };
    planned(&below, &below_graphs, &locked(&below, &below_graphs), &built);
    let graphs = checked(&edge);
    let plan = planned(&edge, &graphs, &locked(&edge, &graphs), &Built { any: false, ..built });
    // All for Intel and AMD is there from okd-scos; nothing of it is used for ARM.
    for planned in &plan.components {
        let reused = planned.platform == Platform::Amd64;
        assert_eq!(planned.action == Action::Reuse, reused, "{} {}", planned.component, planned.platform);
    }
    // Payloads of both have the same tags: on ARM some are the image that does nothing.
    let tags = |platform| {
        let tags = graphs.on(platform).unwrap().payload();
        tags.into_iter().map(|(tag, component)| (tag.to_owned(), component.to_owned())).collect::<Vec<_>>()
    };
    let (amd, arm) = (tags(Platform::Amd64), tags(Platform::Arm64));
    let differ: Vec<&str> =
        amd.iter().zip(&arm).filter(|(a, b)| a != b).map(|((tag, _), _)| tag.as_str()).collect();
    assert!(amd.iter().map(|(tag, _)| tag).eq(arm.iter().map(|(tag, _)| tag)));
    assert_eq!((amd.len(), differ.len()), (174, 17));
    assert!(differ.iter().all(|tag| arm.contains(&((*tag).to_owned(), "pod".to_owned()))), "{differ:?}");
    // ART's data say the same of them, where they are here.
    let Some([_, okd]) = imported(None) else { return };
    for tag in differ {
        let component = &okd.definition.stream.components[tag];
        assert!(!component.is_on(Platform::Arm64) && component.stand_in.as_deref() == Some("pod"), "{tag}");
    }
}

#[test]
fn every_operation_says_why_and_every_stream_has_its_page() {
    for name in OVERLAYS {
        let shipped = read(name);
        let page = streams().join(format!("../docs/streams/{name}.md"));
        let page = std::fs::read_to_string(page).unwrap();
        for applied in &shipped.definition.history.applied {
            let operation = &applied.operation;
            assert!(operation.why().is_some(), "{name}: {operation:?}");
            assert!(
                page.contains(&format!("`{}`", operation.target())),
                "{name}: {} is not on its page",
                operation.target()
            );
        }
    }
}

#[test]
fn patches_of_shipped_streams_are_patches() {
    if !testkit::peer::has("git") {
        return;
    }
    for name in OVERLAYS {
        let shipped = read(name);
        for component in shipped.definition.stream.components.values() {
            for patch in &component.patches {
                let dir = tempfile::tempdir().unwrap();
                let within = &shipped.folders[patch.inherited.as_deref().unwrap_or(name)];
                let patch = std::fs::File::open(within.join(&patch.file)).unwrap();
                let mut git = Command::new("git");
                git.args(["apply", "-p1", "-"]).current_dir(dir.path()).stdin(Stdio::from(patch));
                git.env("GIT_CEILING_DIRECTORIES", dir.path().parent().unwrap());
                assert!(git.status().unwrap().success(), "{name}");
                assert!(dir.path().join("templates").is_dir());
            }
        }
    }
}

#[test]
fn another_platform_follows_commits_and_images() {
    let (below, edge) = (read("okd-scos"), read("okd-edge"));
    let known = locked(&below, &checked(&below));
    let graphs = checked(&edge);
    let lock = lock::inherit(&graphs, None, &known);
    // Digests are those of lists, the same for every platform.
    assert!(!lock.images.is_empty());
    assert!(lock.images.iter().all(|(image, digest)| known.images.get(image) == Some(digest)));
    assert_eq!(lock.commits["etcd"], known.commits["etcd"]);
    assert!(lock.commits.keys().all(|component| graphs.stream.components.contains_key(component)));
}
