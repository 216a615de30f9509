//! The pipeline: a task for each component, then the payload, then the tests; at the end, whatever happened, the verdict.

use base::{Diagnostic, Diagnostics, Digest};
use tekton::types::{
    ObjectMeta, Param, ParamSpec, ParamType, ParamValue, Pipeline, PipelineResult, PipelineSpec,
    PipelineTask, PipelineWorkspaceDeclaration, TaskRef, WorkspacePipelineTaskBinding,
};

use super::{Names, Request};
use crate::contract::{ASSEMBLE, COMPONENT_WORKSPACES, EVIDENCE_WORKSPACES, IMAGE_RESULT, VERDICT};
use crate::definition::component::Component;
use crate::definition::{Origin, Test};
use crate::graph::{BaseImage, Node};
use crate::plan::{Planned, ReasonCode};
use crate::source::folder::lies_here;
use crate::task::TaskDefinition;

/// The name of the pipeline's parameter that says where images are pushed.
pub const REPOSITORY: &str = "repository";
/// The name of the pipeline's parameter that allows a registry without TLS.
pub const INSECURE: &str = "insecure";
/// The name of the pipeline's parameter that says where else images are looked for by key.
pub const CACHES: &str = "caches";

/// Renders the pipeline.
///
/// # Errors
/// A component that is to be built whatever there is, with a task that cannot be told so.
pub(super) fn pipeline(request: Request<'_>, names: &Names) -> Result<Pipeline, Diagnostics> {
    let stream = &request.graph.stream;
    let renderer = Renderer { request, names };
    let mut findings = Diagnostics::default();
    let mut tasks = Vec::new();
    for name in request.graph.order() {
        let Some((component, node)) = stream.components.get(name).zip(request.graph.nodes.get(name)) else {
            continue;
        };
        match renderer.component(name, component, node) {
            Ok(task) => tasks.extend(task),
            Err(finding) => findings.push(*finding),
        }
    }
    tasks.extend(renderer.assemble());
    tasks.extend(stream.tests.iter().filter_map(|(name, test)| renderer.test(name, test)));
    let workspace = |name: &str, description: &str, optional| PipelineWorkspaceDeclaration {
        name: name.to_owned(),
        description: description.to_owned(),
        optional,
    };
    let spec = PipelineSpec {
        description: format!("Builds, assembles and tests a release of the stream {}.", stream.name),
        params: vec![
            text_param(
                REPOSITORY,
                &stream.repository,
                "Where images are pushed, without a tag; one repository for each component below it.",
            ),
            text_param(INSECURE, "false", "\"true\" talks plain http to that registry."),
            ParamSpec {
                name: CACHES.to_owned(),
                r#type: Some(ParamType::Array),
                description: "Repositories of other streams, whose images are used when their keys are the ones wanted."
                    .to_owned(),
                default: Some(stream.caches.clone().into()),
                ..ParamSpec::default()
            },
        ],
        workspaces: vec![
            workspace("source", "The stream's folder; it is only read.", false),
            workspace("cache", "Keeps what tasks download, between runs.", true),
            workspace("evidence", "What the tests and the assembly leave behind.", false),
        ],
        tasks,
        finally: renderer.verdict().into_iter().collect(),
        results: renderer.results(),
        ..PipelineSpec::default()
    };
    findings.into_result(Pipeline::new(ObjectMeta::named(stream.name.as_str()), spec))
}

fn text_param(name: &str, default: &str, description: &str) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        r#type: Some(ParamType::String),
        description: description.to_owned(),
        default: Some(default.into()),
        ..ParamSpec::default()
    }
}

struct Renderer<'a> {
    request: Request<'a>,
    names: &'a Names,
}

impl Renderer<'_> {
    fn task(&self, name: &str) -> Option<&TaskDefinition> {
        self.request.tasks.get(name)
    }

    /// `$(tasks.NAME.results.image)` of the task that builds `component`; the image itself when it is there already.
    fn image_of(&self, component: &str) -> String {
        let definition = self.request.graph.stream.components.get(component);
        if let Some(image) = definition.and_then(Component::prebuilt) {
            return image.to_owned();
        }
        format!("$(tasks.{}.results.{IMAGE_RESULT})", self.names.component(component))
    }

    fn component(
        &self,
        name: &str,
        component: &Component,
        node: &Node,
    ) -> Result<Option<PipelineTask>, Box<Diagnostic>> {
        let (Some(task), Some(planned)) = (self.task(&component.task), self.request.plan.component(name))
        else {
            return Ok(None);
        };
        let context = match &component.source {
            Origin::Path(path) if lies_here(component) => path.clone(),
            Origin::Path(_) | Origin::Git(_) => fetched_context(name),
            Origin::Image(_) => return Ok(None),
        };
        let pairs = |map: &std::collections::BTreeMap<String, String>| -> ParamValue {
            map.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().into()
        };
        let pins: Vec<String> = self.request.lock.pins(name).iter().map(ToString::to_string).collect();
        let takes_one = node.containerfile.is_some() || component.from.is_some();
        let containerfile = takes_one.then(|| component.containerfile_path());
        let mut offered: Vec<(&str, ParamValue)> = vec![
            ("component", name.into()),
            ("context", context.as_str().into()),
            ("repository", format!("$(params.{REPOSITORY})/{name}").into()),
            (CACHES, vec![format!("$(params.{CACHES}[*])")].into()),
            ("inputs", planned.inputs.to_string().into()),
            ("bases", self.bases(node).into()),
            ("operands", self.operands(node).into()),
            ("args", pairs(&component.args)),
            ("labels", pairs(&planned.labels)),
            ("packages", pins.into()),
            ("epoch", self.request.lock.epoch.to_string().into()),
            ("platform", self.request.graph.stream.platform.as_str().into()),
            (INSECURE, reference(INSECURE)),
        ];
        offered.extend(containerfile.map(|path| ("containerfile", path.into())));
        if is_forced(planned) {
            if task.param("force").is_none() {
                let message = format!(
                    "`{name}` cannot be forced: its task `{}` has no parameter `force`",
                    component.task
                );
                let (file, span) = task.place();
                let help = "declare `force`, with the default \"false\", and build without a look-up when it is \"true\"";
                return Err(Box::new(Diagnostic::error("cannot-force", message).at(file, span).help(help)));
            }
            offered.push(("force", "true".into()));
        }
        Ok(Some(PipelineTask {
            name: self.names.component(name).to_owned(),
            task_ref: Some(TaskRef::named(component.task.as_str())),
            params: declared(task, offered),
            workspaces: bindings(task, &COMPONENT_WORKSPACES),
            ..PipelineTask::default()
        }))
    }

    fn operands(&self, node: &Node) -> Vec<String> {
        node.operands.keys().map(|name| format!("{name}={}", self.image_of(name))).collect()
    }

    fn bases(&self, node: &Node) -> Vec<String> {
        let image = |image: &BaseImage| match image {
            BaseImage::Component(component) => self.image_of(component),
            BaseImage::Image(reference) => match self.request.lock.image(reference) {
                Some(digest) => with_digest(reference, &digest),
                None => reference.clone(),
            },
        };
        node.bases.iter().map(|(name, base)| format!("{name}={}", image(&base.image))).collect()
    }

    fn assemble(&self) -> Option<PipelineTask> {
        let (task, stream) = (self.task(ASSEMBLE)?, &self.request.graph.stream);
        let images = self.request.graph.payload().into_iter();
        let images: Vec<String> =
            images.map(|(tag, component)| format!("{tag}={}", self.image_of(component))).collect();
        let base =
            stream.components.get(&stream.release_base).and_then(|c| c.payload_tag(&stream.release_base));
        let offered = vec![
            ("images", images.into()),
            ("stream", stream.name.as_str().into()),
            ("version", stream.version.as_str().into()),
            ("base", base.unwrap_or(&stream.release_base).into()),
            (REPOSITORY, reference(REPOSITORY)),
            ("published", stream.repository.as_str().into()),
            ("epoch", self.request.lock.epoch.to_string().into()),
            ("platform", stream.platform.as_str().into()),
            (INSECURE, reference(INSECURE)),
        ];
        Some(PipelineTask {
            name: ASSEMBLE.to_owned(),
            task_ref: Some(TaskRef::named(ASSEMBLE)),
            params: declared(task, offered),
            workspaces: bindings(task, &EVIDENCE_WORKSPACES),
            ..PipelineTask::default()
        })
    }

    fn test(&self, name: &str, test: &Test) -> Option<PipelineTask> {
        let task = self.task(&test.task)?;
        let stream = &self.request.graph.stream;
        let mut offered: Vec<(&str, ParamValue)> = test
            .images
            .iter()
            .map(|(param, component)| (param.as_str(), self.image_of(component).into()))
            .collect();
        offered.extend(test.params.iter().map(|(param, value)| (param.as_str(), value.as_str().into())));
        let set = |param: &str| test.images.contains_key(param) || test.params.contains_key(param);
        let own: [(&str, ParamValue); 4] = [
            ("test", name.into()),
            ("release", self.release()),
            ("platform", stream.platform.as_str().into()),
            (INSECURE, reference(INSECURE)),
        ];
        // The stream file may give a parameter of one of these names another value.
        offered.extend(own.into_iter().filter(|(param, _)| !set(param)));
        Some(PipelineTask {
            name: self.names.test(name).to_owned(),
            task_ref: Some(TaskRef::named(test.task.as_str())),
            run_after: vec![ASSEMBLE.to_owned()],
            params: declared(task, offered),
            workspaces: bindings(task, &EVIDENCE_WORKSPACES),
            timeout: test.timeout.as_deref().and_then(|text| text.parse().ok()),
            // The verdict weighs failures; one test must not keep the others from running.
            on_error: "continue".to_owned(),
            ..PipelineTask::default()
        })
    }

    fn verdict(&self) -> Option<PipelineTask> {
        let (task, stream) = (self.task(VERDICT)?, &self.request.graph.stream);
        let outcome = |(name, test): (&String, &Test)| {
            let weight = if test.blocking { "blocking" } else { "informing" };
            format!("{name}=$(tasks.{}.status):{weight}", self.names.test(name))
        };
        let outcomes: Vec<String> = stream.tests.iter().map(outcome).collect();
        let offered =
            vec![("release", self.release()), ("outcomes", outcomes.into()), (INSECURE, reference(INSECURE))];
        Some(PipelineTask {
            name: VERDICT.to_owned(),
            task_ref: Some(TaskRef::named(VERDICT)),
            params: declared(task, offered),
            workspaces: bindings(task, &EVIDENCE_WORKSPACES),
            ..PipelineTask::default()
        })
    }

    fn release(&self) -> ParamValue {
        format!("$(tasks.{ASSEMBLE}.results.{IMAGE_RESULT})").into()
    }

    /// What the assembly and the verdict promise is what the pipeline promises.
    fn results(&self) -> Vec<PipelineResult> {
        let mut results: Vec<PipelineResult> = Vec::new();
        for (place, name) in [("tasks", ASSEMBLE), ("finally", VERDICT)] {
            for result in self.task(name).map_or(&[][..], |task| &task.task.spec.results) {
                if result.kind() == ParamType::String && results.iter().all(|other| other.name != result.name)
                {
                    results.push(PipelineResult {
                        name: result.name.clone(),
                        r#type: None,
                        description: result.description.clone(),
                        value: format!("$({place}.{name}.results.{})", result.name).into(),
                    });
                }
            }
        }
        results
    }
}

/// Where the workspace `source` has the source of a component that does not lie in the stream's own folder; whoever fills the
/// workspace puts it there.
pub fn fetched_context(component: &str) -> String {
    format!(".sources/{component}")
}

fn is_forced(planned: &Planned) -> bool {
    planned.reasons.iter().any(|reason| reason.code == ReasonCode::Forced)
}

/// The pipeline's parameter `name`.
fn reference(name: &str) -> ParamValue {
    format!("$(params.{name})").into()
}

/// Of what is offered, what the task declares, in the task's order. Defaults are not repeated.
fn declared(task: &TaskDefinition, mut offered: Vec<(&str, ParamValue)>) -> Vec<Param> {
    let mut params = Vec::new();
    for spec in &task.task.spec.params {
        let Some(index) = offered.iter().position(|(name, _)| *name == spec.name) else { continue };
        let (name, value) = offered.swap_remove(index);
        if spec.default.as_ref() != Some(&value) {
            params.push(Param::new(name, value));
        }
    }
    params
}

/// Of the pipeline's workspaces, those that the task declares.
fn bindings(task: &TaskDefinition, workspaces: &[&str]) -> Vec<WorkspacePipelineTaskBinding> {
    let declared = workspaces.iter().filter(|name| task.has_workspace(name));
    declared
        .map(|name| WorkspacePipelineTaskBinding {
            name: (*name).to_owned(),
            ..WorkspacePipelineTaskBinding::default()
        })
        .collect()
}

/// The image of a reference at `digest`: without the tag.
fn with_digest(reference: &str, digest: &Digest) -> String {
    let name = reference.split('@').next().unwrap_or(reference);
    let last = name.rfind('/').map_or(0, |slash| slash + 1);
    let repository = name[last..].find(':').map_or(name, |colon| &name[..last + colon]);
    format!("{repository}@{digest}")
}
