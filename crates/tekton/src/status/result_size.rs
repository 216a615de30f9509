//! Whether a cluster could pass on the results of a task (§2.10): here there is no limit, there is one there.

use crate::prepare::settings::ResultTransport;
use crate::types::RunResult;

/// What a container may say at its end, in bytes.
const LAST_WORDS: usize = 4096;
/// What all containers of a pod may say together; each gets the same part of it.
const POD_WORDS: usize = 12 << 10;
/// What compressed last words may unpack to. How well they compress is not known before.
const UNPACKED_WORDS: usize = 128 << 10;
/// What Tekton's entrypoint always says.
const STARTED: &str = r#"{"key":"StartedAt","value":"2006-01-02T15:04:05.000Z","type":3}"#;

/// What every pod has beside the containers of its task: one copies the entrypoint, one places scripts.
const TEKTONS_OWN: usize = 2;

/// Results as they leave a pod.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// Of the task. The last step says them all, and so does every one before it from the moment they are written.
    pub task: &'a [RunResult],
    /// Of each step, in order, with its name.
    pub steps: &'a [(&'a str, &'a [RunResult])],
    /// How many sidecars the task has.
    pub sidecars: usize,
}

/// Why a cluster could not pass these results on, for people; nothing when it can.
pub fn too_large(leaving: Leaving<'_>, transport: ResultTransport) -> Option<String> {
    match transport {
        ResultTransport::SidecarLogs { limit } => {
            let all = leaving.steps.iter().flat_map(|(_, results)| *results).chain(leaving.task);
            let (result, size) = all.map(|r| (r, logged(r))).max_by_key(|(_, size)| *size)?;
            (size > limit).then(|| {
                format!(
                    "result {:?} takes {size} bytes, and this cluster takes {limit}: the task would fail there; write \
                     less, or raise max-result-size in the ConfigMap feature-flags",
                    result.name
                )
            })
        }
        ResultTransport::TerminationMessage { compressed } => {
            let containers = leaving.steps.len() + leaving.sidecars + TEKTONS_OWN;
            let limit = if compressed { UNPACKED_WORDS } else { LAST_WORDS.min(POD_WORDS / containers) };
            let last = leaving.steps.len().checked_sub(1)?;
            let said = |(i, (name, own)): (usize, &(&'_ str, &'_ [RunResult]))| {
                let task = if i == last { leaving.task } else { &[] };
                (last_words(own.iter().chain(task)), (*name).to_owned())
            };
            let (size, step) = leaving.steps.iter().enumerate().map(said).max()?;
            (size > limit).then(|| {
                format!(
                    "step {step:?} leaves {size} bytes of results, and a cluster takes {limit} from each of the \
                     {containers} containers of this pod: the step would fail there; write less, or set results-from: \
                     sidecar-logs in the ConfigMap feature-flags"
                )
            })
        }
    }
}

/// Bytes of a container's last words with these results, names and punctuation included.
fn last_words<'a>(results: impl Iterator<Item = &'a RunResult>) -> usize {
    // {"key":…,"value":…,"type":1} each, with a comma before and brackets around all.
    let each = |r: &RunResult| {
        r#",{"key":,"value":,"type":1}"#.len() + quoted(&r.name) + quoted(&r.value.to_string())
    };
    "[]".len() + STARTED.len() + results.map(each).sum::<usize>()
}

/// Bytes of a result's line in the log of a sidecar.
fn logged(result: &RunResult) -> usize {
    r#"{"name":,"value":,"type":"task"}"#.len() + quoted(&result.name) + quoted(&result.value.to_string())
}

/// Bytes of a text in JSON.
fn quoted(text: &str) -> usize {
    serde_json::Value::from(text).to_string().len()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MESSAGE: ResultTransport = ResultTransport::TerminationMessage { compressed: false };

    fn result(name: &str, bytes: usize) -> RunResult {
        RunResult { name: name.into(), r#type: None, value: "x".repeat(bytes).as_str().into() }
    }

    fn told(task: &[RunResult], steps: usize, transport: ResultTransport) -> Option<String> {
        let steps: Vec<(&str, &[RunResult])> = (0..steps).map(|_| ("s", [].as_slice())).collect();
        too_large(Leaving { task, steps: &steps, sidecars: 0 }, transport)
    }

    #[test]
    fn last_words_are_counted_as_they_are_said() {
        let said = format!(r#"[{STARTED},{{"key":"r","value":"a\nb","type":1}}]"#);
        let results = [RunResult { name: "r".into(), r#type: None, value: "a\nb".into() }];
        assert_eq!(last_words(results.iter()), said.len());
    }

    #[test]
    fn one_container_says_little_and_many_say_less() {
        assert_eq!(told(&[result("r", 3900)], 1, MESSAGE), None);
        insta::assert_snapshot!(told(&[result("r", 4096)], 1, MESSAGE).unwrap(), @r#"step "s" leaves 4193 bytes of results, and a cluster takes 4096 from each of the 3 containers of this pod: the step would fail there; write less, or set results-from: sidecar-logs in the ConfigMap feature-flags"#);
        assert_eq!(told(&[result("r", 600)], 12, MESSAGE), None);
        insta::assert_snapshot!(told(&[result("r", 900)], 12, MESSAGE).unwrap(), @r#"step "s" leaves 997 bytes of results, and a cluster takes 877 from each of the 14 containers of this pod: the step would fail there; write less, or set results-from: sidecar-logs in the ConfigMap feature-flags"#);
        assert_eq!(
            told(&[result("r", 60_000)], 1, ResultTransport::TerminationMessage { compressed: true }),
            None
        );
    }

    #[test]
    fn the_log_of_a_sidecar_limits_each_result() {
        let results = [result("a", 3000), result("b", 5000)];
        assert_eq!(told(&results, 1, ResultTransport::SidecarLogs { limit: 8192 }), None);
        insta::assert_snapshot!(told(&results, 1, ResultTransport::SidecarLogs { limit: 4096 }).unwrap(), @r#"result "b" takes 5037 bytes, and this cluster takes 4096: the task would fail there; write less, or raise max-result-size in the ConfigMap feature-flags"#);
    }
}
