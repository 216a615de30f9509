//! How long a build will take, from how long its parts took before.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Action, Plan};
use crate::definition::Platform;

/// How long what is built will take.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Estimate {
    /// Seconds for all of it, with as many tasks at a time as were given. What may be reused counts as built.
    pub seconds: f64,
    /// The components that follow each other and together take longest; the rest can be built beside them.
    pub critical_path: Vec<String>,
    /// Seconds for these.
    pub critical_seconds: f64,
    /// Components that were never built here; they count like the average of the others.
    pub unknown: Vec<String>,
}

/// Seconds that components took, by platform and component.
pub type Seconds = BTreeMap<Platform, BTreeMap<String, f64>>;

/// Estimates a plan. `seconds` is how long each component took the last time that it was built; `jobs` is how many tasks run at a
/// time, at least 1.
pub fn estimate(plan: &Plan, seconds: &Seconds, jobs: usize) -> Estimate {
    let known = || seconds.values().flat_map(BTreeMap::values);
    let average = match known().count() {
        0 => 0.0,
        // A precision of 52 bits is plenty for a number of components.
        count => known().sum::<f64>() / f64::from(u32::try_from(count).unwrap_or(u32::MAX)),
    };
    let mut result = Estimate::default();
    let mut total = 0.0;
    /// Seconds until a component is there, and the one that it waits for longest.
    struct End<'a> {
        seconds: f64,
        after: Option<&'a str>,
        title: String,
    }
    let mut ends: BTreeMap<(Platform, &str), End<'_>> = BTreeMap::new();
    for planned in plan.components.iter().filter(|one| matches!(one.action, Action::Build | Action::Maybe)) {
        let (platform, title) = (planned.platform, plan.title(planned));
        let before = seconds.get(&platform).and_then(|here| here.get(&planned.component));
        let own = before.copied().unwrap_or_else(|| {
            result.unknown.push(title.clone());
            average
        });
        total += own;
        let needs = planned.depends_on.iter().map(|need| need.component.as_str());
        let last = needs
            .filter_map(|need| Some((need, ends.get(&(platform, need))?.seconds)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let begin = last.map_or(0.0, |(_, seconds)| seconds);
        let end = End { seconds: begin + own, after: last.map(|(need, _)| need), title };
        ends.insert((platform, &planned.component), end);
    }
    let mut next = ends.iter().max_by(|a, b| a.1.seconds.total_cmp(&b.1.seconds));
    result.critical_seconds = next.map_or(0.0, |(_, end)| end.seconds);
    while let Some(((platform, _), end)) = next {
        result.critical_path.insert(0, end.title.clone());
        next = end.after.and_then(|base| ends.get_key_value(&(*platform, base)));
    }
    let jobs = f64::from(u32::try_from(jobs.max(1)).unwrap_or(u32::MAX));
    result.seconds = result.critical_seconds.max(total / jobs);
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base::Digest;

    use super::*;
    use crate::graph::Edge;
    use crate::plan::{Counts, Dependency, Planned};

    /// Name, fate, and what it depends on.
    type Row<'a> = (&'a str, Action, &'a [(Edge, &'a str)]);

    fn plan(components: &[Row<'_>]) -> Plan {
        let planned = |(name, action, needs): &Row<'_>| Planned {
            component: (*name).to_owned(),
            platform: Platform::Amd64,
            action: *action,
            reasons: Vec::new(),
            inputs: Digest::of(name),
            key: None,
            image: None,
            depends_on: needs
                .iter()
                .map(|(edge, name)| Dependency { component: (*name).to_owned(), edge: *edge })
                .collect(),
            same_repository: Vec::new(),
            prebuilt: None,
            inherited: None,
            held_back: None,
            swap: None,
            weak_keys: None,
            labels: BTreeMap::new(),
        };
        Plan {
            stream: "s".to_owned(),
            platforms: vec![Platform::Amd64],
            components: components.iter().map(planned).collect(),
            counts: Counts::default(),
            payload: BTreeMap::new(),
            stand_ins: BTreeMap::new(),
        }
    }

    fn history(seconds: &[(&str, f64)]) -> Seconds {
        let seconds = seconds.iter().map(|(name, s)| ((*name).to_owned(), *s)).collect();
        BTreeMap::from([(Platform::Amd64, seconds)])
    }

    #[test]
    fn what_follows_each_other_decides_unless_there_is_too_much_beside_it() {
        let plan = plan(&[
            ("base", Action::Build, &[]),
            ("a", Action::Maybe, &[(Edge::Base, "base")]),
            ("b", Action::Maybe, &[(Edge::Operand, "base")]),
            ("there", Action::Reuse, &[(Edge::Base, "base")]),
        ]);
        let history = history(&[("base", 10.0), ("a", 5.0), ("b", 20.0), ("there", 99.0)]);
        let wide = estimate(&plan, &history, 8);
        assert_eq!((wide.seconds, wide.critical_seconds), (30.0, 30.0));
        assert_eq!(wide.critical_path, ["base", "b"]);
        assert_eq!(estimate(&plan, &history, 1).seconds, 35.0);
    }

    #[test]
    fn what_was_never_built_counts_like_the_others() {
        let plan = plan(&[("a", Action::Build, &[]), ("new", Action::Build, &[(Edge::Builder, "a")])]);
        let known = estimate(&plan, &history(&[("a", 4.0), ("b", 8.0)]), 2);
        assert_eq!((known.seconds, known.unknown.as_slice()), (10.0, ["new".to_owned()].as_slice()));
        assert_eq!(estimate(&plan, &BTreeMap::new(), 2).seconds, 0.0);
        assert_eq!(estimate(&self::plan(&[]), &BTreeMap::new(), 0), Estimate::default());
    }
}
