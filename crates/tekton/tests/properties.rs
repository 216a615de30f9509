//! What must hold for any pipeline, any outcome, any text.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use support::*;
use tekton::graph::{Graph, GraphError};
use tekton::next::{Decision, Facts, Request, name};
use tekton::prepare::PreparedPipeline;
use tekton::status::results;
use tekton::substitute::{Replacements, kubernetes, scan};
use tekton::types::{ParamValue, TaskResult};

/// How a task of a made-up pipeline behaves.
#[derive(Debug, Clone)]
struct Node {
    /// Which of the tasks before it wait for: 0 none, 1 by order, 2 by result.
    parents: Vec<u8>,
    ignores_failure: bool,
    guarded: bool,
    /// Among `ok`, `ok:r=1`, `fail`, `fail:r=1`.
    outcome: usize,
}

const OUTCOMES: [&str; 4] = ["ok:r=1", "ok:r=1", "ok", "fail"];

fn node() -> impl Strategy<Value = Node> {
    (prop::collection::vec(0u8..5, 8), prop::bool::weighted(0.2), prop::bool::weighted(0.15), 0usize..4)
        .prop_map(|(parents, ignores_failure, guarded, outcome)| Node {
            parents,
            ignores_failure,
            guarded,
            outcome,
        })
}

fn name_of(i: usize) -> String {
    format!("t{i}")
}

fn waits_for(nodes: &[Node], i: usize) -> Vec<(usize, bool)> {
    (0..i)
        .filter(|p| (1..=2).contains(&nodes[i].parents[p % 8]))
        .map(|p| (p, nodes[i].parents[p % 8] == 2))
        .collect()
}

fn pipeline(nodes: &[Node], finally: usize) -> PreparedPipeline {
    let tasks: Vec<Value> = nodes
        .iter()
        .enumerate()
        .map(|(i, node)| {
            let parents = waits_for(nodes, i);
            let after: Vec<_> =
                parents.iter().filter(|(_, result)| !result).map(|(p, _)| name_of(*p)).collect();
            let params: Vec<_> = parents
                .iter()
                .filter(|(_, result)| *result)
                .map(|(p, _)| json!({"name": format!("p{p}"), "value": format!("$(tasks.t{p}.results.r)")}))
                .collect();
            let guards = json!([{"input": "x", "operator": "in", "values": ["y"]}]);
            task(
                &name_of(i),
                json!({
                    "runAfter": after, "params": params,
                    "when": if node.guarded { guards } else { json!([]) },
                    "onError": if node.ignores_failure { "continue" } else { "" },
                }),
            )
        })
        .collect();
    let finally: Vec<Value> = (0..finally)
        .map(|i| task(&format!("f{i}"), json!({"params": [{"name": "s", "value": "$(tasks.status)"}]})))
        .collect();
    prepared(json!({"tasks": tasks, "finally": finally}))
}

/// Runs a pipeline to its end, ending one running child at a time in the order that `picks` says.
struct Walk<'a> {
    nodes: &'a [Node],
    pipeline: PreparedPipeline,
    facts: Facts,
    started: BTreeSet<String>,
    seen_finally: bool,
}

impl<'a> Walk<'a> {
    fn new(nodes: &'a [Node], finally: usize) -> Self {
        let pipeline = pipeline(nodes, finally);
        Self { nodes, pipeline, facts: Facts::default(), started: BTreeSet::new(), seen_finally: false }
    }

    fn decide(&mut self) -> Decision {
        let decision = decide(&self.pipeline, &self.facts);
        assert_eq!(decision, decide(&self.pipeline, &self.facts), "the same facts, the same decision");
        self.check(&decision);
        for start in &decision.start {
            assert!(self.started.insert(start.name().to_owned()), "{} starts twice", start.name());
            let task = start.name().trim_start_matches("run-").to_owned();
            self.facts.children.push(child(start.name(), &task, "running"));
        }
        decision
    }

    fn check(&mut self, decision: &Decision) {
        let skipped: BTreeSet<&str> = decision.skipped.iter().map(|s| s.name.as_str()).collect();
        let ended = |task: &str| self.facts.children.iter().any(|c| c.task == task && c.outcome.is_some());
        let running = self.facts.children.iter().any(|c| c.outcome.is_none());
        for start in starts(decision) {
            assert!(!skipped.contains(start.as_str()), "{start} is skipped and starts");
            if let Some(i) = start.strip_prefix('t') {
                assert!(!self.seen_finally, "{start} starts behind finally");
                for (parent, _) in waits_for(self.nodes, i.parse().unwrap()) {
                    let parent = name_of(parent);
                    assert!(ended(&parent) || skipped.contains(parent.as_str()), "{start} before {parent}");
                }
            } else {
                assert!(
                    decision.finally && (!running || self.seen_finally),
                    "{start} before the tasks are done"
                );
            }
        }
        for task in &skipped {
            assert!(!self.facts.children.iter().any(|c| c.task == **task), "{task} ran and is skipped");
        }
        if self.seen_finally {
            assert!(decision.finally, "finally is taken back");
        }
        self.seen_finally |= decision.finally;
    }

    fn end_one(&mut self, pick: Index) -> bool {
        let running: Vec<usize> =
            (0..self.facts.children.len()).filter(|i| self.facts.children[*i].outcome.is_none()).collect();
        if running.is_empty() {
            return false;
        }
        let at = running[pick.index(running.len())];
        let task = self.facts.children[at].task.clone();
        let end = match task.strip_prefix('t') {
            Some(i) => OUTCOMES[self.nodes[i.parse::<usize>().unwrap()].outcome],
            None => "ok",
        };
        self.facts.children[at] = child(&self.facts.children[at].name.clone(), &task, end);
        true
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_pipeline_comes_to_its_end_in_order(
        nodes in prop::collection::vec(node(), 1..9),
        finally in 0usize..3,
        picks in prop::collection::vec(any::<Index>(), 40),
    ) {
        let mut walk = Walk::new(&nodes, finally);
        let mut decision = walk.decide();
        for pick in picks {
            if !walk.end_one(pick) {
                break;
            }
            prop_assert!(!decision.state.is_over(), "over while something runs");
            decision = walk.decide();
        }
        prop_assert!(decision.state.is_over(), "{:?}", decision.state);
        prop_assert!(walk.decide().start.is_empty());
        // Every task ends in exactly one way: it ran, or was skipped, or could not run for want of a result.
        let ran: BTreeSet<&str> = walk.facts.children.iter().map(|c| c.task.as_str()).collect();
        let skipped: BTreeSet<&str> = decision.skipped.iter().map(|s| s.name.as_str()).collect();
        prop_assert_eq!(ran.len(), walk.facts.children.len());
        prop_assert!(ran.is_disjoint(&skipped));
        prop_assert_eq!(skipped.len(), decision.skipped.len());
        let left = walk.pipeline.tasks.len() - ran.len() - skipped.len();
        let invalid = decision.state.message.matches("is referenced by task").count();
        prop_assert_eq!(left, invalid, "{}", decision.state.message);
        let finally_ran = ran.iter().filter(|t| t.starts_with('f')).count();
        prop_assert_eq!(finally_ran, finally, "finally runs, whatever happened");
    }

    #[test]
    fn no_request_starts_anything_new_in_the_graph(
        nodes in prop::collection::vec(node(), 1..9),
        picks in prop::collection::vec(any::<Index>(), 0..8),
        request in prop::sample::select(vec![Request::Cancelled, Request::CancelledRunFinally, Request::StoppedRunFinally]),
    ) {
        let mut walk = Walk::new(&nodes, 1);
        walk.decide();
        for pick in picks {
            walk.end_one(pick);
            walk.decide();
        }
        walk.facts.request = Some(request);
        let decision = decide(&walk.pipeline, &walk.facts);
        prop_assert!(starts(&decision).iter().all(|s| s.starts_with('f')));
        let running = walk.facts.children.iter().filter(|c| c.outcome.is_none() && c.task.starts_with('t')).count();
        let cancelled = decision.cancel.iter().filter(|c| c.name.starts_with("run-t")).count();
        let expected = if request == Request::StoppedRunFinally { 0 } else { running };
        prop_assert_eq!(cancelled, expected);
    }

    #[test]
    fn graphs_are_ordered_or_refused(edges in prop::collection::vec((0usize..6, 0usize..6), 0..12)) {
        let parents = |t: usize| edges.iter().filter(move |(child, _)| *child == t).map(|(_, p)| name_of(*p));
        let built = Graph::build((0..6).map(|t| (name_of(t), parents(t))));
        let mut reach: BTreeSet<(usize, usize)> = edges.iter().copied().collect();
        for k in 0..6 {
            for i in 0..6 {
                for j in 0..6 {
                    if reach.contains(&(i, k)) && reach.contains(&(k, j)) {
                        reach.insert((i, j));
                    }
                }
            }
        }
        let cyclic = (0..6).any(|t| reach.contains(&(t, t)));
        match built {
            Ok(graph) => {
                prop_assert!(!cyclic);
                let order = graph.order();
                prop_assert_eq!(order.len(), 6);
                let place = |t: &str| order.iter().position(|o| *o == t);
                for (child, parent) in &edges {
                    prop_assert!(place(&name_of(*parent)) < place(&name_of(*child)));
                }
            }
            Err(GraphError::Cycle { parents, .. }) => prop_assert!(cyclic && !parents.is_empty()),
            Err(other) => prop_assert!(false, "{}", other),
        }
    }

    #[test]
    fn child_names_fit_and_differ(parent in "[a-z][a-z0-9-]{0,80}", task in "[a-z][a-z0-9-]{0,62}", count in 1usize..15) {
        let names = name::children(&parent, &task, count);
        prop_assert!(names.iter().all(|n| n.len() <= 63), "{:?}", names);
        prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), count);
    }
}

/// A piece of text and what becomes of it.
fn piece() -> impl Strategy<Value = (String, String)> {
    prop_oneof![
        "[^$]{0,6}".prop_map(|text| (text.clone(), text)),
        prop::sample::select(vec![
            ("params.a", "A$(params.b)"),
            ("params.b", ""),
            ("tasks.t.results['x.y']", "é")
        ])
        .prop_map(|(key, value)| (format!("$({key})"), value.to_owned())),
        "[a-z. \\[\\]*]{0,8}".prop_map(|key| (format!("$({key}!)"), format!("$({key}!)"))),
        Just(("$$".to_owned(), "$$".to_owned())),
    ]
}

fn table() -> Replacements {
    let mut table = Replacements::new();
    table.string("params.a", "A$(params.b)");
    table.string("params.b", "");
    table.string("tasks.t.results['x.y']", "é");
    table
}

proptest! {
    #[test]
    fn substitution_is_one_pass_and_leaves_the_unknown(pieces in prop::collection::vec(piece(), 0..8)) {
        // `$$` before `(` would make a new reference out of two pieces; nothing else does.
        let text: String = pieces.iter().map(|(t, _)| t.as_str()).collect();
        let expected: String = pieces.iter().map(|(_, e)| e.as_str()).collect();
        prop_assume!(!text.contains("$$("));
        prop_assert_eq!(table().text(&text), expected);
    }

    #[test]
    fn substitution_never_fails(text in "\\PC{0,40}", dollars in "[$()a-z.*\\[\\]'\"0-9]{0,40}") {
        for text in [&text, &dollars] {
            for reference in scan::references(text) {
                let (span, key) = (reference.span.clone(), reference.key);
                prop_assert_eq!(&text[span], format!("$({key})"));
            }
            let nothing = Replacements::new();
            prop_assert_eq!(&nothing.text(text), text);
            prop_assert_eq!(nothing.element(text), vec![text.clone()]);
            table().param_value(&ParamValue::String(text.clone()));
            scan::whole(text);
            let expanded = kubernetes::expand(text, |_| None);
            if !text.contains("$$") {
                prop_assert_eq!(&expanded, text);
            }
        }
    }

    #[test]
    fn any_content_is_a_result_or_a_failure(content in "\\PC{0,30}|[\\[\\]{}\",:a0]{0,20}") {
        let declared: Vec<TaskResult> = serde_json::from_value(json!([
            {"name": "s"}, {"name": "a", "type": "array"}, {"name": "o", "type": "object", "properties": {"k": {}}},
        ])).unwrap();
        let files: BTreeMap<String, String> = ["s", "a", "o"].map(|n| (n.to_owned(), content.clone())).into();
        let read = results::read(&declared, &files, &[]);
        prop_assert_eq!(read.results[0].value.as_str(), Some(content.as_str()));
        prop_assert!(read.failure.is_some(), "one content is not array and object at once");
    }
}
