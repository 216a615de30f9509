//! The tree.

use base::Span;
use serde_json::Value;

/// A value and where it stands in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// From its first to past its last byte. A value that came through an alias or a merge key stands where it was
    /// written; a value that was left out (`key:`) is empty.
    pub span: Span,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `no`, `on`, …
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Keys and values in the order of the text.
    Mapping(Vec<Entry>),
}

/// A number of a YAML text; floats are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    /// What fits in 64 bits with sign.
    Int(i64),
    /// What only fits without sign.
    Unsigned(u64),
    /// Anything else.
    Float(f64),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key as a text, whatever it was (`on` is `true`, `1` is `1`, as in JSON).
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value of `key`, if this is a mapping that has it (exactly spelled).
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|e| &e.value)
    }

    /// The entry of `key`, if this is a mapping that has it (exactly spelled).
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|e| e.key == key)
    }

    /// Like [`Node::entry`], but spelling of case does not matter; an exact match wins, else the last one.
    pub fn entry_ignoring_case(&self, key: &str) -> Option<&Entry> {
        self.entry(key).or_else(|| self.entries().iter().rev().find(|e| e.key.eq_ignore_ascii_case(key)))
    }

    /// The entries of a mapping; of anything else none.
    pub fn entries(&self) -> &[Entry] {
        if let Kind::Mapping(entries) = &self.kind { entries } else { &[] }
    }

    /// The elements of a sequence; of anything else none.
    pub fn items(&self) -> &[Self] {
        if let Kind::Sequence(items) = &self.kind { items } else { &[] }
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Kind::String(s) = &self.kind { Some(s) } else { None }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.kind == Kind::Null
    }

    /// As JSON; keys keep their order.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(b) => Value::Bool(*b),
            Kind::Number(Number::Int(n)) => Value::from(*n),
            Kind::Number(Number::Unsigned(n)) => Value::from(*n),
            Kind::Number(Number::Float(n)) => Value::from(*n),
            Kind::String(s) => Value::String(s.clone()),
            Kind::Sequence(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Kind::Mapping(entries) => {
                Value::Object(entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect())
            }
        }
    }
}

impl Kind {
    /// What it is, for messages: `a string`, `a list`, …
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Sequence(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

/// Changing a tree, for conversions that keep every place.
impl Node {
    /// The value of `key` in any spelling of case.
    pub fn get_mut_ignoring_case(&mut self, key: &str) -> Option<&mut Self> {
        let Kind::Mapping(entries) = &mut self.kind else { return None };
        let exact = entries.iter().position(|e| e.key == key);
        let at = exact.or_else(|| entries.iter().rposition(|e| e.key.eq_ignore_ascii_case(key)))?;
        Some(&mut entries[at].value)
    }

    /// Takes `key`, in any spelling of case, out of a mapping.
    pub fn take_ignoring_case(&mut self, key: &str) -> Option<Entry> {
        let Kind::Mapping(entries) = &mut self.kind else { return None };
        let exact = entries.iter().position(|e| e.key == key);
        let at = exact.or_else(|| entries.iter().rposition(|e| e.key.eq_ignore_ascii_case(key)))?;
        Some(entries.remove(at))
    }

    /// Puts an entry into a mapping, instead of one that has the key.
    pub fn put(&mut self, entry: Entry) {
        if let Kind::Mapping(entries) = &mut self.kind {
            entries.retain(|e| e.key != entry.key);
            entries.push(entry);
        }
    }

    /// The elements of a sequence; of anything else none.
    pub fn items_mut(&mut self) -> &mut [Self] {
        if let Kind::Sequence(items) = &mut self.kind { items } else { &mut [] }
    }
}
