//! An outline as text: levels from top to bottom, each task with whom it waits for and what it runs.

use std::collections::HashMap;

use tekton::outline::{Container, Node, PipelineOutline, Runs};

use super::{Outline, containers, image, inner, reasons, remarks};

/// Columns of the narrowest terminal that people use.
const WIDTH: usize = 80;

/// Draws with lines of at most 80 columns, where no single word is longer.
pub fn draw(outline: &Outline) -> String {
    let mut text = String::new();
    match outline {
        Outline::Pipeline(outline) => pipeline(&mut text, outline),
        Outline::Task(outline) => {
            push(&mut text, "", &format!("task {}", outline.name));
            rows(&mut text, "  ", &outline.content.steps, &outline.content.sidecars);
        }
    }
    text
}

fn pipeline(text: &mut String, outline: &PipelineOutline) {
    let ordered: usize = outline.levels.iter().map(Vec::len).sum();
    let mut head = format!(
        "pipeline {}: {} in {}",
        outline.name,
        counted(ordered, "task"),
        counted(outline.levels.len(), "level")
    );
    if !outline.finally.is_empty() {
        head.push_str(&format!(", {} at the end", outline.finally.len()));
    }
    paragraph(text, "", &head);
    let mut shown = HashMap::new();
    for (heading, names) in parts(outline) {
        text.push_str(&format!("\n{heading}\n"));
        nodes(text, "", outline, names, &mut shown);
    }
}

/// Levels and finally, with their headings.
fn parts(outline: &PipelineOutline) -> impl Iterator<Item = (String, &[String])> {
    let levels = outline.levels.iter().enumerate();
    let levels = levels.map(|(i, level)| (format!("level {}", i + 1), level.as_slice()));
    let finally = (!outline.finally.is_empty()).then_some(outline.finally.as_slice());
    levels.chain(finally.map(|names| ("finally, when all of these have ended".to_owned(), names)))
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// `shown` has the tasks whose steps stand above already, with the node where they do.
fn nodes<'a>(
    text: &mut String,
    margin: &str,
    outline: &'a PipelineOutline,
    names: &[String],
    shown: &mut HashMap<&'a str, &'a str>,
) {
    for (i, name) in names.iter().enumerate() {
        let Some(node) = outline.tasks.iter().find(|node| node.name == *name) else { continue };
        let last = i + 1 == names.len();
        push(text, margin, &format!("{}{name}", if last { "└─ " } else { "├─ " }));
        let margin = &format!("{margin}{}", if last { "     " } else { "│    " });
        let verb = if outline.finally.contains(name) { "looks at" } else { "after" };
        for edge in outline.edges.iter().filter(|e| e.to == *name) {
            paragraph(text, margin, &format!("{verb} {}: {}", edge.from, reasons(edge)));
        }
        body(text, margin, node, shown);
        if let Some(inner) = inner(node) {
            for (heading, names) in parts(inner) {
                push(text, margin, &heading);
                nodes(text, margin, inner, names, shown);
            }
        }
    }
}

fn body<'a>(text: &mut String, margin: &str, node: &'a Node, shown: &mut HashMap<&'a str, &'a str>) {
    for line in remarks(node) {
        paragraph(text, margin, &line);
    }
    if let Runs::Task { task: Some(task), .. } = &node.runs {
        if let Some(above) = shown.get(task.as_str()) {
            return paragraph(text, margin, &format!("steps as in {above}"));
        }
        shown.insert(task, &node.name);
    }
    let (steps, sidecars) = containers(node);
    rows(text, margin, steps, sidecars);
}

/// Steps and sidecars with the images in a column, guards below.
fn rows(text: &mut String, margin: &str, steps: &[Container], sidecars: &[Container]) {
    let all = || steps.iter().map(|s| ("step", s)).chain(sidecars.iter().map(|s| ("sidecar", s)));
    let width = all().map(|(what, c)| what.len() + 1 + c.name.chars().count()).max().unwrap_or(0);
    for (what, container) in all() {
        let name = format!("{what} {}", container.name);
        let image = image(container);
        let columns = margin.chars().count() + width + 2 + image.chars().count();
        if columns <= WIDTH {
            push(text, margin, &format!("{name:width$}  {image}"));
        } else {
            push(text, margin, &name);
            let margin = format!("{margin}    ");
            match image.split_once('@') {
                Some((name, digest)) if margin.chars().count() + image.chars().count() > WIDTH => {
                    push(text, &margin, name);
                    push(text, &margin, &format!("@{digest}"));
                }
                _ => push(text, &margin, &image),
            }
        }
        for guard in &container.when {
            paragraph(text, &format!("{margin}  "), &format!("when {guard}"));
        }
    }
}

/// Words, broken where they would pass the last column; further lines are set in.
fn paragraph(text: &mut String, margin: &str, words: &str) {
    let mut line = String::new();
    for word in words.split_whitespace() {
        let columns = margin.chars().count() + line.chars().count() + 1 + word.chars().count();
        if !line.trim().is_empty() && columns > WIDTH {
            push(text, margin, &line);
            line = "   ".into();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    push(text, margin, &line);
}

/// One line; what a file wrote cannot move the cursor.
fn push(text: &mut String, margin: &str, line: &str) {
    text.push_str(margin);
    text.extend(line.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }));
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_broken_between_words() {
        let mut text = String::new();
        paragraph(&mut text, "| ", &"0123456789 ".repeat(15));
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.lines().nth(1).map(|l| &l[..6]), Some("|     "), "{text}");
        assert_eq!(text.split_whitespace().filter(|w| *w == "0123456789").count(), 15);
    }

    #[test]
    fn control_characters_are_not_passed_on() {
        let mut text = String::new();
        push(&mut text, "", "a\u{1b}[31m\nb");
        assert_eq!(text, "a\u{fffd}[31m\u{fffd}b\n");
    }
}
