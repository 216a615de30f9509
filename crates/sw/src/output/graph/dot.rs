//! An outline in the language of Graphviz.

use std::fmt::Write;

use tekton::outline::{Container, PipelineOutline, TaskOutline};

use super::{Outline, image, inner, label, reasons, roots};

/// A digraph from left to right.
pub fn draw(outline: &Outline) -> String {
    let (name, body) = match outline {
        Outline::Pipeline(outline) => (&outline.name, pipeline(outline, "")),
        Outline::Task(outline) => (&outline.name, task(outline)),
    };
    format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box];\n{body}}}\n", quoted(&[name]))
}

/// `path` is the name of the task that the pipeline is, with a slash; empty for the outermost.
fn pipeline(outline: &PipelineOutline, path: &str) -> String {
    let id = |name: &str| quoted(&[&format!("{path}{name}")]);
    let (finally, ordered): (Vec<_>, Vec<_>) =
        outline.tasks.iter().partition(|node| outline.finally.contains(&node.name));
    let node = |node: &tekton::outline::Node| {
        let label = label(node);
        let label: Vec<&str> = label.iter().map(String::as_str).collect();
        format!("{} [label={}];\n", id(&node.name), quoted(&label))
    };
    let mut text: String = ordered.into_iter().map(|n| format!("  {}", node(n))).collect();
    if !finally.is_empty() {
        let cluster = if path.is_empty() {
            "cluster_finally".into()
        } else {
            quoted(&[&format!("cluster_{path}finally")])
        };
        text.push_str(&format!("  subgraph {cluster} {{\n    label=\"finally\";\n    style=dashed;\n"));
        text.extend(finally.into_iter().map(|n| format!("    {}", node(n))));
        text.push_str("  }\n");
    }
    for edge in &outline.edges {
        let style = if outline.finally.contains(&edge.to) { ", style=dashed" } else { "" };
        let (from, to, label) = (id(&edge.from), id(&edge.to), quoted(&[&reasons(edge)]));
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {from} -> {to} [label={label}{style}];");
    }
    for (node, inner) in outline.tasks.iter().filter_map(|node| Some((node, inner(node)?))) {
        let path = format!("{path}{}/", node.name);
        let (cluster, label) = (quoted(&[&format!("cluster_{path}")]), quoted(&[&node.name]));
        let body = pipeline(inner, &path).replace("\n  ", "\n    ");
        let _ = writeln!(text, "  subgraph {cluster} {{\n    label={label};\n  {body}  }}");
        for root in roots(inner) {
            let to = quoted(&[&format!("{path}{root}")]);
            let _ = writeln!(text, "  {} -> {to} [style=dotted];", id(&node.name));
        }
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
