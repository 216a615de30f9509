//! Parameters: declarations, values, and the rule that turns any JSON into one of three kinds of value.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::Value;

use super::go_json;

wire! {
    /// A declared parameter of a task, pipeline or step action.
    pub struct ParamSpec {
        /// The name it is referred to by.
        pub name: String,
        /// The declared type; absent means inferred ([`ParamSpec::kind`]).
        pub r#type: Option<ParamType>,
        /// Free text.
        pub description: String,
        /// The keys of an object parameter.
        pub properties: BTreeMap<String, PropertySpec>,
        /// The value when none is given.
        pub default: Option<ParamValue>,
        /// The allowed values of a string parameter (alpha).
        pub r#enum: Vec<String>,
    }

    /// The type of one key of an object.
    pub struct PropertySpec {
        /// Only `string` is supported by Tekton.
        pub r#type: Option<ParamType>,
    }
}

impl ParamSpec {
    /// The type in effect: declared, else object when there are properties, else the default's, else string.
    pub fn kind(&self) -> ParamType {
        self.r#type.unwrap_or_else(|| match &self.default {
            _ if !self.properties.is_empty() => ParamType::Object,
            Some(default) => default.kind(),
            None => ParamType::String,
        })
    }
}

/// A parameter that is passed.
#[derive(Debug, Clone, PartialEq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Param {
    /// The declared name it is for.
    pub name: String,
    /// The value.
    pub value: ParamValue,
}

impl Param {
    /// `name: value`.
    pub fn new(name: impl Into<String>, value: impl Into<ParamValue>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// The type of a parameter or result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParamType {
    /// One text.
    #[default]
    String,
    /// A list of texts.
    Array,
    /// Texts by key.
    Object,
}

impl fmt::Display for ParamType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        })
    }
}

/// The value of a parameter or result.
///
/// Read from JSON as Tekton does: a string is a string; a list of strings an array; a map of strings an object (a null
/// among the strings counts as an empty one, as in Go); anything else is its JSON text, as a string.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParamValue {
    /// One text.
    String(String),
    /// A list of texts.
    Array(Vec<String>),
    /// Texts by key.
    Object(BTreeMap<String, String>),
}

impl ParamValue {
    /// Which of the three it is.
    pub fn kind(&self) -> ParamType {
        match self {
            Self::String(_) => ParamType::String,
            Self::Array(_) => ParamType::Array,
            Self::Object(_) => ParamType::Object,
        }
    }

    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(s) = self { Some(s) } else { None }
    }

    /// The elements of an array value.
    pub fn as_array(&self) -> Option<&[String]> {
        if let Self::Array(a) = self { Some(a) } else { None }
    }

    /// The keys and texts of an object value.
    pub fn as_object(&self) -> Option<&BTreeMap<String, String>> {
        if let Self::Object(o) = self { Some(o) } else { None }
    }

    /// Every text in it, in order: the string, the elements, or the values of the keys.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Self::String(s) => vec![s],
            Self::Array(a) => a.iter().map(String::as_str).collect(),
            Self::Object(o) => o.values().map(String::as_str).collect(),
        }
    }

    /// From any JSON value, by the rule above.
    pub fn from_json(value: Value) -> Self {
        fn text(value: &Value) -> Option<String> {
            match value {
                Value::String(s) => Some(s.clone()),
                Value::Null => Some(String::new()),
                _ => None,
            }
        }
        match value {
            Value::String(s) => Self::String(s),
            Value::Null => Self::default(),
            Value::Array(ref items) => match items.iter().map(text).collect() {
                Some(texts) => Self::Array(texts),
                None => Self::String(go_json::text(&value)),
            },
            Value::Object(ref fields) => {
                match fields.iter().map(|(k, v)| Some((k.clone(), text(v)?))).collect() {
                    Some(texts) => Self::Object(texts),
                    None => Self::String(go_json::text(&value)),
                }
            }
            other => Self::String(go_json::text(&other)),
        }
    }
}

impl Default for ParamValue {
    /// The empty string.
    fn default() -> Self {
        Self::String(String::new())
    }
}

impl fmt::Display for ParamValue {
    /// The text of a string, the JSON text of an array or object.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(s) => f.write_str(s),
            Self::Array(a) => f.write_str(&go_json::text(&Value::from(a.clone()))),
            Self::Object(o) => {
                let fields = o.iter().map(|(k, v)| (k.clone(), Value::from(v.as_str()))).collect();
                f.write_str(&go_json::text(&Value::Object(fields)))
            }
        }
    }
}

impl From<&str> for ParamValue {
    fn from(s: &str) -> Self {
        Self::String(s.to_owned())
    }
}

impl From<String> for ParamValue {
    fn from(s: String) -> Self {
        Self::String(s)
    }
}

impl From<Vec<String>> for ParamValue {
    fn from(a: Vec<String>) -> Self {
        Self::Array(a)
    }
}

impl From<BTreeMap<String, String>> for ParamValue {
    fn from(o: BTreeMap<String, String>) -> Self {
        Self::Object(o)
    }
}

impl Serialize for ParamValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::String(s) => serializer.serialize_str(s),
            Self::Array(a) => serializer.collect_seq(a),
            Self::Object(o) => serializer.collect_map(o),
        }
    }
}

impl<'de> Deserialize<'de> for ParamValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamValueVisitor)
    }
}

struct ParamValueVisitor;

impl<'de> Visitor<'de> for ParamValueVisitor {
    type Value = ParamValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of strings or a map of strings")
    }

    fn visit_str<E: de::Error>(self, v: &str) -> Result<ParamValue, E> {
        Ok(ParamValue::String(v.to_owned()))
    }

    fn visit_string<E: de::Error>(self, v: String) -> Result<ParamValue, E> {
        Ok(ParamValue::String(v))
    }

    fn visit_bool<E: de::Error>(self, v: bool) -> Result<ParamValue, E> {
        Ok(ParamValue::String(v.to_string()))
    }

    fn visit_i64<E: de::Error>(self, v: i64) -> Result<ParamValue, E> {
        Ok(ParamValue::String(v.to_string()))
    }

    fn visit_u64<E: de::Error>(self, v: u64) -> Result<ParamValue, E> {
        Ok(ParamValue::String(v.to_string()))
    }

    fn visit_f64<E: de::Error>(self, v: f64) -> Result<ParamValue, E> {
        Ok(ParamValue::String(go_json::float(v)))
    }

    fn visit_unit<E: de::Error>(self) -> Result<ParamValue, E> {
        Ok(ParamValue::default())
    }

    fn visit_none<E: de::Error>(self) -> Result<ParamValue, E> {
        Ok(ParamValue::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<ParamValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(ParamValue::from_json(Value::Array(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ParamValue, A::Error> {
        let mut fields = serde_json::Map::new();
        while let Some((key, item)) = map.next_entry()? {
            fields.insert(key, item);
        }
        Ok(ParamValue::from_json(Value::Object(fields)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(json: &str) -> ParamValue {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn anything_but_strings_becomes_its_json_text() {
        let array = |a: &[&str]| ParamValue::Array(a.iter().map(ToString::to_string).collect());
        assert_eq!(read(r#""x""#), "x".into());
        assert_eq!(read("true"), "true".into());
        assert_eq!(read("5"), "5".into());
        assert_eq!(read("1e3"), "1000".into());
        assert_eq!(read("null"), "".into());
        assert_eq!(read(r#"["a","b"]"#), array(&["a", "b"]));
        assert_eq!(read("[]"), array(&[]));
        assert_eq!(read("[1, 2]"), "[1,2]".into());
        assert_eq!(read(r#"["a", ["b"]]"#), r#"["a",["b"]]"#.into());
        assert_eq!(read(r#"{"k":"v"}"#), ParamValue::Object([("k".into(), "v".into())].into()));
        assert_eq!(read(r#"{"k":1, "a":"x"}"#), r#"{"a":"x","k":1}"#.into());
    }

    #[test]
    fn the_type_is_inferred_from_properties_then_default() {
        let kind = |json: &str| serde_json::from_str::<ParamSpec>(json).unwrap().kind();
        assert_eq!(kind(r#"{"name":"a"}"#), ParamType::String);
        assert_eq!(kind(r#"{"name":"a","default":["x"]}"#), ParamType::Array);
        assert_eq!(kind(r#"{"name":"a","properties":{"k":{}},"default":"x"}"#), ParamType::Object);
        assert_eq!(kind(r#"{"name":"a","type":"array","default":"x"}"#), ParamType::Array);
    }
}
