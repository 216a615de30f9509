//! Who differs from most others.

use std::collections::BTreeMap;

/// What most have, and who has something else.
pub(super) struct Split<'a> {
    /// What most of them have; of several, what the inherited ones have, and then what the first by name has.
    pub most: &'a str,
    /// Those that have it, by name.
    pub with_most: Vec<&'a str>,
    /// The others, by name, with what they have.
    pub others: Vec<(&'a str, &'a str)>,
}

/// Compares what each has, by name; none when all have the same. `inherited` tells whom the user did not change.
pub(super) fn split<'a>(
    has: &BTreeMap<&'a str, &'a str>,
    inherited: impl Fn(&str) -> bool,
) -> Option<Split<'a>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, what) in has {
        groups.entry(what).or_default().push(name);
    }
    if groups.len() < 2 {
        return None;
    }
    let weight = |names: &[&str]| (names.len(), names.iter().filter(|name| inherited(name)).count());
    let (most, with_most) = groups
        .into_iter()
        .min_by_key(|(_, names)| (std::cmp::Reverse(weight(names)), names.first().copied()))?;
    let others = has.iter().filter(|(_, what)| **what != most).map(|(name, what)| (*name, *what)).collect();
    Some(Split { most, with_most, others })
}

/// ``` `a`, `b` and 3 more ```
pub(super) fn some(names: &[&str]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.len() {
        0..=SHOWN => match shown.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => shown.concat(),
        },
        all => format!("{} and {} more", shown.join(", "), all - SHOWN),
    }
}
