//! How large the objects are that a cluster must keep, and whether it can.

use base::{Diagnostic, Diagnostics, size};
use serde::Serialize;
use tekton::types::{Pipeline, PipelineRun, PipelineTask};

/// The most that etcd takes in one request (`--max-request-bytes`, etcd "System limits"): no object can be larger.
pub const REQUEST_LIMIT: usize = 3 << 19;
/// The most that the annotations of an object may hold (`TotalAnnotationSizeLimitB` of Kubernetes). `kubectl apply` keeps what it
/// applied there, unless the server applies (`--server-side`).
pub const ANNOTATIONS_LIMIT: usize = 256 << 10;
/// The most that a ConfigMap may hold (`MaxSecretSize` of Kubernetes, for both).
pub const CONFIG_MAP_LIMIT: usize = 1 << 20;
/// What the status of a run holds beside its pipeline and its children: conditions, provenance, who owns which field.
const STATUS: usize = 16 << 10;
/// What a child's reference holds beside names and conditions, in JSON.
const CHILD: usize = 160;
/// Parts of an object that are named.
const FEW: usize = 3;

/// The size of an object in JSON, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// Kind and name.
    pub object: String,
    /// As it is created.
    pub created: usize,
    /// With the status that it has at the end: a run embeds the pipeline, and names every task run.
    pub at_end: usize,
    /// The most that it may be at the end.
    pub limit: usize,
    /// Its largest parts, the largest first.
    pub largest: Vec<(String, usize)>,
}

impl Size {
    /// Of something without status.
    pub(super) fn of(kind: &str, name: &str, object: &impl Serialize) -> Self {
        let created = json(object);
        let limit = if kind == "ConfigMap" { CONFIG_MAP_LIMIT } else { REQUEST_LIMIT };
        Self { object: format!("{kind} {name}"), created, at_end: created, limit, largest: Vec::new() }
    }

    /// Of a pipeline, with its largest tasks.
    pub(super) fn of_pipeline(pipeline: &Pipeline) -> Self {
        Self { largest: largest(pipeline), ..Self::of("Pipeline", &pipeline.metadata.name, pipeline) }
    }

    /// Of a run of a pipeline.
    pub(super) fn of_run(run: &PipelineRun, pipeline: &Pipeline) -> Self {
        let size = Self::of("PipelineRun", &run.metadata.generate_name, run);
        // A task run is called as the run and the task, cut to what a name may be.
        let child = |task: &PipelineTask| {
            CHILD + 2 * task.name.len() + run.metadata.generate_name.len() + json(&task.when)
        };
        let children: usize = pipeline.spec.all_tasks().map(child).sum();
        let at_end = size.created + STATUS + json(&pipeline.spec) + children;
        Self { at_end, largest: largest(pipeline), ..size }
    }
}

/// What a cluster would refuse (errors), and what is near to that or needs another way of applying (warnings).
pub(super) fn findings(sizes: &[Size]) -> Diagnostics {
    let mut findings = Diagnostics::default();
    for one in sizes.iter().filter(|one| one.at_end > one.limit / 2) {
        let (at_end, limit) = (bytes(one.at_end), bytes(one.limit));
        let message = format!(
            "{} would grow to {at_end}, and a cluster keeps at most {limit} in one object",
            one.object
        );
        let finding = match one.at_end > one.limit {
            true => Diagnostic::error("too-large", message),
            false => Diagnostic::warning("nearly-too-large", message),
        };
        let parts: Vec<String> =
            one.largest.iter().map(|(part, size)| format!("{part} {}", bytes(*size))).collect();
        let parts = if parts.is_empty() {
            String::new()
        } else {
            format!("the largest parts: {}\n", parts.join(", "))
        };
        let help = "let the tasks take `pins` instead of `packages`, give them fewer and shorter parameters, or build fewer components in \
                    one stream";
        findings.push(finding.help(format!("{parts}{help}")));
    }
    findings
}

fn largest(pipeline: &Pipeline) -> Vec<(String, usize)> {
    let part = |task: &PipelineTask| {
        let param =
            task.params.iter().map(|param| (param.name.as_str(), json(param))).max_by_key(|(_, size)| *size);
        let param = param.map(|(name, _)| format!(" (most of it `{name}`)")).unwrap_or_default();
        (format!("the task {}{param}", task.name), json(task))
    };
    let mut parts: Vec<(String, usize)> = pipeline.spec.all_tasks().map(part).collect();
    parts.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
    parts.truncate(FEW);
    parts
}

fn json(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |text| text.len())
}

fn bytes(count: usize) -> String {
    size::bytes(u64::try_from(count).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::{BTreeMap, BTreeSet};

    use base::{Digest, Source};

    use super::*;
    use crate::check::check;
    use crate::definition::{self, Platform};
    use crate::key;
    use crate::lock::{self, Packages};
    use crate::plan::plan;
    use crate::render::{Rendered, Request, render};
    use crate::sample::{Files, Nothing, STREAM, TASKS};
    use crate::task::Tasks;

    /// OKD's number of components, each with so many packages as a large one of debian-mini has.
    fn large(tasks: &str, components: usize, packages: usize) -> Rendered {
        let names: Vec<String> =
            (0..components).map(|n| format!("ose-machine-config-operator-{n:03}")).collect();
        let component =
            |name: &String| format!("  {name}: {{source: {{path: c/{name}}}, packages: [some]}}\n");
        let more: String = names.iter().map(component).collect();
        let text = STREAM.replace("components:\n", &format!("components:\n{more}"));
        let mut files = BTreeMap::from([("components/etcd/Containerfile", "FROM mini/base\n")]);
        for name in &names {
            files.insert(format!("c/{name}/Containerfile").leak() as &str, "FROM mini/base\n");
        }
        let files = Files(files);
        let tasks = Tasks::new(&[Source::new("tasks/all.yaml", tasks)], &[]).unwrap();
        let definition = definition::parse(&Source::new("stream.yaml", text)).unwrap();
        let graphs =
            check(&definition, &files, &tasks).unwrap_or_else(|e| panic!("{}", e.render(false))).graphs;
        let empty = "apiVersion: streamwright.dev/v1alpha1\nkind: Lock\nstream: mini\nepoch: 1\npackages: {}\nimages: {}\ncommits: {}\n";
        let mut lock = lock::text::parse(&Source::new("stream.lock", empty)).unwrap();
        for name in &names {
            let pin = |n: usize| {
                format!("libsomething-{n:04}=1:2.3.4-5+deb13u1={}", Digest::of(format!("{name}{n}")).hex())
                    .parse()
                    .unwrap()
            };
            let pinned = (0..packages).map(pin).collect();
            let here = lock.packages.entry(Platform::Amd64).or_default();
            here.insert(name.clone(), Packages { wanted: vec![], beyond: Digest::of(""), pinned });
        }
        let inputs = key::inputs(&graphs, &definition.places, &lock, &files, &tasks).unwrap();
        let plan = plan(&graphs, &lock, &inputs, &Nothing, &BTreeSet::new());
        render(Request { graphs: &graphs, lock: &lock, plan: &plan, tasks: &tasks }).unwrap()
    }

    fn size<'a>(rendered: &'a Rendered, kind: &str) -> &'a Size {
        rendered.sizes.iter().find(|size| size.object.starts_with(&format!("{kind} "))).unwrap()
    }

    #[test]
    fn pins_of_190_components_are_beside_the_pipeline() {
        let array = "{name: packages, type: array, default: []}\n  results: [{name: image}]\n  workspaces";
        assert!(TASKS.contains(array));
        let tasks = TASKS.replacen(
            array,
            &array.replace("packages, type: array, default: []", "pins, default: none"),
            1,
        );
        let rendered = large(&tasks, 190, 200);
        assert_eq!(rendered.findings(), Diagnostics::default());
        let run = size(&rendered, "PipelineRun");
        assert!(run.at_end < REQUEST_LIMIT / 4, "{run:?}");
        let maps: Vec<_> =
            rendered.documents.iter().filter(|document| document.kind == "ConfigMap").collect();
        assert_eq!(maps.len(), 190);
        assert_eq!(maps[0].text.lines().filter(|line| line.contains("=1:2.3.4-5+deb13u1=")).count(), 200);
        let pipeline = rendered.documents.iter().find(|document| document.kind == "Pipeline").unwrap();
        let at = pipeline.text.find("name: pins").unwrap();
        let given = pipeline.text[at..].lines().nth(1).unwrap().trim().to_owned();
        assert!(maps.iter().any(|map| format!("value: {}", map.name) == given), "{given}");
        // Each is small enough for the annotation of `kubectl apply`, which holds it once more.
        assert!(size(&rendered, "ConfigMap").created < ANNOTATIONS_LIMIT);
    }

    #[test]
    fn a_run_that_no_cluster_can_keep_is_refused_and_one_that_is_near_is_told() {
        let rendered = large(TASKS, 190, 100);
        let (run, pipeline) = (size(&rendered, "PipelineRun"), size(&rendered, "Pipeline"));
        assert!(run.at_end > pipeline.created, "a run holds the whole pipeline at its end");
        let findings = rendered.findings();
        assert!(findings.has_errors());
        let text = findings.render(false);
        assert!(text.contains("error[too-large]: PipelineRun mini- would grow to "), "{text}");
        assert!(
            text.contains("the task ose-machine-config-operator-000 (most of it `packages`) 10"),
            "{text}"
        );
        let near = large(TASKS, 190, 40).findings();
        assert!(
            !near.has_errors() && near.0.iter().any(|finding| finding.code == "nearly-too-large"),
            "{near:?}"
        );
        assert_eq!(large(TASKS, 10, 40).findings(), Diagnostics::default());
    }
}
