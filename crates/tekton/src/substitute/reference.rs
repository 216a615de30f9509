//! References to results: `tasks.T.results.R`, `finally.T.results.R`, `steps.S.results.R`, with their elements.

/// Which part of a result is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element<'a> {
    /// The whole value, as a string: `….R`.
    Whole,
    /// The whole array or object: `….R[*]`.
    Star,
    /// One element of an array: `….R[3]`.
    Index(usize),
    /// One value of an object: `….R.key`.
    Key(&'a str),
}

/// A reference to the result of a task or a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResultReference<'a> {
    /// The pipeline task or the step that gives it.
    pub producer: &'a str,
    /// The result's name.
    pub result: &'a str,
    /// The part of it.
    pub element: Element<'a>,
}

/// Reads `tasks.T.results.R`, `….R.key`, `….R[0]`, `….R[*]` and the bracketed names `…results["R"]`, `…results['R']`
/// (§2.16 rule 3). The names of pipeline tasks have no dots.
pub fn task_result(key: &str) -> Option<ResultReference<'_>> {
    result_of("tasks", key)
}

/// Reads `finally.T.results.R` and its forms; legal in pipeline results only.
pub fn finally_result(key: &str) -> Option<ResultReference<'_>> {
    result_of("finally", key)
}

/// Reads `steps.S.results.R` and its forms.
pub fn step_result(key: &str) -> Option<ResultReference<'_>> {
    result_of("steps", key)
}

fn result_of<'a>(prefix: &str, key: &'a str) -> Option<ResultReference<'a>> {
    let rest = key.strip_prefix(prefix)?.strip_prefix('.')?;
    let (producer, rest) = rest.split_once('.')?;
    let rest = rest.strip_prefix("results")?;
    let (result, rest) = if let Some(plain) = rest.strip_prefix('.') {
        let end = plain.find(['.', '[']).unwrap_or(plain.len());
        plain.split_at(end)
    } else {
        let quoted = rest.strip_prefix('[')?;
        let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (name, rest) = quoted[1..].split_once(quote)?;
        (name, rest.strip_prefix(']')?)
    };
    (!producer.is_empty() && !result.is_empty()).then_some(())?;
    Some(ResultReference { producer, result, element: element(rest)? })
}

fn element(rest: &str) -> Option<Element<'_>> {
    if rest.is_empty() {
        return Some(Element::Whole);
    }
    if let Some(key) = rest.strip_prefix('.') {
        return (!key.is_empty() && !key.contains(['.', '[', ' '])).then_some(Element::Key(key));
    }
    match rest.strip_prefix('[')?.strip_suffix(']')? {
        "*" => Some(Element::Star),
        "" => None,
        index if index.bytes().all(|b| b.is_ascii_digit()) => index.parse().ok().map(Element::Index),
        key => (!key.contains(['[', ']', ' '])).then_some(Element::Key(key)),
    }
}

/// The pipeline task whose matrix `tasks.T.matrix.length` or `tasks.T.matrix.R.length` measures, and the result `R`.
pub fn matrix_length(key: &str) -> Option<(&str, Option<&str>)> {
    let (task, rest) = key.strip_prefix("tasks.")?.split_once(".matrix.")?;
    if rest == "length" {
        return Some((task, None));
    }
    rest.strip_suffix(".length").map(|result| (task, Some(result)))
}

/// The pipeline task whose artifact `tasks.T.outputs[.A]` or `tasks.T.inputs[.A]` names.
pub fn task_artifact(key: &str) -> Option<&str> {
    let (task, rest) = key.strip_prefix("tasks.")?.split_once('.')?;
    let side = rest.split_once('.').map_or(rest, |(side, _)| side);
    matches!(side, "outputs" | "inputs").then_some(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_result() {
        let of = |key| task_result(key).map(|r| (r.producer, r.result, r.element));
        for (key, expected) in [
            ("tasks.t.results.r", ("t", "r", Element::Whole)),
            ("tasks.t.results.r[*]", ("t", "r", Element::Star)),
            ("tasks.t.results.r[12]", ("t", "r", Element::Index(12))),
            ("tasks.t.results.r.key", ("t", "r", Element::Key("key"))),
            ("tasks.t.results['a.b']", ("t", "a.b", Element::Whole)),
            ("tasks.t.results[\"a.b\"][0]", ("t", "a.b", Element::Index(0))),
            ("tasks.t.results['a.b'].k", ("t", "a.b", Element::Key("k"))),
            ("tasks.t.results['a.b'][k]", ("t", "a.b", Element::Key("k"))),
        ] {
            assert_eq!(of(key), Some(expected), "{key}");
        }
        assert_eq!(step_result("steps.s.results.r").map(|r| r.producer), Some("s"));
        assert_eq!(finally_result("finally.f.results.r").map(|r| r.producer), Some("f"));
    }

    #[test]
    fn what_is_not_a_result() {
        for key in [
            "tasks.t.status",
            "tasks.status",
            "params.a",
            "tasks.t.results.",
            "tasks..results.r",
            "tasks.t.results.r.k.l",
            "tasks.t.results.r[]",
            "tasks.t.results.r[99999999999999999999]",
            "tasks.t.results['r",
            "steps.s.results.r",
            "results.r.path",
        ] {
            assert_eq!(task_result(key), None, "{key}");
        }
    }

    #[test]
    fn lengths_and_artifacts() {
        assert_eq!(matrix_length("tasks.t.matrix.length"), Some(("t", None)));
        assert_eq!(matrix_length("tasks.t.matrix.r.length"), Some(("t", Some("r"))));
        assert_eq!(matrix_length("tasks.t.results.length"), None);
        assert_eq!(task_artifact("tasks.t.outputs.image"), Some("t"));
        assert_eq!(task_artifact("tasks.t.inputs"), Some("t"));
        assert_eq!(task_artifact("tasks.t.outputsx"), None);
    }
}
