//! The arguments after the question mark.

use axum::http::Uri;

use super::route::percent_decode;

/// The first value of an argument, decoded. A `+` stays a plus sign: no argument of this API has spaces, and media types in
/// `artifactType` come unescaped from some clients.
pub(super) fn argument(uri: &Uri, name: &str) -> Option<String> {
    uri.query()?
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .find(|(key, _)| *key == name)
        .and_then(|(_, value)| percent_decode(value))
}

/// Escapes a value for use in a query.
pub(super) fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, b| {
        if b.is_ascii_alphanumeric() || b"-._~/".contains(&b) {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn arguments_are_decoded() {
        let uri: Uri = "/v2/a?mount=sha256%3Aab&from=x/y&n=&artifactType=application/a+json".parse().unwrap();
        let get = |name| argument(&uri, name);
        assert_eq!(get("mount").as_deref(), Some("sha256:ab"));
        assert_eq!(get("from").as_deref(), Some("x/y"));
        assert_eq!(get("n").as_deref(), Some(""));
        assert_eq!(get("artifactType").as_deref(), Some("application/a+json"));
        assert_eq!(get("last"), None);
        assert_eq!(argument(&"/v2/".parse().unwrap(), "n"), None);
    }

    #[test]
    fn escaping_round_trips() {
        let odd = "a b+c&d=e/é";
        let uri: Uri = format!("/?x={}", escape(odd)).parse().unwrap();
        assert_eq!(argument(&uri, "x").as_deref(), Some(odd));
    }
}
