//! An outline in the language of Graphviz.

use std::fmt::Write;

use tekton::outline::{Container, PipelineOutline, TaskOutline};

use super::{Outline, image, label, reasons};

/// A digraph from left to right.
pub fn draw(outline: &Outline) -> String {
    let (name, body) = match outline {
        Outline::Pipeline(outline) => (&outline.name, pipeline(outline)),
        Outline::Task(outline) => (&outline.name, task(outline)),
    };
    format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n{body}}}\n", quoted(&[name]))
}

fn pipeline(outline: &PipelineOutline) -> String {
    let (finally, ordered): (Vec<_>, Vec<_>) =
        outline.tasks.iter().partition(|node| outline.finally.contains(&node.name));
    let node = |node: &tekton::outline::Node| {
        let label = label(node);
        let label: Vec<&str> = label.iter().map(String::as_str).collect();
        format!("{} [label={}];\n", quoted(&[&node.name]), quoted(&label))
    };
    let mut text: String = ordered.into_iter().map(|n| format!("  {}", node(n))).collect();
    if !finally.is_empty() {
        text.push_str("  subgraph cluster_finally {\n    label=\"finally\";\n    style=dashed;\n");
        text.extend(finally.into_iter().map(|n| format!("    {}", node(n))));
        text.push_str("  }\n");
    }
    for edge in &outline.edges {
        let style = if outline.finally.contains(&edge.to) { ", style=dashed" } else { "" };
        let (from, to, label) = (quoted(&[&edge.from]), quoted(&[&edge.to]), quoted(&[&reasons(edge)]));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {from} -> {to} [label={label}{style}];");
    }
    text
}

fn task(outline: &TaskOutline) -> String {
    let id = |what: &str, i: usize| format!("{what}{i}");
    let node = |what: &str, i: usize, c: &Container, style: &str| {
        format!("  {} [label={}{style}];\n", id(what, i), quoted(&[&c.name, &image(c)]))
    };
    let steps = outline.content.steps.iter().enumerate();
    let mut text: String = steps.map(|(i, c)| node("step", i, c, "")).collect();
    for (i, c) in outline.content.sidecars.iter().enumerate() {
        text.push_str(&node("sidecar", i, c, ", style=dashed"));
    }
    for i in 1..outline.content.steps.len() {
        let _ = writeln!(text, "  {} -> {};", id("step", i - 1), id("step", i));
    }
    text
}

/// Lines as one quoted string. A backslash begins an escape in labels, so it is doubled; other control characters have
/// no place in a picture.
fn quoted(lines: &[&str]) -> String {
    let line = |line: &&str| {
        line.chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect::<String>()
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
    };
    format!("\"{}\"", lines.iter().map(line).collect::<Vec<_>>().join("\\n"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn strings_end_where_they_should() {
        assert_eq!(super::quoted(&[r#"a"];b"#, "c\\", "d\ne"]), r#""a\"];b\nc\\\nd e""#);
    }
}
