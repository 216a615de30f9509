//! The run of the pipeline. What differs between places (registry, storage) is here, as parameters and bindings.

use std::collections::BTreeMap;

use tekton::types::core::objects::PersistentVolumeClaimSpec;
use tekton::types::core::volume::PersistentVolumeClaimVolumeSource;
use tekton::types::{
    Duration, ObjectMeta, Param, PersistentVolumeClaim, Pipeline, PipelineRef, PipelineRun, PipelineRunSpec,
    PipelineTask, PipelineTaskRunSpec, PipelineTaskRunTemplate, PodTemplate, Quantity, ResourceRequirements,
    TimeoutFields, WorkspaceBinding,
};

use super::Names;
use super::pipeline::{CACHES, INSECURE, REPOSITORY};
use crate::graph::Graphs;

/// The label by which runs of a stream are found.
pub const STREAM_LABEL: &str = "streamwright.dev/stream";
/// How long a build may take, in seconds: a distribution of 190 images on few machines takes hours.
const LONGEST: i64 = 12 * 3600;
/// How long the verdict may take, in seconds.
const LONGEST_VERDICT: i64 = 15 * 60;

/// Renders the run.
///
/// Source and cache are folders of one claim, called as the stream: stock Tekton lets a task use only one.
pub(super) fn run(graphs: &Graphs, pipeline: &Pipeline, names: &Names) -> PipelineRun {
    let stream = &graphs.stream;
    let claim = |name: &str| WorkspaceBinding {
        name: name.to_owned(),
        sub_path: name.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: stream.name.clone(),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..WorkspaceBinding::default()
    };
    // Nodes of several processors are several nodes.
    let access = if graphs.are_several() { "ReadWriteMany" } else { "ReadWriteOnce" };
    let evidence = WorkspaceBinding {
        name: "evidence".to_owned(),
        volume_claim_template: Some(Box::new(PersistentVolumeClaim {
            spec: PersistentVolumeClaimSpec {
                access_modes: vec![access.to_owned()],
                resources: ResourceRequirements {
                    requests: BTreeMap::from([("storage".to_owned(), Quantity::from("1Gi"))]),
                    ..ResourceRequirements::default()
                },
                ..PersistentVolumeClaimSpec::default()
            },
            ..PersistentVolumeClaim::default()
        })),
        ..WorkspaceBinding::default()
    };
    let metadata = ObjectMeta {
        generate_name: format!("{}-", stream.name),
        labels: BTreeMap::from([(STREAM_LABEL.to_owned(), stream.name.clone())]),
        ..ObjectMeta::default()
    };
    let spec = PipelineRunSpec {
        pipeline_ref: Some(PipelineRef::named(stream.name.as_str())),
        params: vec![
            Param::new(REPOSITORY, stream.repository.as_str()),
            Param::new(INSECURE, "false"),
            Param::new(CACHES, stream.caches.clone()),
        ],
        timeouts: Some(TimeoutFields {
            pipeline: Some(Duration::from_secs(LONGEST + waiting(pipeline))),
            finally: Some(Duration::from_secs(LONGEST_VERDICT)),
            ..TimeoutFields::default()
        }),
        task_run_specs: for_each_platform(graphs, pipeline, names),
        task_run_template: PipelineTaskRunTemplate {
            pod_template: everywhere(graphs),
            ..PipelineTaskRunTemplate::default()
        },
        workspaces: vec![claim("source"), claim("cache"), evidence],
        ..PipelineRunSpec::default()
    };
    PipelineRun::new(metadata, spec)
}

/// How long the most patient task may take, in seconds, when that is more than the hour that Tekton gives any: it waits for somebody.
fn waiting(pipeline: &Pipeline) -> i64 {
    let timeouts = pipeline.spec.all_tasks().filter_map(|task| task.timeout.as_ref());
    let longest = timeouts.map(|timeout| timeout.nanos() / 1_000_000_000).max().unwrap_or(0);
    if longest > 3600 { longest } else { 0 }
}

/// The nodes that all tasks of a stream for one platform run on.
fn everywhere(graphs: &Graphs) -> Option<PodTemplate> {
    let mut platforms = graphs.iter().map(|graph| graph.platform);
    let only = platforms.next().filter(|_| !graphs.are_several());
    only.map(|platform| PodTemplate::on_architecture(platform.architecture()))
}

/// Of a stream for several platforms, sends what is done for one of them to nodes of that processor.
fn for_each_platform(graphs: &Graphs, pipeline: &Pipeline, names: &Names) -> Vec<PipelineTaskRunSpec> {
    if !graphs.are_several() {
        return Vec::new();
    }
    let spec = |task: &PipelineTask| {
        Some(PipelineTaskRunSpec {
            pipeline_task_name: task.name.clone(),
            pod_template: Some(PodTemplate::on_architecture(names.platform_of(&task.name)?.architecture())),
            ..PipelineTaskRunSpec::default()
        })
    };
    pipeline.spec.all_tasks().filter_map(spec).collect()
}
