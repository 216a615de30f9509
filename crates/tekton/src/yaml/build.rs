//! From parser events to trees.

use std::collections::{HashMap, HashSet};

use base::{Diagnostic, Diagnostics, Source, Span};
use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, StructureStyle, Tag, options};

use super::node::{Entry, Kind, Node, Number};
use super::{limits, scalar};
use crate::types::go_json;

/// Reads all documents of a text. Documents without content are null; a text without any document gives none.
///
/// # Errors
/// Syntax errors (of every document, each with its place), keys given twice, aliases of nothing or of themselves,
/// scalars and keys that have no JSON form, and texts beyond the [`limits`].
pub fn parse(source: &Source) -> Result<Vec<Node>, Diagnostics> {
    if source.text().len() > limits::TEXT {
        let message = format!("the text is larger than {} MiB", limits::TEXT >> 20);
        return Err(Diagnostic::error("too-large", message).at(source, Span::new(0, 0)).into());
    }
    let options = options! { emit_comments: false, emit_unresolved_aliases: true };
    let mut builder = Builder {
        source,
        parser: Parser::new_from_str_with_options(source.text(), options),
        anchors: HashMap::new(),
        nodes: 0,
        copied: 0,
        problems: Diagnostics::default(),
    };
    let mut documents = Vec::new();
    loop {
        match builder.next() {
            Ok((Event::StreamEnd, _)) => break,
            Ok((Event::DocumentStart(..), _)) => match builder.document() {
                Ok(node) => documents.push(node),
                Err(stop) => {
                    if !builder.recover(stop) {
                        break;
                    }
                }
            },
            Ok(_) => {}
            Err(stop) => {
                if !builder.recover(stop) {
                    break;
                }
            }
        }
    }
    builder.problems.0.sort_by_key(|d| d.place.as_ref().map(|(_, span)| span.start));
    builder.problems.into_result(documents)
}

/// Why a document cannot be read further.
enum Stop {
    /// The text is not YAML here.
    Syntax(ScanError),
    /// The text is too much; nothing of it is read.
    Limit(Box<Diagnostic>),
}

struct Builder<'a> {
    source: &'a Source,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    copied: usize,
    problems: Diagnostics,
}

/// The value of an anchor, with what another copy of it costs.
struct Anchored {
    node: Node,
    cost: usize,
    depth: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(0..0);
                Ok((event, Span::new(range.start, range.end)))
            }
            Some(Err(error)) => Err(Stop::Syntax(error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    /// Notes why a document ended early; whether there may be another one.
    fn recover(&mut self, stop: Stop) -> bool {
        self.anchors.clear();
        match stop {
            Stop::Limit(diagnostic) => {
                self.problems.push(*diagnostic);
                false
            }
            Stop::Syntax(error) => {
                self.problems.push(syntax_error(self.source, &error));
                self.parser.proceed_next_document().unwrap_or(false)
            }
        }
    }

    fn document(&mut self) -> Result<Node, Stop> {
        self.anchors.clear();
        let (event, span) = self.next()?;
        if matches!(event, Event::DocumentEnd) {
            return Ok(Node { kind: Kind::Null, span });
        }
        let node = self.node(event, span, 0)?;
        self.next()?;
        Ok(node)
    }

    fn report(&mut self, diagnostic: Diagnostic, span: Span) {
        if self.problems.0.len() < limits::PROBLEMS {
            self.problems.push(diagnostic.at(self.source, span));
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Stop> {
        self.nodes += 1;
        if self.nodes > limits::NODES {
            return Err(self.limit(format!("the text has more than {} values", limits::NODES), span));
        }
        if depth > limits::DEPTH {
            return Err(
                self.limit(format!("lists and mappings are nested deeper than {}", limits::DEPTH), span)
            );
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let kind = self.scalar(&text, style, tag.as_deref(), span);
                let node = Node { kind, span };
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::SequenceStart(style, anchor, _) => {
                let mut items = Vec::new();
                let end = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                };
                let last = items.last().map_or(span, |item| item.span);
                let span = collection_span(style, span, last, end);
                let node = Node { kind: Kind::Sequence(items), span };
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::MappingStart(style, anchor, _) => {
                let (entries, end) = self.entries(depth)?;
                let last = entries.last().map_or(span, |entry| entry.key_span.to(entry.value.span));
                let span = collection_span(style, span, last, end);
                let node = Node { kind: Kind::Mapping(entries), span };
                self.remember(anchor, &node)?;
                Ok(node)
            }
            Event::Alias(id) => self.alias(id, span, depth),
            Event::UnresolvedAlias(name) => {
                let message = format!("alias `*{name}` refers to an anchor that is not defined before it");
                self.report(Diagnostic::error("unknown-alias", message), span);
                Ok(Node { kind: Kind::Null, span })
            }
            _ => Ok(Node { kind: Kind::Null, span }),
        }
    }

    fn limit(&self, message: String, span: Span) -> Stop {
        Stop::Limit(Box::new(Diagnostic::error("too-large", message).at(self.source, span)))
    }

    /// Keeps a copy for aliases.
    fn remember(&mut self, anchor: usize, node: &Node) -> Result<(), Stop> {
        if anchor != 0 {
            let (cost, depth) = measure(node);
            self.spend(cost, node.span)?;
            self.anchors.insert(anchor, Anchored { node: node.clone(), cost, depth });
        }
        Ok(())
    }

    fn spend(&mut self, cost: usize, span: Span) -> Result<(), Stop> {
        self.copied += cost;
        if self.copied > limits::COPIED {
            return Err(self.limit("anchors and aliases stand for too many values".into(), span));
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, span: Span, depth: usize) -> Result<Node, Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            self.report(
                Diagnostic::error("unknown-alias", "this alias refers to the value it stands in"),
                span,
            );
            return Ok(Node { kind: Kind::Null, span });
        };
        if depth + anchored.depth > limits::DEPTH {
            return Err(
                self.limit(format!("with this alias, values are nested deeper than {}", limits::DEPTH), span)
            );
        }
        let (node, cost) = (anchored.node.clone(), anchored.cost);
        self.spend(cost, span)?;
        Ok(node)
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, Span), Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, Span> = HashMap::new();
        let mut merged = Vec::new();
        let end = loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break span;
            }
            let merge = matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<");
            let key = self.node(event, span, depth + 1)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if merge {
                merged.push(value);
                continue;
            }
            let Some(name) = key_text(&key.kind) else {
                let found = key.kind.describe();
                let problem = Diagnostic::error("wrong-type", format!("a key must be a text, found {found}"))
                    .help("quote the key; a template like {{name}} must be quoted, too");
                self.report(problem, key.span);
                continue;
            };
            if let Some(first) = seen.insert(name.clone(), key.span) {
                let problem = Diagnostic::error("duplicate-key", format!("key `{name}` is given twice"))
                    .related(self.source, first, "first here")
                    .help("remove one of the two");
                self.report(problem, key.span);
                continue;
            }
            entries.push(Entry { key: name, key_span: key.span, value });
        };
        for value in merged {
            self.merge(value, &mut entries, &mut seen);
        }
        Ok((entries, end))
    }

    /// Adds what a merge key brings and is not there yet (YAML 1.1 merge key type).
    fn merge(&mut self, value: Node, entries: &mut Vec<Entry>, seen: &mut HashMap<String, Span>) {
        match value.kind {
            Kind::Mapping(more) => {
                for entry in more {
                    if !seen.contains_key(&entry.key) {
                        seen.insert(entry.key.clone(), entry.key_span);
                        entries.push(entry);
                    }
                }
            }
            Kind::Sequence(items) if items.iter().all(|i| matches!(i.kind, Kind::Mapping(_))) => {
                for item in items {
                    self.merge(item, entries, seen);
                }
            }
            other => {
                let found = other.describe();
                let message = format!("`<<` takes a mapping or a list of mappings, found {found}");
                self.report(Diagnostic::error("wrong-type", message), value.span);
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Kind {
        let string = || Kind::String(text.to_owned());
        let core = tag.map(|tag| tag.core_suffix());
        let kind = match core {
            None if style == ScalarStyle::Plain => scalar::plain(text),
            // Go leaves what it does not know a string.
            None | Some(None | Some("str")) => return string(),
            Some(Some("null")) if scalar::plain(text) == Ok(Kind::Null) => Ok(Kind::Null),
            Some(Some("bool")) => {
                scalar::plain(text).map(|k| if matches!(k, Kind::Bool(_)) { k } else { string() })
            }
            Some(Some("int")) => scalar::plain(text).map(|k| match k {
                Kind::Number(Number::Int(_) | Number::Unsigned(_)) => k,
                _ => string(),
            }),
            Some(Some("float")) => scalar::plain(text).map(|k| match k {
                Kind::Number(Number::Int(n)) => Kind::Number(Number::Float(n as f64)),
                Kind::Number(_) => k,
                _ => string(),
            }),
            Some(Some(other)) => {
                let problem =
                    Diagnostic::error("wrong-type", format!("the tag `!!{other}` is not supported here"))
                        .help("write the value as a quoted string");
                self.report(problem, span);
                return string();
            }
        };
        kind.unwrap_or_else(|scalar::NotJson| {
            let problem = Diagnostic::error("wrong-type", format!("`{text}` has no JSON form"))
                .help(format!("write \"{text}\" for the text"));
            self.report(problem, span);
            string()
        })
    }
}

/// Keys become texts as in `sigs.k8s.io/yaml`: booleans and numbers by their JSON text, null not at all.
fn key_text(kind: &Kind) -> Option<String> {
    Some(match kind {
        Kind::String(s) => s.clone(),
        Kind::Bool(b) => b.to_string(),
        Kind::Number(Number::Int(n)) => n.to_string(),
        Kind::Number(Number::Unsigned(n)) => n.to_string(),
        Kind::Number(Number::Float(n)) => go_json::float(*n),
        _ => return None,
    })
}

/// Flow collections end at their bracket; the end event of block collections stands before the next token.
fn collection_span(style: StructureStyle, start: Span, last: Span, end: Span) -> Span {
    let end = if style == StructureStyle::Flow { end.end } else { last.end.max(start.end) };
    Span::new(start.start, end)
}

/// Cost of a copy (see [`limits::COPIED`]) and depth of a tree.
fn measure(node: &Node) -> (usize, usize) {
    let add =
        |(cost, depth): (usize, usize), (more, deep): (usize, usize)| (cost + more, depth.max(deep + 1));
    match &node.kind {
        Kind::String(s) => (1 + s.len() / 64, 0),
        Kind::Sequence(items) => items.iter().map(measure).fold((1, 1), add),
        Kind::Mapping(entries) => entries.iter().fold((1, 1), |sum, e| {
            let (cost, depth) = measure(&e.value);
            add(sum, (cost + 1 + e.key.len() / 64, depth))
        }),
        _ => (1, 0),
    }
}

fn syntax_error(source: &Source, error: &ScanError) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(0);
    let text = source.text();
    let width = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    // The message of the parser ends with the position, which is shown anyway.
    let message = error.info();
    let diagnostic = Diagnostic::error("yaml-syntax", format!("this is not YAML: {message}"))
        .at(source, Span::new(at, at + width));
    let line_start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    let unquoted: HashSet<char> = ['*', '&', '%', '@', '`'].into();
    if line.contains("{{") {
        diagnostic.help("this looks like a template; render it first, or quote \"{{…}}\"")
    } else if line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
        diagnostic.help("indent with spaces; tabs are not allowed")
    } else if text[at..].starts_with(|c| unquoted.contains(&c)) {
        diagnostic.help("quote a text that begins with a special character")
    } else {
        diagnostic
    }
}
