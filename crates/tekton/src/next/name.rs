//! Names of children, as a cluster gives them.

use md5::{Digest, Md5};

/// The longest name that Kubernetes takes where a DNS label is wanted.
const LONGEST: usize = 63;
/// Hexadecimal digits of an MD5 sum.
const HASH: usize = 32;
/// What remains beside the hash.
const HEAD: usize = LONGEST - HASH;

/// `parent` followed by `suffix`, shortened with the MD5 sum of the parent (or, for a suffix of 31 bytes and more, of
/// both) when that is longer than 63 bytes (§2.18; Knative's ChildName).
pub fn child(parent: &str, suffix: &str) -> String {
    if parent.len() + suffix.len() <= LONGEST {
        return format!("{parent}{suffix}");
    }
    if suffix.len() < HEAD {
        return format!("{}{}{suffix}", cut(parent, HEAD - suffix.len()), hash(&[parent]));
    }
    let mut name = format!("{}{}", cut(parent, HEAD), hash(&[parent, suffix]));
    let room = LONGEST - name.len();
    name.push_str(cut(suffix, room));
    name.truncate(name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
    name
}

/// The names of a pipeline task's runs: `<run>-<task>`, and for more than one `<run>-<task>-<i>` (§2.18, §2.23).
pub fn children(run: &str, task: &str, count: usize) -> Vec<String> {
    if count == 1 {
        return vec![child(run, &format!("-{task}"))];
    }
    (0..count)
        .map(|i| {
            let number = format!("-{i}");
            let name = child(run, &format!("-{task}{number}"));
            if name.ends_with(&number) {
                return name;
            }
            // The number was cut off: shorten the name without it, then put it behind.
            let room = LONGEST - format!("-{count}").len();
            format!("{}{number}", cut(&child(run, &format!("-{task}")), room))
        })
        .collect()
}

fn cut(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn hash(parts: &[&str]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(part);
    }
    md5.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_names() {
        assert_eq!(
            child("pipelinerun-with-taskspec-to-echo-good-morning", "-echo-good-morning"),
            "pipelinerun-w751a71d69f8b700dfb9682b9f58363d2-echo-good-morning"
        );
        assert_eq!(child("run", "-task"), "run-task");
    }

    #[test]
    fn a_suffix_as_long_as_the_room_is_hashed_with_the_parent() {
        let name = child(&"p".repeat(40), &format!("-{}", "s".repeat(40)));
        assert_eq!(name.len(), 63);
        assert!(name.starts_with(&"p".repeat(31)), "{name}");
        let short = child("p", &format!("-{}", "s".repeat(70)));
        assert_eq!((short.len(), short.starts_with('p'), short.ends_with('s')), (63, true, true));
    }

    #[test]
    fn a_matrix_is_numbered() {
        assert_eq!(children("r", "t", 1), ["r-t"]);
        assert_eq!(children("r", "t", 3), ["r-t-0", "r-t-1", "r-t-2"]);
        let long = children("r", &"t".repeat(62), 12);
        assert!(long.iter().all(|n| n.len() <= 63));
        assert!(long[0].ends_with("-0") && long[11].ends_with("-11"), "{long:?}");
        let mut unique = long.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), 12);
    }
}
