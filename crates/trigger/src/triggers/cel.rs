//! The functions that expressions of Tekton Triggers have.

use base::Source;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use expression::Scope;
use regex::Regex;
use serde_json::{Map, Value as Json, json};

use super::objects::Objects;
use crate::event::Event;
use crate::hmac::same;

/// Variables and functions for an expression about an event. `body` is what earlier interceptors left of it.
pub fn scope(event: &Event, body: &Json, extensions: &Map<String, Json>, objects: &Objects<'_>) -> Scope {
    let header: Map<String, Json> =
        event.headers.iter().map(|(name, value)| (name.to_owned(), json!([value]))).collect();
    let secrets: Vec<(String, Map<String, Json>)> = objects
        .of("Secret")
        .map(|secret| {
            let keys = ["data", "stringData"]
                .into_iter()
                .filter_map(|field| secret.get(field))
                .flat_map(|f| f.node.entries());
            let value = |key: &str| {
                objects.secret(secret.name(), key).and_then(|bytes| String::from_utf8(bytes).ok())
            };
            let known =
                keys.filter_map(|entry| Some((entry.key.clone(), Json::from(value(&entry.key)?)))).collect();
            (secret.name().to_owned(), known)
        })
        .collect();
    Scope::default()
        .variable("body", body.clone())
        .variable("header", Json::Object(header))
        .variable("extensions", Json::Object(extensions.clone()))
        .variable("requestURL", Json::from(""))
        .function("match", |args| {
            Ok(json!(of_header(args)?.is_some_and(|v| Some(v) == args.get(2).and_then(Json::as_str))))
        })
        .function("canonical", |args| Ok(json!(of_header(args)?.unwrap_or_default())))
        .function("truncate", truncate)
        .function("compareSecret", move |args| compare_secret(args, &secrets))
        .function("parseJSON", |args| {
            serde_json::from_str(text(args, 0)?).map_err(|e| format!("the text is no JSON: {e}"))
        })
        .function("parseYAML", |args| {
            let nodes = tekton::yaml::parse(&Source::new("text", text(args, 0)?))
                .map_err(|e| format!("the text is no YAML: {e}"))?;
            Ok(nodes.first().map(tekton::yaml::Node::to_json).unwrap_or_default())
        })
        .function("parseURL", |args| url(text(args, 0)?))
        .function("marshalJSON", |args| match args {
            [value @ (Json::Object(_) | Json::Array(_))] => Ok(Json::from(value.to_string())),
            _ => Err("it is called on a map or a list".to_owned()),
        })
        .function("decodeb64", |args| {
            let bytes = STANDARD.decode(text(args, 0)?).map_err(|e| format!("the text is no base64: {e}"))?;
            String::from_utf8(bytes)
                .map(Json::from)
                .map_err(|_| "what is in the base64 is no text".to_owned())
        })
        .function("first", |args| ends(args, <[Json]>::first))
        .function("last", |args| ends(args, <[Json]>::last))
        .function("translate", |args| {
            let pattern = Regex::new(text(args, 1)?).map_err(|e| e.to_string().replace('\n', " "))?;
            Ok(Json::from(pattern.replace_all(text(args, 0)?, text(args, 2)?).into_owned()))
        })
}

fn text(args: &[Json], at: usize) -> Result<&str, String> {
    args.get(at).and_then(Json::as_str).ok_or_else(|| match at {
        0 => "it is called on a text".to_owned(),
        at => format!("argument {at} must be a text"),
    })
}

/// The first value of a header of `header.match(name, …)`.
fn of_header(args: &[Json]) -> Result<Option<&str>, String> {
    let name = text(args, 1)?;
    let headers = args.first().and_then(Json::as_object).ok_or("it is called on `header`")?;
    let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    Ok(found.and_then(|(_, values)| values.get(0)).and_then(Json::as_str))
}

fn truncate(args: &[Json]) -> Result<Json, String> {
    let length = args.get(1).and_then(Json::as_u64).ok_or("its argument must be a length")?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Json::from(text(args, 0)?.chars().take(length).collect::<String>()))
}

fn compare_secret(args: &[Json], secrets: &[(String, Map<String, Json>)]) -> Result<Json, String> {
    let (given, key, name) = (text(args, 0)?, text(args, 1)?, text(args, 2)?);
    let value = secrets.iter().find(|(known, _)| known == name).and_then(|(_, keys)| keys.get(key)?.as_str());
    let value = value.ok_or_else(|| format!("the files have no Secret `{name}` with the key `{key}`"))?;
    Ok(json!(same(given.as_bytes(), value.as_bytes())))
}

fn ends(args: &[Json], end: fn(&[Json]) -> Option<&Json>) -> Result<Json, String> {
    let list = args.first().and_then(Json::as_array).ok_or("it is called on a list")?;
    end(list).cloned().ok_or_else(|| "the list is empty".to_owned())
}

/// The parts of an address (RFC 3986, appendix B).
fn url(text: &str) -> Result<Json, String> {
    let parts =
        Regex::new(r"^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?$")
            .map_err(|e| e.to_string())?;
    let parts = parts.captures(text).ok_or("the text is no address")?;
    let part = |n| parts.get(n).map_or("", |m| m.as_str());
    let (user, host) = part(2).rsplit_once('@').map_or((None, part(2)), |(user, host)| (Some(user), host));
    let (mut lists, mut joined) = (Map::new(), Map::new());
    for (name, value) in
        part(4).split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")))
    {
        let (name, value) = (unescaped(name), unescaped(value));
        if let Json::Array(values) = lists.entry(name.clone()).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
        let text = joined
            .entry(name)
            .and_modify(|known| *known = json!(format!("{},{value}", known.as_str().unwrap_or_default())));
        text.or_insert_with(|| json!(value));
    }
    let mut url = json!({"scheme": part(1).to_ascii_lowercase(), "host": host, "path": unescaped_path(part(3)), "rawQuery": part(4),
        "fragment": part(5), "queryStrings": lists, "query": joined});
    if let Some(user) = user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        url["auth"] = json!({"username": unescaped_path(name), "password": unescaped_path(password)});
    }
    Ok(url)
}

fn unescaped(text: &str) -> String {
    unescaped_path(&text.replace('+', " "))
}

fn unescaped_path(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use expression::evaluate;

    use super::*;
    use crate::outcome::Place;

    #[test]
    fn functions_of_tekton_triggers() {
        let body = r#"{"sha": "abcdef", "j": "{\"a\": 1}", "y": "k: [v]", "b": "aGk=", "list": [1, 2], "t": "A B-9"}"#;
        let event = Event::read(body, &[("X-Token".to_owned(), "s3cret".to_owned())]).unwrap();
        let source = Source::new(
            "s",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: tok}\nstringData: {k: s3cret}\n",
        );
        let nodes = tekton::yaml::parse(&source).unwrap();
        let mut objects = Objects::default();
        objects.add(Place { node: &nodes[0], source: &source });
        let scope = scope(&event, &event.body, &Map::new(), &objects);
        for (expression, expected) in [
            ("header.match('x-token', 's3cret') && !header.match('x-token', 'S3cret')", json!(true)),
            ("header.canonical('x-TOKEN') + header.canonical('none')", json!("s3cret")),
            ("header['X-Token'][0]", json!("s3cret")),
            ("body.sha.truncate(3) + body.sha.truncate(30)", json!("abcabcdef")),
            ("header.canonical('X-Token').compareSecret('k', 'tok')", json!(true)),
            ("'x'.compareSecret('k', 'tok', 'namespace')", json!(false)),
            ("body.j.parseJSON().a == 1.0 && body.y.parseYAML().k[0] == 'v'", json!(true)),
            ("body.b.decodeb64()", json!("hi")),
            ("body.list.first() + body.list.last()", json!(3)),
            ("body.list.marshalJSON()", json!("[1,2]")),
            ("body.t.translate('[^a-z]', '')", json!("")),
            ("body.t.lowerAscii().split('-')[1]", json!("9")),
            (
                "'https://u:p%40@e.com/a%20b?q=1&q=x+y#f'.parseURL()",
                json!({"auth": {"password": "p@", "username": "u"},
                "fragment": "f", "host": "e.com", "path": "/a b", "query": {"q": "1,x y"}, "queryStrings": {"q": ["1", "x y"]},
                "rawQuery": "q=1&q=x+y", "scheme": "https"}),
            ),
        ] {
            assert_eq!(evaluate(expression, &scope), Ok(expected), "{expression}");
        }
        let missing = evaluate("'x'.compareSecret('k', 'none')", &scope).unwrap_err().to_string();
        assert_eq!(missing, "compareSecret: the files have no Secret `none` with the key `k`");
    }
}
