//! An outline in the language of Mermaid.

use std::collections::HashMap;
use std::fmt::Write;

use tekton::outline::{PipelineOutline, TaskOutline};

use super::{Outline, image, inner, label, reasons, roots};

/// A flowchart from left to right. Nodes are numbered: a task may have a name that the language uses itself.
pub fn draw(outline: &Outline) -> String {
    match outline {
        Outline::Pipeline(outline) => format!("flowchart LR\n{}", pipeline(outline, "t")),
        Outline::Task(outline) => task(outline),
    }
}

/// `prefix` begins the numbers of the nodes.
fn pipeline(outline: &PipelineOutline, prefix: &str) -> String {
    let ids: HashMap<&str, String> = outline
        .tasks
        .iter()
        .enumerate()
        .map(|(i, node)| (node.name.as_str(), format!("{prefix}{i}")))
        .collect();
    let id = |name: &str| ids.get(name).map_or("", String::as_str);
    let node = |node: &tekton::outline::Node| {
        let lines: Vec<String> = label(node).iter().map(|line| escaped(line)).collect();
        format!("{}[\"{}\"]\n", id(&node.name), lines.join("<br/>"))
    };
    let (finally, ordered): (Vec<_>, Vec<_>) =
        outline.tasks.iter().partition(|node| outline.finally.contains(&node.name));
    let mut text = String::new();
    text.extend(ordered.into_iter().map(|n| format!("  {}", node(n))));
    if !finally.is_empty() {
        match prefix {
            "t" => text.push_str("  subgraph finally\n"),
            _ => text.push_str(&format!("  subgraph {prefix}finally[\"finally\"]\n")),
        }
        text.extend(finally.into_iter().map(|n| format!("    {}", node(n))));
        text.push_str("  end\n");
    }
    for edge in &outline.edges {
        let arrow = if outline.finally.contains(&edge.to) { "-.->" } else { "-->" };
        // Writing to a text cannot fail.
        let _ =
            writeln!(text, "  {} {arrow}|\"{}\"| {}", id(&edge.from), escaped(&reasons(edge)), id(&edge.to));
    }
    for (node, inner) in outline.tasks.iter().filter_map(|node| Some((node, inner(node)?))) {
        let prefix = format!("{}_", id(&node.name));
        let body = pipeline(inner, &prefix).replace("\n  ", "\n    ");
        let _ = writeln!(text, "  subgraph {prefix}[\"{}\"]\n  {body}  end", escaped(&node.name));
        let position = |root: &String| inner.tasks.iter().position(|t| t.name == *root);
        for root in roots(inner).iter().filter_map(position) {
            let _ = writeln!(text, "  {} -.-> {prefix}{root}", id(&node.name));
        }
    }
    text
}

fn task(outline: &TaskOutline) -> String {
    let mut text = String::from("flowchart LR\n");
    for (i, step) in outline.content.steps.iter().enumerate() {
        let _ = writeln!(text, "  s{i}[\"{}<br/>{}\"]", escaped(&step.name), escaped(&image(step)));
    }
    for (i, sidecar) in outline.content.sidecars.iter().enumerate() {
        let _ = writeln!(text, "  c{i}([\"{}<br/>{}\"])", escaped(&sidecar.name), escaped(&image(sidecar)));
    }
    for i in 1..outline.content.steps.len() {
        let _ = writeln!(text, "  s{} --> s{i}", i - 1);
    }
    text
}

/// Text for a quoted label: what means something to Mermaid or HTML becomes a character code.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '"' | '#' | '&' | '<' | '>' | '|' | '`' | '\\' | ';' => {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    #[test]
    fn labels_cannot_end_early_or_bring_markup() {
        assert_eq!(super::escaped("a\"]\n<b>#1"), "a#34;] #60;b#62;#35;1");
    }
}
