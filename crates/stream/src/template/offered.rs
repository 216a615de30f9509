//! What the contract offers a task of the pipeline.

use tekton::types::TaskSpec;

use crate::contract::{
    ASSEMBLE, ASSEMBLE_PARAMS, BUILD, COMPONENT_PARAMS, IMAGE_PARAM, Offered, RELEASE_PARAM, TEST,
    TEST_PARAMS, VERDICT_PARAMS, offered,
};
use crate::definition::pipeline::{Each, PipelineTemplate, TemplateTask};
use crate::task::Tasks;

/// The parameters that the task called `name` may declare.
pub fn params(template: &PipelineTemplate, name: &str, task: &TemplateTask) -> Vec<Offered> {
    match task.each {
        Some(Each::Component) if name == BUILD => COMPONENT_PARAMS.to_vec(),
        Some(Each::Component) => {
            let building = COMPONENT_PARAMS.into_iter().filter(|offered| offered.name != "force");
            building.chain([IMAGE_PARAM]).collect()
        }
        Some(Each::Test) => TEST_PARAMS.to_vec(),
        None if template.finally.contains_key(name) => {
            let more = VERDICT_PARAMS.into_iter().filter(|o| offered(&ASSEMBLE_PARAMS, o.name).is_none());
            ASSEMBLE_PARAMS.into_iter().chain(more).collect()
        }
        None => ASSEMBLE_PARAMS.into_iter().chain([RELEASE_PARAM]).collect(),
    }
}

/// The task that a task of the pipeline runs, when it is at hand: written in it, or one of `tasks`. Those of `build` and `test` are
/// named by components and tests.
pub fn spec<'a>(tasks: &'a Tasks, task: &'a TemplateTask) -> Option<&'a TaskSpec> {
    if let Some(inline) = task.task_spec.as_ref().filter(|inline| !inline.is_custom()) {
        return Some(&inline.task);
    }
    tasks.get(task.task_name()?).map(|found| &found.task.spec)
}

/// The tasks of the template that `task` waits for because of the parameters that it is given by name.
pub fn waits_for(
    template: &PipelineTemplate,
    tasks: &Tasks,
    name: &str,
    task: &TemplateTask,
) -> Vec<&'static str> {
    if name == BUILD || template.finally.contains_key(name) {
        return Vec::new();
    }
    if task.each == Some(Each::Test) && name == TEST {
        return vec![BUILD];
    }
    let Some(spec) = spec(tasks, task) else { return Vec::new() };
    let given = |param: &str| {
        spec.params.iter().any(|declared| declared.name == param)
            && task.params.iter().all(|own| own.name != param)
    };
    let mut found = Vec::new();
    let image = if task.each == Some(Each::Component) { "image" } else { "images" };
    if task.each != Some(Each::Test) && given(image) {
        found.push(BUILD);
    }
    if task.each != Some(Each::Component) && name != ASSEMBLE && given("release") {
        found.push(ASSEMBLE);
    }
    found
}
