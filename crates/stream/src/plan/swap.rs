//! A base that may be exchanged under an image that is there, instead of building it again.

use std::collections::BTreeMap;

use base::Digest;
use serde::Serialize;

use super::Newest;

/// A base that is another image than the one an image stands on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Swap {
    /// Its name, as the Containerfile writes it.
    pub base: String,
    /// The image that the component's stands on.
    pub from: Digest,
    /// The one that it would be built on now.
    pub to: Digest,
}

impl Swap {
    /// The one base in which `old`, an image of the same inputs, differs from what is there now. None when it differs in more, or in one
    /// that is not among `allowed`.
    pub fn between(
        old: &Newest,
        bases: &BTreeMap<&str, Digest>,
        operands: &BTreeMap<&str, Digest>,
        allowed: &[String],
    ) -> Option<Self> {
        let same_names = |old: &BTreeMap<String, Digest>, new: &BTreeMap<&str, Digest>| {
            old.len() == new.len() && old.keys().all(|name| new.contains_key(name.as_str()))
        };
        if !same_names(&old.bases, bases)
            || !same_names(&old.operands, operands)
            || old.operands.iter().any(|(name, image)| operands.get(name.as_str()) != Some(image))
        {
            return None;
        }
        let mut found = old.bases.iter().filter_map(|(name, from)| {
            let to = *bases.get(name.as_str())?;
            (to != *from).then(|| Self { base: name.clone(), from: *from, to })
        });
        let swap = found.next()?;
        (found.next().is_none() && allowed.contains(&swap.base)).then_some(swap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_base_that_may_be_and_nothing_else() {
        let digest = |text: &str| Digest::of(text);
        let old = Newest {
            image: digest("image"),
            bases: BTreeMap::from([("base".to_owned(), digest("1")), ("go".to_owned(), digest("go"))]),
            operands: BTreeMap::from([("etcd".to_owned(), digest("etcd"))]),
        };
        let allowed = ["base".to_owned(), "other".to_owned()];
        let between = |bases: &[(&'static str, &'static str)], operands: &[(&'static str, &'static str)]| {
            let images =
                |all: &[(&'static str, &'static str)]| all.iter().map(|(n, d)| (*n, digest(d))).collect();
            Swap::between(&old, &images(bases), &images(operands), &allowed)
        };
        let etcd = [("etcd", "etcd")];
        let swap = Swap { base: "base".to_owned(), from: digest("1"), to: digest("2") };
        assert_eq!(between(&[("base", "2"), ("go", "go")], &etcd), Some(swap));
        assert_eq!(between(&[("base", "1"), ("go", "go")], &etcd), None, "nothing differs");
        assert_eq!(between(&[("base", "2"), ("go", "newer")], &etcd), None, "two differ");
        assert_eq!(between(&[("base", "1"), ("go", "newer")], &etcd), None, "it may not be");
        assert_eq!(between(&[("base", "2"), ("go", "go")], &[("etcd", "newer")]), None, "an operand differs");
        assert_eq!(between(&[("base", "2")], &etcd), None, "another set of bases");
    }
}
