//! Which pipeline task waits for which.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use thiserror::Error;

/// Why names and edges are no graph; worded as Tekton words it, so that users can search for it (§3.2 #1-#3).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// Two tasks with one name.
    #[error("task {task} is already present in Graph, can't add it again: duplicate pipeline task")]
    Duplicate {
        /// The name.
        task: String,
    },
    /// An edge to a task that is not there.
    #[error(
        "couldn't add link between {task} and {parent}: task {task} depends on {parent} but {parent} wasn't present in Pipeline"
    )]
    Unknown {
        /// The task that waits.
        task: String,
        /// The name that it waits for.
        parent: String,
    },
    /// Tasks that wait for each other.
    #[error("cycle detected; task {task:?} depends on {}", quoted(.parents))]
    Cycle {
        /// The first of them in the alphabet.
        task: String,
        /// Whom it waits for in vain, in the alphabet's order.
        parents: Vec<String>,
    },
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|n| format!("{n:?}")).collect::<Vec<_>>().join(", ")
}

/// Tasks in the order of their declaration, each with the tasks it waits for. Acyclic by construction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    parents: IndexMap<String, Vec<String>>,
}

impl Graph {
    /// Builds the graph from each task's name and the names it waits for (repetitions are fine).
    ///
    /// # Errors
    /// A name that appears twice, an edge to nowhere, a cycle; the first that is met, in this order (§2.18).
    pub fn build<N, P>(tasks: impl IntoIterator<Item = (N, P)>) -> Result<Self, GraphError>
    where
        N: Into<String>,
        P: IntoIterator,
        P::Item: Into<String>,
    {
        let mut parents = IndexMap::new();
        for (task, waits_for) in tasks {
            let task = task.into();
            let mut unique = Vec::new();
            for parent in waits_for {
                let parent = parent.into();
                if !unique.contains(&parent) {
                    unique.push(parent);
                }
            }
            if parents.insert(task.clone(), unique).is_some() {
                return Err(GraphError::Duplicate { task });
            }
        }
        for (task, waits_for) in &parents {
            if let Some(parent) = waits_for.iter().find(|p| !parents.contains_key(*p)) {
                return Err(GraphError::Unknown { task: task.clone(), parent: parent.clone() });
            }
        }
        let graph = Self { parents };
        match graph.interdependent() {
            Some((task, parents)) => Err(GraphError::Cycle { task, parents }),
            None => Ok(graph),
        }
    }

    /// The tasks in the order of their declaration.
    pub fn tasks(&self) -> impl Iterator<Item = &str> {
        self.parents.keys().map(String::as_str)
    }

    /// Whom `task` waits for; nobody for an unknown task.
    pub fn parents(&self, task: &str) -> &[String] {
        self.parents.get(task).map_or(&[], Vec::as_slice)
    }

    /// Whether the task is in the graph.
    pub fn contains(&self, task: &str) -> bool {
        self.parents.contains_key(task)
    }

    /// All that `task` waits for, directly or through others; nobody for an unknown task.
    pub fn ancestors(&self, task: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut next: Vec<&str> = self.parents(task).iter().map(String::as_str).collect();
        while let Some(parent) = next.pop() {
            if found.insert(parent) {
                next.extend(self.parents(parent).iter().map(String::as_str));
            }
        }
        found
    }

    /// The graph of some of the tasks. What waited for one that is not among them waits for those that this one waited for.
    pub fn restricted(&self, keep: impl Fn(&str) -> bool) -> Self {
        let nearest = |task: &str| {
            let mut found: Vec<String> = Vec::new();
            let mut seen = BTreeSet::new();
            let mut next: Vec<&String> = self.parents(task).iter().rev().collect();
            while let Some(parent) = next.pop() {
                if !seen.insert(parent) {
                    continue;
                }
                if keep(parent) {
                    found.push(parent.clone());
                } else {
                    next.extend(self.parents(parent).iter().rev());
                }
            }
            found
        };
        let kept = self.tasks().filter(|task| keep(task));
        Self { parents: kept.map(|task| (task.to_owned(), nearest(task))).collect() }
    }

    /// The tasks such that each stands behind those it waits for; independent ones keep the declared order.
    pub fn order(&self) -> Vec<&str> {
        let mut waiting: IndexMap<&str, usize> =
            self.parents.iter().map(|(t, p)| (t.as_str(), p.len())).collect();
        let children = self.children();
        let mut ordered: Vec<&str> = waiting.iter().filter(|(_, n)| **n == 0).map(|(t, _)| *t).collect();
        let mut next = 0;
        while let Some(done) = ordered.get(next).copied() {
            next += 1;
            for child in children.get(done).into_iter().flatten() {
                if let Some(left) = waiting.get_mut(child) {
                    *left -= 1;
                    if *left == 0 {
                        ordered.push(child);
                    }
                }
            }
        }
        ordered
    }

    fn children(&self) -> BTreeMap<&str, Vec<&str>> {
        let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (task, parents) in &self.parents {
            for parent in parents {
                children.entry(parent).or_default().push(task);
            }
        }
        children
    }

    /// What is left when everything that can ever start is taken away: the first task and its unreachable parents.
    fn interdependent(&self) -> Option<(String, Vec<String>)> {
        let reachable: BTreeSet<&str> = self.order().into_iter().collect();
        let first = self.tasks().filter(|t| !reachable.contains(t)).min()?;
        let mut parents: Vec<String> =
            self.parents(first).iter().filter(|p| !reachable.contains(p.as_str())).cloned().collect();
        parents.sort();
        Some((first.to_owned(), parents))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn build(edges: &[(&str, &[&str])]) -> Result<Graph, GraphError> {
        Graph::build(edges.iter().map(|(t, p)| (*t, p.iter().copied())))
    }

    #[test]
    fn parents_come_first() {
        let graph = build(&[("d", &["b", "c", "b"]), ("a", &[]), ("b", &["a"]), ("c", &["a"])]).unwrap();
        assert_eq!(graph.order(), ["a", "b", "c", "d"]);
        assert_eq!(graph.parents("d"), ["b", "c"]);
        assert_eq!(graph.tasks().collect::<Vec<_>>(), ["d", "a", "b", "c"]);
        assert!(graph.parents("nobody").is_empty());
    }

    #[test]
    fn a_part_keeps_the_order_of_the_whole() {
        let graph =
            build(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["d"])]).unwrap();
        assert_eq!(graph.ancestors("d").into_iter().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(graph.ancestors("a").is_empty());
        let part = graph.restricted(|task| ["a", "c", "e"].contains(&task));
        assert_eq!(part.parents("e"), ["a", "c"]);
        assert_eq!(part.order(), ["a", "c", "e"]);
    }

    #[test]
    fn errors_are_worded_as_upstream() {
        let message = |edges: &[(&str, &[&str])]| build(edges).unwrap_err().to_string();
        assert_eq!(
            message(&[("b", &["c"]), ("a", &["c", "z"]), ("c", &["a"]), ("z", &[])]),
            r#"cycle detected; task "a" depends on "c""#
        );
        assert_eq!(message(&[("a", &["a"])]), r#"cycle detected; task "a" depends on "a""#);
        assert_eq!(
            message(&[("b", &["x"])]),
            "couldn't add link between b and x: task b depends on x but x wasn't present in Pipeline"
        );
        assert_eq!(
            message(&[("a", &[]), ("a", &[])]),
            "task a is already present in Graph, can't add it again: duplicate pipeline task"
        );
    }
}
