//! The paths of bindings: `body.commits[0].id`, `body.labels[?(@.name == 'bug')].id`, `header.X-Key`, `body.a\.b['c']`.

use serde_json::Value as Json;

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// A key.
    Key(String),
    /// An element; negative ones count from the end.
    Index(i64),
    /// Elements from, to before.
    Slice(Option<i64>, Option<i64>),
    /// All elements or values.
    All,
    /// The elements whose value at the path compares so.
    Filter(Vec<Step>, Option<(Comparison, Json)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

/// A path that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Path(Vec<Step>);

impl Path {
    /// Reads `a.b`, `.a.b`, `{a.b}` or `{.a.b}`.
    ///
    /// # Errors
    /// What cannot be read, and where it begins.
    pub fn read(text: &str) -> Result<Self, String> {
        let inner = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(text).trim();
        let steps = steps(inner)?;
        if steps.is_empty() { Err("the path is empty".to_owned()) } else { Ok(Self(steps)) }
    }

    /// The values at the path.
    ///
    /// # Errors
    /// What is missing.
    pub fn find<'a>(&self, root: &'a Json) -> Result<Vec<&'a Json>, String> {
        find(&self.0, root)
    }
}

/// Whether anything but one value may come of it.
fn is_plural(step: &Step) -> bool {
    matches!(step, Step::Slice(..) | Step::All | Step::Filter(..))
}

fn find<'a>(steps: &[Step], root: &'a Json) -> Result<Vec<&'a Json>, String> {
    let mut found = vec![root];
    let mut walked = String::new();
    let mut plural = false;
    for step in steps {
        let mut next = Vec::new();
        for value in found {
            match step {
                Step::Key(key) => match value.get(key) {
                    Some(value) => next.push(value),
                    // In a list of which some have it: those.
                    None if plural => {}
                    None if walked.is_empty() => return Err(format!("the event has no `{key}`")),
                    None => return Err(format!("`{walked}` has no `{key}`")),
                },
                Step::Index(index) => {
                    let items = value.as_array().ok_or_else(|| format!("`{walked}` is no list"))?;
                    let at = position(*index, items.len());
                    match at.and_then(|at| items.get(at)) {
                        Some(value) => next.push(value),
                        None => {
                            return Err(format!("`{walked}` has {} elements, and no [{index}]", items.len()));
                        }
                    }
                }
                Step::Slice(from, to) => {
                    let items = value.as_array().ok_or_else(|| format!("`{walked}` is no list"))?;
                    let end = |n: Option<i64>, none| {
                        n.map_or(none, |n| position(n, items.len()).unwrap_or(0)).min(items.len())
                    };
                    let (from, to) = (end(*from, 0), end(*to, items.len()));
                    next.extend(&items[from.min(to)..to]);
                }
                Step::All => match value {
                    Json::Array(items) => next.extend(items),
                    Json::Object(fields) => next.extend(fields.values()),
                    _ => return Err(format!("`{walked}` is no list")),
                },
                Step::Filter(path, comparison) => {
                    let items = value.as_array().ok_or_else(|| format!("`{walked}` is no list"))?;
                    next.extend(items.iter().filter(|item| passes(item, path, comparison.as_ref())));
                }
            }
        }
        plural |= is_plural(step);
        walked.push_str(&written(step, walked.is_empty()));
        found = next;
    }
    if found.is_empty() && plural {
        return Err(format!("nothing is at `{walked}`"));
    }
    Ok(found)
}

fn position(index: i64, length: usize) -> Option<usize> {
    if index >= 0 {
        usize::try_from(index).ok()
    } else {
        length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?)
    }
}

fn written(step: &Step, first: bool) -> String {
    match step {
        Step::Key(key) if first => key.clone(),
        Step::Key(key) => format!(".{key}"),
        Step::Index(index) => format!("[{index}]"),
        Step::Slice(..) => "[…:…]".to_owned(),
        Step::All => "[*]".to_owned(),
        Step::Filter(..) => "[?(…)]".to_owned(),
    }
}

fn passes(item: &Json, path: &[Step], comparison: Option<&(Comparison, Json)>) -> bool {
    let Some(value) = find(path, item).ok().and_then(|found| found.first().copied()) else { return false };
    let Some((comparison, wanted)) = comparison else { return true };
    let order = match (value, wanted) {
        (Json::Number(a), Json::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        (Json::String(a), Json::String(b)) => Some(a.cmp(b)),
        (a, b) if a == b => Some(std::cmp::Ordering::Equal),
        _ => None,
    };
    match comparison {
        Comparison::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::NotEqual => !order.is_some_and(std::cmp::Ordering::is_eq),
        Comparison::Less => order.is_some_and(std::cmp::Ordering::is_lt),
        Comparison::LessOrEqual => order.is_some_and(std::cmp::Ordering::is_le),
        Comparison::Greater => order.is_some_and(std::cmp::Ordering::is_gt),
        Comparison::GreaterOrEqual => order.is_some_and(std::cmp::Ordering::is_ge),
    }
}

fn steps(text: &str) -> Result<Vec<Step>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let end = closing(inner).ok_or_else(|| format!("`{rest}` has no closing bracket"))?;
            found.push(bracket(inner[..end].trim())?);
            rest = &inner[end + 1..];
            continue;
        }
        if rest.starts_with("..") {
            return Err("`..` is not read here; write the whole path".to_owned());
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let (key, after) = key(rest);
        if key.is_empty() {
            return Err(format!("a name is missing before `{rest}`"));
        }
        found.push(if key == "*" { Step::All } else { Step::Key(key) });
        rest = after;
    }
    Ok(found)
}

/// A name up to the next dot or bracket; a backslash takes away the meaning of what follows.
fn key(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => name.extend(letters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (name, &text[at..]),
            _ => name.push(letter),
        }
    }
    (name, "")
}

/// Where the bracket ends that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0, None);
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (Some(open), _) if letter == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => depth += 1,
            (None, ']') if depth == 0 => return Some(at),
            (None, ']') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

fn bracket(inner: &str) -> Result<Step, String> {
    if inner == "*" {
        return Ok(Step::All);
    }
    if let Some(text) = unquoted(inner) {
        return Ok(Step::Key(text.to_owned()));
    }
    if let Some(filter) = inner.strip_prefix("?(").and_then(|f| f.strip_suffix(')')) {
        return filter_step(filter.trim());
    }
    let number = |text: &str| text.trim().parse::<i64>();
    if let Ok(index) = number(inner) {
        return Ok(Step::Index(index));
    }
    if let Some((from, to)) = inner.split_once(':') {
        let end = |text: &str| match text.trim() {
            "" => Ok(None),
            text => number(text).map(Some).map_err(|_| format!("`[{inner}]` cannot be read")),
        };
        return Ok(Step::Slice(end(from)?, end(to)?));
    }
    Err(format!("`[{inner}]` cannot be read; write [0], [*], ['name'] or [?(@.name == 'value')]"))
}

fn unquoted(text: &str) -> Option<&str> {
    ['\'', '"'].into_iter().find_map(|quote| {
        let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    })
}

fn filter_step(filter: &str) -> Result<Step, String> {
    let refused = || format!("`?({filter})` cannot be read; write ?(@.name == 'value')");
    let inner = filter.strip_prefix('@').ok_or_else(refused)?;
    let operator = COMPARISONS
        .iter()
        .filter_map(|(text, comparison)| inner.find(text).map(|at| (at, text.len(), *comparison)))
        .min_by_key(|(at, length, _)| (*at, std::cmp::Reverse(*length)));
    let Some((at, length, comparison)) = operator else {
        return Ok(Step::Filter(steps(inner.trim())?, None));
    };
    let wanted = inner[at + length..].trim();
    let wanted = match unquoted(wanted) {
        Some(text) => Json::from(text),
        None => serde_json::from_str(wanted).map_err(|_| refused())?,
    };
    Ok(Step::Filter(steps(inner[..at].trim())?, Some((comparison, wanted))))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn at(path: &str) -> Result<Vec<Json>, String> {
        let root = json!({"body": {"a.b": 1, "tag-latest": true, "list": [{"n": "x", "v": 1}, {"n": "y", "v": 2}, {"v": 3}],
            "none": null, "deep": {"['": 5}}});
        Ok(Path::read(path)?.find(&root)?.into_iter().cloned().collect())
    }

    #[test]
    fn paths_as_bindings_write_them() {
        for (path, expected) in [
            (r"body.a\.b", vec![json!(1)]),
            ("body['a.b']", vec![json!(1)]),
            ("{.body.tag-latest}", vec![json!(true)]),
            (".body.none", vec![Json::Null]),
            ("body.list[0].n", vec![json!("x")]),
            ("body.list[-1].v", vec![json!(3)]),
            ("body.list[*].n", vec![json!("x"), json!("y")]),
            ("body.list[0:2].v", vec![json!(1), json!(2)]),
            ("body.list[?(@.n == 'y')].v", vec![json!(2)]),
            ("body.list[?(@.v >= 2)].v", vec![json!(2), json!(3)]),
            ("body.list[?(@.n)].v", vec![json!(1), json!(2)]),
            ("body.deep[\"['\"]", vec![json!(5)]),
        ] {
            assert_eq!(at(path), Ok(expected), "{path}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        assert_eq!(at("body.nope.x"), Err("`body` has no `nope`".to_owned()));
        assert_eq!(at("body.list[7]"), Err("`body.list` has 3 elements, and no [7]".to_owned()));
        assert_eq!(at("body.list[?(@.n == 'z')]"), Err("nothing is at `body.list[?(…)]`".to_owned()));
        assert_eq!(at("body.none[0]"), Err("`body.none` is no list".to_owned()));
        assert!(at("body..x").unwrap_err().starts_with("`..` is not read"));
        assert!(at("body.list[x]").unwrap_err().starts_with("`[x]` cannot be read"));
        assert!(at("body.list[").unwrap_err().ends_with("has no closing bracket"));
        assert_eq!(at("{}"), Err("the path is empty".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "[a-z.\\[\\]?@()'\"\\\\*:0-9=<{} -]{0,30}|\\PC{0,10}") {
            let _ = at(&text);
        }
    }
}
