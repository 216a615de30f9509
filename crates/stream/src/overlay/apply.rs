//! Single operations.

use std::collections::{BTreeMap, BTreeSet};

use base::diagnostic::did_you_mean;
use base::{Diagnostic, Source, Span};
use tekton::yaml::Node;

use crate::definition::overlay::{
    Add, AddTest, Change, ChangeGate, Operation, PatchSource, Pin, Remove, RemoveTest, Replace, SetBase,
};
use crate::definition::platform::listed;
use crate::definition::waiver::{Waiver, day};
use crate::definition::{Component, Definition, Origin, Platform, Test};

/// The code of every finding about an operation whose object is not there.
const NO_LONGER_APPLIES: &str = "no-longer-applies";

pub(super) type Applies = Result<(), Box<Diagnostic>>;

/// What an operation is applied to, and where it stands.
pub(super) struct Target<'a> {
    pub flat: &'a mut Definition,
    pub source: &'a Source,
    /// What the operation says.
    pub node: &'a Node,
    /// Where it stands.
    pub span: Span,
}

impl Target<'_> {
    /// Applies one operation.
    ///
    /// # Errors
    /// When what it is about is not there, or is there already.
    pub fn apply(mut self, operation: &Operation) -> Applies {
        if let Some(Err(finding)) = operation.expires().map(day) {
            return Err(Box::new(finding.at(self.source, self.field("expires"))));
        }
        match operation {
            Operation::Add(add) => self.add(add),
            Operation::Remove(remove) => self.remove(remove),
            Operation::Replace(replace) => self.replace(replace),
            Operation::Patch(patch) => self.patch(patch),
            Operation::Pin(pin) => self.pin(pin),
            Operation::Change(change) => self.change(change),
            Operation::SetBase(set) => self.set_base(set),
            Operation::AddTest(add) => self.add_test(add),
            Operation::RemoveTest(remove) => self.remove_test(remove),
            Operation::ChangeGate(change) => self.change_gate(change),
            Operation::SetTask(set) => self.set_task(set),
            Operation::InsertTask(insert) => self.insert_task(insert),
            Operation::ReplaceTask(replace) => self.replace_task(replace),
            Operation::RemoveTask(remove) => self.remove_task(remove),
            Operation::MoveTask(move_task) => self.move_task(move_task),
            Operation::Waive(waiver) => {
                self.waive(waiver);
                Ok(())
            }
        }
    }

    fn add(&mut self, add: &Add) -> Applies {
        let name = &add.component;
        if let Some(there) = self.flat.stream.components.get(name) {
            let whose = there.inherited.as_deref().unwrap_or("this overlay");
            let message = format!("the component `{name}` is there already, from `{whose}`");
            let (source, span) = self.flat.places.key(&["components", name]);
            let finding =
                Diagnostic::error("exists-already", message).at(self.source, self.field("component"));
            let help = "use `replace` or `change` for what is there, or choose another name";
            return Err(Box::new(finding.related(source, span, "the one that is there").help(help)));
        }
        self.flat.stream.components.insert(name.clone(), add.definition.clone());
        self.lay_named(&["components", name], "component");
        Ok(())
    }

    fn remove(&mut self, remove: &Remove) -> Applies {
        let name = &remove.component;
        let all = self.flat.stream.platforms.clone();
        let (source, place) = (self.source.clone(), self.field("platforms"));
        let component = self.component(name)?;
        let was: BTreeSet<Platform> = component.platforms.clone().unwrap_or(all);
        let gone = remove.platforms.clone().unwrap_or_else(|| was.clone());
        let never: Vec<&Platform> = gone.difference(&was).collect();
        if !never.is_empty() {
            let message = format!("the operation does not apply: `{name}` is not on {}", listed(never));
            let finding = Diagnostic::error(NO_LONGER_APPLIES, message).at(&source, place);
            let help = format!("it is on {}; leave the others out of `platforms`", listed(&was));
            return Err(Box::new(finding.help(help)));
        }
        let rest: BTreeSet<Platform> = was.difference(&gone).copied().collect();
        if rest.is_empty() {
            self.flat.stream.components.remove(name);
        } else {
            component.platforms = Some(rest);
            self.lay(&["components", name, "platforms"], "platforms");
        }
        Ok(())
    }

    fn replace(&mut self, replace: &Replace) -> Applies {
        let name = &replace.component;
        let component = self.component(name)?;
        let before = std::mem::replace(&mut component.source, replace.source.clone());
        // A path is below the folder of this overlay now.
        component.inherited = None;
        component.built_from = None;
        component.patches.clear();
        if let Some(containerfile) = &replace.containerfile {
            component.containerfile = Some(containerfile.clone());
        }
        if replace.source.is_image() {
            *component = Component {
                payload: component.payload,
                tag: component.tag.clone(),
                platforms: component.platforms.clone(),
                stand_in: component.stand_in.clone(),
                ..Component::of(replace.source.clone())
            };
        } else if before.is_image() {
            // What was an image has said nothing of how it is built; defaults stand for that.
            component.containerfile.clone_from(&replace.containerfile);
        }
        if replace.from.is_some() {
            component.from.clone_from(&replace.from);
        }
        self.lay(&["components", name, "source"], "source");
        self.lay(&["components", name, "containerfile"], "containerfile");
        self.lay(&["components", name, "from"], "from");
        Ok(())
    }

    fn patch(&mut self, patch: &PatchSource) -> Applies {
        let name = &patch.component;
        let files = self.field("files");
        let source = self.source.clone();
        let component = self.component(name)?;
        if let (true, Some(git)) = (component.is_prebuilt(), component.built_from.take()) {
            component.source = Origin::Git(git);
        } else if component.is_prebuilt() {
            let image =
                component.prebuilt().map_or_else(|| "an image".to_owned(), |one| format!("the image {one}"));
            let message = format!("`{name}` is {image}, which has no source to patch");
            let help = "give it a source first: `replace: {component: …, source: {git: …}}`";
            return Err(Box::new(
                Diagnostic::error("nothing-to-patch", message).at(&source, files).help(help),
            ));
        }
        let first = component.patches.len();
        component.patches.extend(patch.files.iter().cloned());
        for (index, node) in self.node.get("files").map_or(&[][..], Node::items).iter().enumerate() {
            let index = (first + index).to_string();
            self.flat.places.lay(&["components", name, "patches", &index], &source, None, node.clone());
        }
        Ok(())
    }

    fn pin(&mut self, pin: &Pin) -> Applies {
        let name = &pin.component;
        let place = self.field("commit");
        let source = self.source.clone();
        let component = self.component(name)?;
        let Origin::Git(git) = &mut component.source else {
            let message = format!("the source of `{name}` is not from git, so there is no commit to stay at");
            let help = "use `replace` with `source: {git: …}`, or with an image by its digest";
            return Err(Box::new(Diagnostic::error("nothing-to-pin", message).at(&source, place).help(help)));
        };
        if pin.commit.len() != 40 || !pin.commit.bytes().all(|b| b.is_ascii_hexdigit()) {
            let message = format!("`{}` is not a commit", pin.commit);
            let help = "write all 40 hexadecimal digits; `git ls-remote` tells them";
            return Err(Box::new(Diagnostic::error("bad-commit", message).at(&source, place).help(help)));
        }
        git.reference.clone_from(&pin.commit);
        self.lay(&["components", name, "source", "git", "ref"], "commit");
        Ok(())
    }

    fn change(&mut self, change: &Change) -> Applies {
        let name = &change.component;
        let source = self.source.clone();
        let removed = self.node.get("removePackages").map_or(&[][..], Node::items).to_vec();
        let component = self.component(name)?;
        component.task = change.task.clone().or(component.task.take());
        if let Some(payload) = change.payload {
            component.payload = payload;
        }
        component.tag = change.tag.clone().or(component.tag.take());
        component.platforms = change.platforms.clone().or(component.platforms.take());
        component.stand_in = change.stand_in.clone().or(component.stand_in.take());
        component.containerfile = change.containerfile.clone().or(component.containerfile.take());
        component.from = change.from.clone().or(component.from.take());
        if let Some(edits) = &change.edits {
            component.edits.clone_from(edits);
        }
        for (index, package) in change.remove_packages.iter().enumerate() {
            let Some(at) = component.packages.iter().position(|p| p == package) else {
                let message = format!("`{name}` does not ask for the package `{package}`");
                let help = did_you_mean(package, component.packages.iter().map(String::as_str))
                    .unwrap_or_else(|| "remove it from `removePackages`".to_owned());
                let span = removed.get(index).map_or(self.span, |node| node.span);
                return Err(Box::new(Diagnostic::error("no-package", message).at(&source, span).help(help)));
            };
            component.packages.remove(at);
        }
        if let Some(operands) = &change.operands {
            component.operands.clone_from(operands);
        }
        let first = component.packages.len();
        component.packages.extend(change.add_packages.iter().cloned());
        component.args.extend(change.args.clone());
        component.labels.extend(change.labels.clone());
        for (index, node) in self.node.get("addPackages").map_or(&[][..], Node::items).iter().enumerate() {
            let index = (first + index).to_string();
            self.flat.places.lay(&["components", name, "packages", &index], &source, None, node.clone());
        }
        let plain =
            ["task", "payload", "tag", "platforms", "standIn", "containerfile", "from", "edits", "operands"];
        for field in plain {
            self.lay(&["components", name, field], field);
        }
        for (field, set) in [("args", &change.args), ("labels", &change.labels)] {
            self.lay_each(&["components", name, field], field, set);
        }
        Ok(())
    }

    fn set_base(&mut self, set: &SetBase) -> Applies {
        self.flat.stream.bases.insert(set.name.clone(), set.base.clone());
        self.lay(&["bases", &set.name], "base");
        Ok(())
    }

    fn add_test(&mut self, add: &AddTest) -> Applies {
        let name = &add.test;
        if self.flat.stream.tests.contains_key(name) {
            let (source, span) = self.flat.places.key(&["tests", name]);
            let message = format!("the test `{name}` is there already");
            let finding = Diagnostic::error("exists-already", message).at(self.source, self.field("test"));
            let help = "use `changeGate`, or `removeTest` before it, or choose another name";
            return Err(Box::new(finding.related(source, span, "the one that is there").help(help)));
        }
        self.flat.stream.tests.insert(name.clone(), add.definition.clone());
        self.lay_named(&["tests", name], "test");
        Ok(())
    }

    fn remove_test(&mut self, remove: &RemoveTest) -> Applies {
        self.test(&remove.test)?;
        self.flat.stream.tests.remove(&remove.test);
        Ok(())
    }

    fn change_gate(&mut self, change: &ChangeGate) -> Applies {
        let test = self.test(&change.test)?;
        if let Some(blocking) = change.blocking {
            test.blocking = blocking;
        }
        test.timeout = change.timeout.clone().or(test.timeout.take());
        for field in ["blocking", "timeout"] {
            self.lay(&["tests", &change.test, field], field);
        }
        Ok(())
    }

    /// Whether there is such a code and component is looked at with all other waivers.
    fn waive(&mut self, waiver: &Waiver) {
        let index = self.flat.stream.waivers.len().to_string();
        self.flat.stream.waivers.push(waiver.clone());
        self.flat.places.lay(&["waivers", &index], self.source, Some(self.span), self.node.clone());
    }

    fn component(&mut self, name: &str) -> Result<&mut Component, Box<Diagnostic>> {
        if self.flat.stream.components.contains_key(name) {
            return Ok(self.flat.stream.components.get_mut(name).expect("it was looked up just now"));
        }
        Err(self.missing("component", name))
    }

    fn test(&mut self, name: &str) -> Result<&mut Test, Box<Diagnostic>> {
        if self.flat.stream.tests.contains_key(name) {
            return Ok(self.flat.stream.tests.get_mut(name).expect("it was looked up just now"));
        }
        Err(self.missing("test", name))
    }

    /// Says that the operation no longer applies: what it is about was removed, or never was.
    pub(super) fn missing(&self, kind: &str, name: &str) -> Box<Diagnostic> {
        let below = self.flat.history.parents.last().map_or("", String::as_str);
        let finding = Diagnostic::error(
            NO_LONGER_APPLIES,
            format!("the operation does not apply: `{below}` has no {kind} `{name}`"),
        )
        .at(self.source, self.field(kind));
        let history = &self.flat.history;
        let removed = if kind == "task" { history.removed_task(name) } else { history.removed(name) };
        if let Some(removed) = removed {
            let note = format!("removed here, by `{}`", removed.stream);
            let help = "remove this operation, or the one that removes it";
            return Box::new(finding.related(&removed.source, removed.span, note).help(help));
        }
        let stream = &self.flat.stream;
        let names: Vec<&str> = match kind {
            "test" => stream.tests.keys().map(String::as_str).collect(),
            "task" => stream.pipeline().all().map(|(name, _)| name).collect(),
            _ => stream.components.keys().map(String::as_str).collect(),
        };
        let help = did_you_mean(name, names).unwrap_or_else(|| {
            format!("`{below}` may have moved on: remove the operation, or name what it is called now")
        });
        Box::new(finding.help(help))
    }

    /// Where a field of the operation stands.
    pub(super) fn field(&self, name: &str) -> Span {
        self.node.get(name).map_or(self.span, |node| node.span)
    }

    /// Says that a field of the operation is what the stream says at `path`.
    pub(super) fn lay(&mut self, path: &[&str], field: &str) {
        if let Some(entry) = self.node.entry(field) {
            self.flat.places.lay(path, self.source, Some(entry.key_span), entry.value.clone());
        }
    }

    /// Says that the field `definition` is what the stream says at `path`, under the name in the field `name`.
    pub(super) fn lay_named(&mut self, path: &[&str], name: &str) {
        if let Some(definition) = self.node.get("definition") {
            self.flat.places.lay(path, self.source, Some(self.field(name)), definition.clone());
        }
    }

    fn lay_each(&mut self, path: &[&str], field: &str, set: &BTreeMap<String, String>) {
        let Some(node) = self.node.get(field) else { return };
        for entry in node.entries().iter().filter(|entry| set.contains_key(&entry.key)) {
            let path: Vec<&str> = path.iter().copied().chain([entry.key.as_str()]).collect();
            self.flat.places.lay(&path, self.source, Some(entry.key_span), entry.value.clone());
        }
    }
}
