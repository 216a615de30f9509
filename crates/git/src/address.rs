//! What may be fetched from: addresses of repositories.

use std::path::Path;

/// The transports that git may use.
pub const PROTOCOLS: [&str; 5] = ["file", "git", "http", "https", "ssh"];

/// Whether the address is one of a repository on this machine: a path or `file://`.
pub fn is_local(url: &str) -> bool {
    url.starts_with("file://") || (!url.contains("://") && (is_path(url) || Path::new(url).is_dir()))
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') || text.starts_with("./") || text.starts_with("../") || matches!(text, "." | "..")
}

/// Whether git may be given this address: `https://…`, `ssh://…`, `user@host:path`, a path, and so on. Options, transports
/// that run programs and control characters are not.
///
/// # Errors
/// Why not, for people.
pub fn check(url: &str) -> Result<(), String> {
    let problem = match () {
        () if url.is_empty() => "it is empty".to_owned(),
        () if url.starts_with('-') => "it begins with `-`".to_owned(),
        () if url.chars().any(char::is_control) => "it has control characters".to_owned(),
        () if url.split('/').next().is_some_and(|start| start.contains("::")) => {
            "transports that run programs (`name::…`) are not allowed".to_owned()
        }
        () => match url.split_once("://") {
            Some((scheme, _)) if !PROTOCOLS.contains(&scheme) => {
                format!("`{scheme}` is none of {}", PROTOCOLS.join(", "))
            }
            None if !is_local(url) && !url.contains(':') => {
                "there is no such folder, and it has no scheme such as https://".to_owned()
            }
            _ => return Ok(()),
        },
    };
    Err(format!("`{}` is not an address of a git repository: {problem}", redacted(url)))
}

/// Whether this is the name of a branch, tag or commit: what git would read as an option, a range or a pattern is not.
pub fn is_revision(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('-')
        && !text.contains("..")
        && !text.contains("@{")
        && !text.contains(|c: char| c.is_control() || " ~^:?*[\\+".contains(c))
}

/// Whether this is a whole commit id, SHA-1 or SHA-256.
pub fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// `https://host:port` of an http address, without user and path.
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    (matches!(scheme, "http" | "https") && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// The server of an address, with its port when one is written; the address itself when it has none.
pub fn host(url: &str) -> &str {
    let (authority, port) = match url.split_once("://") {
        Some((_, rest)) => (rest.split(['/', '?', '#']).next().unwrap_or(rest), true),
        // `user@host:path`
        None => (url, false),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if port { host } else { host.split(':').next().unwrap_or(host) };
    if host.is_empty() { url } else { host }
}

/// The address without a password that is written in it.
pub fn redacted(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        // The user of ssh is part of the address; that of http may be a token.
        Some((user, host)) if scheme == "ssh" && !user.contains(':') => {
            format!("{scheme}://{user}@{host}{}", &rest[end..])
        }
        Some((_, host)) => format!("{scheme}://{host}{}", &rest[end..]),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_run_programs_or_are_options_are_refused() {
        for bad in
            ["", "--upload-pack=touch x", "ext::sh -c x", "ftp://h/x", "nowhere", "https://h/\nx", "fd::3"]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
        for good in [
            "https://h/x.git",
            "git@h:a/b",
            "ssh://git@h:22/x",
            "/srv/x",
            "./x",
            "file:///x",
            "http://[::1]/x",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        let told = check("ftp://user:hunter2@h/x").err().unwrap_or_default();
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[test]
    fn passwords_are_not_shown() {
        assert_eq!(redacted("https://me:secret@h:1/x@y"), "https://h:1/x@y");
        assert_eq!(redacted("https://secret@h/x"), "https://h/x");
        assert_eq!(redacted("ssh://git@h/x"), "ssh://git@h/x");
        assert_eq!(redacted("git@h:x"), "git@h:x");
        assert_eq!(origin("https://u:p@h:1/x").as_deref(), Some("https://h:1"));
        assert_eq!(origin("ssh://h/x"), None);
        for (url, server) in [
            ("https://me:secret@h:1/x@y", "h:1"),
            ("ssh://git@h/x", "h"),
            ("git@h:a/b.git", "h"),
            ("git://[::1]:9418/x", "[::1]:9418"),
        ] {
            assert_eq!(host(url), server);
        }
    }

    #[test]
    fn revisions_are_names() {
        for good in ["main", "v1.0", "refs/heads/a/b", "a@b", "HEAD"] {
            assert!(is_revision(good), "{good}");
        }
        for bad in ["", "--all", "a..b", "a:b", "+a", "a^", "x*", "a b", "a@{1}"] {
            assert!(!is_revision(bad), "{bad}");
        }
    }
}
