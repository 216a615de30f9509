//! How a registry wants to be told who is asking: `WWW-Authenticate` (RFC 9110 §11.6.1; Docker token authentication).

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password with every request.
    Basic,
    /// A token from a token service.
    Bearer {
        /// Where tokens are had.
        realm: String,
        /// Whom the token is for.
        service: Option<String>,
        /// What it must allow, when the registry says it.
        scope: Option<String>,
    },
}

impl Challenge {
    /// From the values of the `WWW-Authenticate` headers; a token is preferred when both ways are offered.
    pub(super) fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for header in headers {
            let header = header.trim();
            let (scheme, rest) = header.split_once(' ').unwrap_or((header, ""));
            if scheme.eq_ignore_ascii_case("bearer") {
                let mut parameters = parameters(rest);
                let mut take = |name: &str| {
                    let at = parameters.iter().position(|(key, _)| key.eq_ignore_ascii_case(name))?;
                    Some(parameters.swap_remove(at).1).filter(|value| !value.is_empty())
                };
                if let Some(realm) = take("realm") {
                    return Some(Self::Bearer { realm, service: take("service"), scope: take("scope") });
                }
            } else if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            }
        }
        basic
    }
}

/// `a="x, y",b=z` as pairs; stops at what it does not understand.
fn parameters(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((key, after)) = rest.trim_start_matches([',', ' ', '\t']).split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match unquote(quoted) {
                Some(pair) => pair,
                None => break,
            },
            None => {
                let end = after.find([',', ' ']).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        found.push((key.trim().to_owned(), value));
        rest = after;
    }
    found
}

/// Reads up to the closing quote; gives the text and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' => value.push(characters.next()?.1),
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let text = |t: Option<&str>| t.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: text(service), scope: text(scope) }
    }

    #[test]
    fn real_challenges() {
        let parse = |header| Challenge::parse([header]);
        assert_eq!(
            parse(
                r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#
            ),
            Some(bearer(
                "https://auth.docker.io/token",
                Some("registry.docker.io"),
                Some("repository:a/b:pull,push")
            ))
        );
        assert_eq!(
            parse("bearer realm=https://r/t, service=x"),
            Some(bearer("https://r/t", Some("x"), None))
        );
        assert_eq!(parse(r#"Bearer service="",realm="a\"b""#), Some(bearer("a\"b", None, None)));
        assert_eq!(parse(r#"Basic realm="Registry""#), Some(Challenge::Basic));
        assert_eq!(parse("Basic"), Some(Challenge::Basic));
        for nothing in ["", "Negotiate", "Bearer", r#"Bearer realm="unclosed"#, "Bearer service=x"] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
        assert_eq!(
            Challenge::parse(["Basic realm=x", "Bearer realm=\"y\""]),
            Some(bearer("y", None, None)),
            "a token is preferred"
        );
    }
    proptest::proptest! {
        /// What a registry sends is anything.
        #[test]
        fn anything_is_read(header in "(Bearer |Basic )?[ -~é\\PC]{0,80}") {
            if let Some(Challenge::Bearer { realm, .. }) = Challenge::parse([&*header]) {
                proptest::prop_assert!(!realm.is_empty());
            }
        }
    }
}
