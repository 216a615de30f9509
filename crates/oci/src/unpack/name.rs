//! From the name of an entry to a place in the layer.

use super::Limits;

const PREFIX: &[u8] = b".wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";
/// Bookkeeping of AUFS that old layers carry; not part of the image.
const AUFS: &[u8] = b".wh..wh.";

/// Where an entry goes. Paths are relative, without `.`, `..` and empty components; empty for the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The layer's root itself.
    Root,
    /// A file or directory of the layer.
    Object(Path),
    /// Hides this path of the layers below.
    Whiteout(Path),
    /// Hides everything that the layers below have in this directory.
    Opaque(Vec<u8>),
    /// Means nothing.
    Bookkeeping,
}

/// A path and where its last component starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    full: Vec<u8>,
    name_start: usize,
}

impl Path {
    fn new(parent: &[u8], name: &[u8]) -> Self {
        let mut full = parent.to_vec();
        if !full.is_empty() {
            full.push(b'/');
        }
        let name_start = full.len();
        full.extend_from_slice(name);
        Self { full, name_start }
    }

    /// All of it.
    pub(crate) fn full(&self) -> &[u8] {
        &self.full
    }

    /// Without the last component.
    pub(super) fn parent(&self) -> &[u8] {
        &self.full[..self.name_start.saturating_sub(1)]
    }

    /// The last component.
    pub(super) fn name(&self) -> &[u8] {
        &self.full[self.name_start..]
    }
}

/// Where an entry of this name goes (OCI image specification, layer.md, "Whiteouts").
///
/// A slash at the start means the layer's root, as every runtime takes it; some builders write names so.
///
/// # Errors
/// A sentence fragment that says why the name is refused.
pub(crate) fn place(raw: &[u8], limits: &Limits) -> Result<Place, String> {
    let components = components(raw, limits)?;
    let Some((name, parents)) = components.split_last() else { return Ok(Place::Root) };
    if let Some(reserved) = parents.iter().find(|c| c.starts_with(PREFIX)) {
        if reserved.starts_with(AUFS) {
            return Ok(Place::Bookkeeping);
        }
        return Err(format!("`{}` is a whiteout, not a directory", reserved.escape_ascii()));
    }
    let parent = parents.join(&b'/');
    if *name == OPAQUE {
        return Ok(Place::Opaque(parent));
    }
    if name.starts_with(AUFS) {
        return Ok(Place::Bookkeeping);
    }
    match name.strip_prefix(PREFIX) {
        None => Ok(Place::Object(Path::new(&parent, name))),
        Some(b"") => Err("a whiteout of nothing".to_owned()),
        Some(hidden @ (b"." | b"..")) => Err(format!("a whiteout of `{}`", hidden.escape_ascii())),
        Some(hidden) => Ok(Place::Whiteout(Path::new(&parent, hidden))),
    }
}

/// Where a hard link points to: a file of the layer.
///
/// # Errors
/// A sentence fragment that says why the target is refused.
pub(super) fn link_target(raw: &[u8], limits: &Limits) -> Result<Path, String> {
    match place(raw, limits).map_err(|reason| format!("hard link to `{}`: {reason}", raw.escape_ascii()))? {
        Place::Object(path) => Ok(path),
        _ => Err(format!("hard link to `{}`, which cannot be linked to", raw.escape_ascii())),
    }
}

fn components<'a>(raw: &'a [u8], limits: &Limits) -> Result<Vec<&'a [u8]>, String> {
    if raw.len() > limits.path {
        return Err(format!("the name has {} bytes, at most {} are allowed", raw.len(), limits.path));
    }
    if raw.contains(&0) {
        return Err("the name has a NUL byte".to_owned());
    }
    let components: Vec<&[u8]> = raw.split(|b| *b == b'/').filter(|c| !c.is_empty() && *c != b".").collect();
    if components.contains(&&b".."[..]) {
        return Err("`..` in a name can lead out of the layer".to_owned());
    }
    if components.len() > limits.depth {
        return Err(format!("{} directories deep, at most {} are allowed", components.len(), limits.depth));
    }
    // The mark of a whiteout never becomes part of a file's name.
    let length = |c: &[u8]| c.strip_prefix(PREFIX).unwrap_or(c).len();
    match components.iter().find(|c| length(c) > 255) {
        Some(long) => Err(format!("a component of {} bytes, at most 255 are allowed", long.len())),
        None => Ok(components),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Result<Place, String> {
        place(name.as_bytes(), &Limits::default())
    }

    fn object(parent: &str, name: &str) -> Path {
        Path::new(parent.as_bytes(), name.as_bytes())
    }

    #[test]
    fn names_are_taken_relative_to_the_root() {
        for root in ["", ".", "./", "/", "././/"] {
            assert_eq!(of(root), Ok(Place::Root), "{root}");
        }
        for same in ["etc/motd", "./etc/motd", "/etc//motd", "etc/./motd/"] {
            assert_eq!(of(same), Ok(Place::Object(object("etc", "motd"))), "{same}");
        }
        assert_eq!(of("etc"), Ok(Place::Object(object("", "etc"))));
        let path = object("a/b", "c");
        assert_eq!((path.full(), path.parent(), path.name()), (&b"a/b/c"[..], &b"a/b"[..], &b"c"[..]));
    }

    #[test]
    fn whiteouts_hide_exactly_one_thing() {
        assert_eq!(of("etc/.wh.motd"), Ok(Place::Whiteout(object("etc", "motd"))));
        let long = "n".repeat(255);
        assert_eq!(of(&format!("d/.wh.{long}")), Ok(Place::Whiteout(object("d", &long))));
        assert_eq!(of(".wh..hidden"), Ok(Place::Whiteout(object("", ".hidden"))));
        assert_eq!(of("etc/.wh..wh..opq"), Ok(Place::Opaque(b"etc".to_vec())));
        assert_eq!(of(".wh..wh..opq"), Ok(Place::Opaque(Vec::new())));
        for aufs in [".wh..wh.aufs", ".wh..wh.plnk", ".wh..wh.plnk/1.2", ".wh..wh.orph"] {
            assert_eq!(of(aufs), Ok(Place::Bookkeeping), "{aufs}");
        }
    }

    #[test]
    fn names_that_could_leave_or_trick_are_refused() {
        for (name, reason) in [
            ("../x", "`..`"),
            ("a/../../x", "`..`"),
            ("a/..", "`..`"),
            ("/..", "`..`"),
            (".wh.", "whiteout of nothing"),
            (".wh..", "whiteout of `.`"),
            (".wh...", "whiteout of `..`"),
            ("a/.wh...", "whiteout of `..`"),
            (".wh.a/b", "not a directory"),
            ("a\0b", "NUL"),
            (&"a/".repeat(300), "300 directories deep"),
            (&"a".repeat(256), "256 bytes"),
            (&format!(".wh.{}", "a".repeat(256)), "260 bytes"),
            (&"a/".repeat(2048), "4096 bytes"),
        ] {
            let error = of(name).expect_err(name);
            assert!(error.contains(reason), "{name}: {error}");
        }
        let link = |target: &str| link_target(target.as_bytes(), &Limits::default());
        assert!(link("../../etc/shadow").is_err() && link("").is_err() && link(".wh.x").is_err());
        assert_eq!(link("./a/b"), Ok(object("a", "b")));
    }
}
