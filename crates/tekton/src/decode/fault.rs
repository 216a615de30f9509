//! Why a value cannot be read.

use std::fmt;
use std::num::NonZeroUsize;

use base::Span;
use base::diagnostic::did_you_mean;
use serde::de::{self, Expected, Unexpected};

use super::identity;
use crate::yaml::Node;

/// A failure on its way from the value to the top; the first reader it passes gives it its place.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) place: Option<Span>,
    /// Identity of the element or field value that could not be read and can be left out.
    pub(super) node: Option<NonZeroUsize>,
    /// The field that is missing, if that is the failure.
    pub(super) missing: Option<&'static str>,
    /// Whether it only follows from an earlier failure.
    pub(super) consequence: bool,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            help: None,
            place: None,
            node: None,
            missing: None,
            consequence: false,
        }
    }

    pub(super) fn help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    /// Places the failure at `node`, unless it has a place already.
    pub(super) fn within(mut self, node: &Node) -> Self {
        self.place.get_or_insert(node.span);
        self
    }

    /// Like [`Fault::within`], for an element or field value.
    pub(super) fn of(mut self, node: &Node) -> Self {
        self.node.get_or_insert(identity(node));
        self.within(node)
    }
}

/// `did you mean …? allowed here: …`
pub(super) fn allowed(given: &str, allowed: &[&str]) -> Option<String> {
    let list = allowed.join(", ");
    match did_you_mean(given, allowed.iter().copied()) {
        Some(near) => Some(format!("{near} allowed here: {list}")),
        None if allowed.is_empty() => None,
        None => Some(format!("allowed here: {list}")),
    }
}

/// The range of a Rust integer type.
fn range(type_name: &str) -> Option<(i64, u64)> {
    Some(match type_name {
        "i8" => (i8::MIN.into(), i8::MAX.unsigned_abs().into()),
        "i16" => (i16::MIN.into(), i16::MAX.unsigned_abs().into()),
        "i32" => (i32::MIN.into(), i32::MAX.unsigned_abs().into()),
        "i64" => (i64::MIN, i64::MAX.unsigned_abs()),
        "u8" => (0, u8::MAX.into()),
        "u16" => (0, u16::MAX.into()),
        "u32" => (0, u32::MAX.into()),
        "u64" | "usize" => (0, u64::MAX),
        _ => return None,
    })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new("wrong-value", message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new("wrong-type", format!("expected {expected}, found {found}"))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        if let Some((low, high)) = range(&expected.to_string()) {
            let number = match found {
                Unexpected::Signed(n) => n.to_string(),
                Unexpected::Unsigned(n) => n.to_string(),
                other => other.to_string(),
            };
            return Self::new("wrong-value", format!("{number} is out of range ({low} to {high})"));
        }
        Self::new("wrong-value", format!("expected {expected}, found {found}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new("unknown-value", format!("unknown value `{variant}`")).help(allowed(variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new("unknown-field", format!("unknown field \"{field}\"")).help(allowed(field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::new("missing-field", format!("`{field}` is missing")) }
    }
}
