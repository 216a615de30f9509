//! Containerfiles as a stream wants them: texts replaced, and other images to start from.

use base::{Diagnostic, Source, Span};
use parse_dockerfile::Dockerfile;

use super::syntax_error;
use crate::definition::{Component, Edit};

/// The Containerfile of `component` with its edits, and with what it says in `from` instead of the images from outside.
///
/// `file` is the Containerfile after the patches.
///
/// # Errors
/// The field (`edits` with its index, or `from`) that does not fit the file, and why.
pub fn rewrite(file: &Source, component: &Component) -> Result<String, (Field, Box<Diagnostic>)> {
    let mut text = file.text().to_owned();
    for (index, edit) in component.edits.iter().enumerate() {
        text = replaced(file, &text, edit).map_err(|finding| (Field::Edit(index), finding))?;
    }
    match &component.from {
        Some(from) => start_from(&Source::new(file.name(), text), from).map_err(|f| (Field::From, f)),
        None => Ok(text),
    }
}

/// Which field of a component does not fit its Containerfile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The edit at this index.
    Edit(usize),
    /// `from`.
    From,
}

fn replaced(file: &Source, text: &str, edit: &Edit) -> Result<String, Box<Diagnostic>> {
    if text.contains(&edit.text) {
        return Ok(text.replace(&edit.text, &edit.with));
    }
    let mut lines = edit.text.lines();
    let first = lines.next().unwrap_or_default();
    let shown = if lines.next().is_some() { format!("{first}…") } else { first.to_owned() };
    let message = format!("the edit does not apply: {} does not say `{shown}`", file.name());
    let help = "the source has moved under it: write what the Containerfile says now, or remove the edit";
    Err(Box::new(Diagnostic::error("edit-conflict", message).help(help)))
}

/// Writes the names of `from` in place of the images from outside, in their order.
fn start_from(file: &Source, from: &[String]) -> Result<String, Box<Diagnostic>> {
    // The parser counts from behind a byte order mark.
    let text = file.text().trim_start_matches('\u{feff}');
    let parsed = parse_dockerfile::parse(text).map_err(|e| {
        let finding = syntax_error(&Source::new(file.name(), text), 0, &e).0.into_iter().next();
        Box::new(finding.unwrap_or_else(|| Diagnostic::error("containerfile-syntax", e.to_string())))
    })?;
    let outside = outside(&parsed);
    if outside.len() != from.len() {
        let lines: Vec<String> = outside
            .iter()
            .map(|(name, span)| format!("{name} (line {})", Source::new("", text).position(span.start).0))
            .collect();
        let shown = if lines.is_empty() { "none".to_owned() } else { lines.join(", ") };
        let message = format!(
            "`from` has {} names, and {} starts from {}: {shown}",
            from.len(),
            file.name(),
            outside.len()
        );
        let help = "write a name of `bases` for each of these, in this order";
        return Err(Box::new(Diagnostic::error("from-mismatch", message).help(help)));
    }
    let mut text = text.to_owned();
    for ((_, span), name) in outside.iter().zip(from).rev() {
        text.replace_range(span.start..span.end, name);
    }
    Ok(text)
}

/// The images from outside that stages start from, as they are written and where; `scratch` is none.
fn outside(file: &Dockerfile<'_>) -> Vec<(String, Span)> {
    let mut stages: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for stage in file.stages() {
        let image = &stage.from.image;
        let lower = image.value.to_lowercase();
        if lower != "scratch" && !stages.contains(&lower) {
            found.push((image.value.clone().into_owned(), Span::new(image.span.start, image.span.end)));
        }
        stages.extend(stage.from.as_.as_ref().map(|(_, name)| name.value.to_lowercase()));
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::definition::Origin;

    const FILE: &str = "\
FROM registry.ci.example/builder:go-1.24 AS build
RUN make
FROM registry.ci.example/builder:go-1.24 AS build9
FROM build AS again
FROM scratch AS nothing
FROM $BASE
COPY --from=build /bin/x /bin/x
";

    fn component(from: &[&str], edits: &[(&str, &str)]) -> Component {
        Component {
            from: Some(from.iter().map(|name| (*name).to_owned()).collect()),
            edits: edits
                .iter()
                .map(|(text, with)| Edit { text: (*text).to_owned(), with: (*with).to_owned() })
                .collect(),
            ..Component::of(Origin::Path("x".to_owned()))
        }
    }

    #[test]
    fn each_image_from_outside_becomes_the_name_at_its_place() {
        let component = component(&["go", "go9", "base"], &[("RUN make", "RUN make all\nRUN make check")]);
        let text = rewrite(&Source::new("Containerfile", FILE), &component).unwrap();
        insta::assert_snapshot!(text, @"
FROM go AS build
RUN make all
RUN make check
FROM go9 AS build9
FROM build AS again
FROM scratch AS nothing
FROM base
COPY --from=build /bin/x /bin/x
");
    }

    #[test]
    fn a_from_of_another_length_says_which_lines_there_are() {
        let component = component(&["go"], &[]);
        let (field, finding) = rewrite(&Source::new("Containerfile", FILE), &component).unwrap_err();
        assert_eq!(field, Field::From);
        insta::assert_snapshot!(finding.render(false), @"
error[from-mismatch]: `from` has 1 names, and Containerfile starts from 3: registry.ci.example/builder:go-1.24 (line 1), registry.ci.example/builder:go-1.24 (line 3), $BASE (line 6)
 |
 = help: write a name of `bases` for each of these, in this order
");
    }

    #[test]
    fn an_edit_of_what_is_not_there_is_named() {
        let component = component(&[], &[("RUN make", ""), ("RUN make\nRUN x", "")]);
        let (field, finding) = rewrite(&Source::new("Containerfile", FILE), &component).unwrap_err();
        assert_eq!(field, Field::Edit(1));
        insta::assert_snapshot!(finding.render(false), @"
error[edit-conflict]: the edit does not apply: Containerfile does not say `RUN make…`
 |
 = help: the source has moved under it: write what the Containerfile says now, or remove the edit
");
    }
}
