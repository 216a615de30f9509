//! Patterns in which `*` stands for anything, also for nothing, and every other character for itself.

/// Whether `text` is what `pattern` says, in time that grows with both lengths only.
pub fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("su", "su", true),
            ("su", "sudo", false),
            ("*", "", true),
            ("python*", "python3.13", true),
            ("/usr/*/su", "/usr/bin/su", true),
            ("/usr/*/su", "/opt/usr/bin/su", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("ab*b", "ab", false),
            ("debian", "debian", true),
            ("debian", "debian:12", false),
            ("debian*", "debian:12", true),
            ("*/tools/*:latest", "r.io/a/tools/x:latest", true),
            ("*/tools/*:latest", "r.io/a/tools/x:1", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
