//! A text into an event.

use serde_json::Value as Json;
use thiserror::Error;

use super::Headers;

/// Code hosts send no larger ones.
const LARGEST: usize = 25 << 20;

/// A webhook as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Event {
    /// Its headers.
    pub headers: Headers,
    /// Its body.
    pub body: Json,
    /// The bytes of the body, which signatures are about; none when they are not known.
    pub raw: Option<String>,
}

/// Why a text is no event, or not one that tells enough.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EventError {
    /// Too large.
    #[error("the event is larger than {} MiB, which no code host sends", LARGEST >> 20)]
    TooLarge,
    /// No JSON.
    #[error(
        "the event is no JSON: {0}; give the body of a webhook, or {{\"headers\": {{…}}, \"body\": {{…}}}}"
    )]
    Json(String),
    /// Not an object.
    #[error(
        "the event must be a JSON object: the body of a webhook, or {{\"headers\": {{…}}, \"body\": {{…}}}}"
    )]
    NoObject,
    /// Headers that are none.
    #[error("the header `{0}` of the event must be a text or a list of texts")]
    Header(String),
    /// It is not known who sent it or what it is about.
    #[error("{0}")]
    Unclear(String),
    /// A part is missing.
    #[error(
        "the {event} event has no `{path}`; give the complete body of the webhook, or --set {fact}=VALUE"
    )]
    Missing {
        /// What kind of event.
        event: String,
        /// Where in the body.
        path: String,
        /// The fact that cannot be known without it.
        fact: &'static str,
    },
}

impl Event {
    /// Reads the body of a webhook, or an object of `headers` and `body`. `given` headers win over those of the text.
    ///
    /// # Errors
    /// What is no JSON object, is too large or too deep.
    pub fn read(text: &str, given: &[(String, String)]) -> Result<Self, EventError> {
        if text.len() > LARGEST {
            return Err(EventError::TooLarge);
        }
        let json: Json = serde_json::from_str(text).map_err(|e| EventError::Json(e.to_string()))?;
        let Json::Object(fields) = &json else { return Err(EventError::NoObject) };
        let is_wrapper = fields.contains_key("body")
            && fields.get("headers").or_else(|| fields.get("header")).is_none_or(Json::is_object)
            && fields.keys().all(|key| matches!(key.as_str(), "headers" | "header" | "body"));
        let mut event = if is_wrapper {
            wrapped(&json)?
        } else {
            Self { headers: Headers::default(), body: json, raw: Some(text.to_owned()) }
        };
        if !event.body.is_object() {
            return Err(EventError::NoObject);
        }
        for (name, value) in given {
            event.headers.set(name, value);
        }
        Ok(event)
    }

    /// The value at a path of the body (`a.b.0.c`), unless it is null.
    pub(crate) fn at(&self, path: &str) -> Option<&Json> {
        let mut value = &self.body;
        for key in path.split('.') {
            value = match value {
                Json::Array(items) => items.get(key.parse::<usize>().ok()?)?,
                other => other.get(key)?,
            };
        }
        (!value.is_null()).then_some(value)
    }

    /// The text at a path of the body.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.at(path).and_then(Json::as_str)
    }
}

fn wrapped(json: &Json) -> Result<Event, EventError> {
    let mut event = Event::default();
    for (name, value) in
        json["headers"].as_object().or_else(|| json["header"].as_object()).into_iter().flatten()
    {
        let text = match value {
            Json::String(text) => Some(text.as_str()),
            // As Go writes headers.
            Json::Array(values) => values.first().and_then(Json::as_str),
            _ => None,
        };
        event.headers.set(name, text.ok_or_else(|| EventError::Header(name.clone()))?);
    }
    match &json["body"] {
        Json::String(text) => {
            event.body = serde_json::from_str(text).map_err(|e| EventError::Json(e.to_string()))?;
            event.raw = Some(text.clone());
        }
        body => event.body = body.clone(),
    }
    Ok(event)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bodies_wrappers_and_given_headers() {
        let given = [("x-a".to_owned(), "1".to_owned())];
        let event = Event::read(r#"{"a": {"b": [1, {"c": "d"}]}}"#, &given).unwrap();
        assert_eq!((event.headers.get("X-A"), event.text("a.b.1.c")), (Some("1"), Some("d")));
        assert!(event.raw.is_some());
        let event =
            Event::read(r#"{"headers": {"X-A": ["2"], "X-B": "3"}, "body": {"a": 1}}"#, &given).unwrap();
        assert_eq!((event.headers.get("x-a"), event.headers.get("x-b")), (Some("1"), Some("3")));
        assert_eq!(event.raw, None, "the bytes that were signed are not known");
        let event = Event::read(r#"{"headers": {}, "body": "{\"a\": 1}"}"#, &[]).unwrap();
        assert_eq!((event.raw.as_deref(), event.body["a"].as_i64()), (Some("{\"a\": 1}"), Some(1)));
        let event = Event::read(r#"{"body": "text", "id": 1}"#, &[]).unwrap();
        assert_eq!(event.text("body"), Some("text"), "a body that has a field called body");
    }

    #[test]
    fn what_is_no_event() {
        let error = |text: &str| Event::read(text, &[]).unwrap_err();
        assert!(matches!(error("{"), EventError::Json(_)));
        assert_eq!(error("[]"), EventError::NoObject);
        assert_eq!(error(r#"{"body": [], "headers": {}}"#), EventError::NoObject);
        assert_eq!(error(r#"{"body": {}, "headers": {"a": 1}}"#), EventError::Header("a".to_owned()));
        assert!(matches!(error(&"[".repeat(100_000)), EventError::Json(_)), "too deep");
        assert_eq!(error(&" ".repeat(LARGEST + 1)), EventError::TooLarge);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in "\\PC{0,40}|[{}\\[\\]\":,a-z0-9 ]{0,40}") {
            let _ = Event::read(&text, &[]);
        }
    }
}
