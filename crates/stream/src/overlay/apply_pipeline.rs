//! Single operations on the pipeline.

use std::collections::BTreeMap;

use base::Diagnostic;
use tekton::yaml::Node;

use super::apply::{Applies, Target};
use crate::definition::pipeline::{PipelineTemplate, TemplateTask};
use crate::definition::pipeline_operation::{InsertTask, MoveTask, RemoveTask, ReplaceTask, SetTask};

impl Target<'_> {
    pub(super) fn set_task(&mut self, set: &SetTask) -> Applies {
        let (section, task) = self.pipeline_task(&set.task)?;
        if let Some(reference) = &set.task_ref {
            task.task_ref = Some(reference.clone());
            task.task_spec = None;
        }
        let mut set_params = Vec::new();
        for (index, param) in set.params.iter().enumerate() {
            let at =
                task.params.iter().position(|there| there.name == param.name).unwrap_or(task.params.len());
            task.params.splice(at..task.params.len().min(at + 1), [param.clone()]);
            set_params.push((index, at));
        }
        if let Some(when) = &set.when {
            task.when.clone_from(when);
        }
        task.retries = set.retries.unwrap_or(task.retries);
        task.timeout = set.timeout.clone().or(task.timeout.take());
        if let Some(on_error) = &set.on_error {
            task.on_error.clone_from(on_error);
        }
        let path = ["pipeline", section, set.task.as_str()];
        for field in ["taskRef", "when", "retries", "timeout", "onError"] {
            self.lay(&[path[0], path[1], path[2], field], field);
        }
        let nodes = self.node.get("params").map_or(&[][..], Node::items);
        for (index, at) in set_params {
            let Some(node) = nodes.get(index) else { continue };
            let at = at.to_string();
            let path = [path[0], path[1], path[2], "params", &at];
            self.flat.places.lay(&path, self.source, None, node.clone());
        }
        Ok(())
    }

    pub(super) fn insert_task(&mut self, insert: &InsertTask) -> Applies {
        let name = &insert.task;
        let pipeline = self.flat.stream.pipeline();
        if pipeline.task(name).is_some() {
            let message = format!("the pipeline has a task `{name}` already");
            let (source, span) = self.flat.places.key(&["pipeline", pipeline.section(name), name]);
            let finding = Diagnostic::error("exists-already", message).at(self.source, self.field("task"));
            let help = "use `setTask` or `replaceTask` for what is there, or choose another name";
            return Err(Box::new(finding.related(source, span, "the one that is there").help(help)));
        }
        let definition = &insert.definition;
        if !insert.finally && !has_place(definition) {
            let message = format!("nothing says where in the pipeline `{name}` runs");
            let finding = Diagnostic::error("no-position", message).at(self.source, self.field("task"));
            let help =
                "write `after: TASK` or `before: TASK` into its definition, or `finally: true` beside it";
            return Err(Box::new(finding.help(help)));
        }
        let section = if insert.finally { "finally" } else { "tasks" };
        self.tasks(section).insert(name.clone(), definition.clone());
        self.lay_named(&["pipeline", section, name], "task");
        Ok(())
    }

    pub(super) fn replace_task(&mut self, replace: &ReplaceTask) -> Applies {
        let (section, task) = self.pipeline_task(&replace.task)?;
        let old = std::mem::replace(task, replace.definition.clone());
        if !has_place(&replace.definition) {
            (task.after, task.before, task.run_after) = (old.after, old.before, old.run_after);
        }
        self.lay_named(&["pipeline", section, &replace.task], "task");
        Ok(())
    }

    pub(super) fn remove_task(&mut self, remove: &RemoveTask) -> Applies {
        let (section, _) = self.pipeline_task(&remove.task)?;
        self.tasks(section).remove(&remove.task);
        Ok(())
    }

    pub(super) fn move_task(&mut self, moved: &MoveTask) -> Applies {
        let (section, task) = self.pipeline_task(&moved.task)?;
        task.after.clone_from(&moved.after);
        task.before.clone_from(&moved.before);
        task.run_after.clear();
        if section == "finally" || (moved.after.is_none() && moved.before.is_none()) {
            let message = match section {
                "finally" => format!("`{}` runs when all others are over, and cannot be moved", moved.task),
                _ => format!("nothing says where `{}` is moved to", moved.task),
            };
            let help = match section {
                "finally" => "remove it, and insert one of another name",
                _ => "write `after: TASK` or `before: TASK`",
            };
            let finding = Diagnostic::error("no-position", message).at(self.source, self.field("task"));
            return Err(Box::new(finding.help(help)));
        }
        for field in ["after", "before"] {
            self.lay(&["pipeline", section, &moved.task, field], field);
        }
        Ok(())
    }

    /// The stream's own pipeline; a copy of the one that comes with the program, if it had none.
    fn template(&mut self) -> &mut PipelineTemplate {
        if self.flat.stream.pipeline.is_none() {
            let copy = self.flat.stream.pipeline().clone();
            self.flat.stream.pipeline = Some(copy);
        }
        self.flat.stream.pipeline.get_or_insert_default()
    }

    fn tasks(&mut self, section: &str) -> &mut BTreeMap<String, TemplateTask> {
        let template = self.template();
        if section == "finally" { &mut template.finally } else { &mut template.tasks }
    }

    /// The section of the task called `name`, and the task.
    fn pipeline_task(&mut self, name: &str) -> Result<(&'static str, &mut TemplateTask), Box<Diagnostic>> {
        if self.flat.stream.pipeline().task(name).is_none() {
            return Err(self.missing("task", name));
        }
        let section = self.flat.stream.pipeline().section(name);
        let task = self.tasks(section).get_mut(name).expect("it was looked up just now");
        Ok((section, task))
    }
}

/// Whether a definition says where in the pipeline it is.
fn has_place(task: &TemplateTask) -> bool {
    task.after.is_some() || task.before.is_some() || !task.run_after.is_empty()
}
