//! JSON values to those of the evaluator and back.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::Value;
use cel::objects::{Key, Map};
use serde_json::{Number, Value as Json};

/// Integers up to here are exact as floating point numbers (2^53).
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value of the evaluator; all numbers are floating point.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => Value::Float(n.as_f64().unwrap_or_default()),
        Json::String(s) => Value::String(Arc::new(s.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(from_json).collect())),
        Json::Object(fields) => {
            let entries: HashMap<Key, Value> =
                fields.iter().map(|(key, value)| (Key::from(key.as_str()), from_json(value))).collect();
            Value::Map(Map { map: Arc::new(entries) })
        }
    }
}

/// The JSON of a value: keys in order, numbers without a fraction as integers, as Go writes them.
///
/// # Errors
/// The type of a value that has no JSON form.
pub fn to_json(value: &Value) -> Result<Json, String> {
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(b) => Json::Bool(*b),
        Value::Int(n) => Json::from(*n),
        Value::UInt(n) => Json::from(*n),
        Value::Float(n) => number(*n),
        Value::String(s) => Json::String(s.to_string()),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Json::String(text.to_owned()),
            Err(_) => return Err("bytes that are no text".to_owned()),
        },
        Value::List(items) => Json::Array(items.iter().map(to_json).collect::<Result<_, _>>()?),
        Value::Map(map) => {
            let sorted: BTreeMap<String, &Value> = map.map.iter().map(|(k, v)| (k.to_string(), v)).collect();
            Json::Object(
                sorted.into_iter().map(|(k, v)| Ok((k, to_json(v)?))).collect::<Result<_, String>>()?,
            )
        }
        other => return Err(format!("a value of type {}", other.type_of())),
    })
}

fn number(n: f64) -> Json {
    if n.fract() == 0.0 && n.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and fits, see above")]
        return Json::from(n as i64);
    }
    Number::from_f64(n).map_or(Json::Null, Json::Number)
}
