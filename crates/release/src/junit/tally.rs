//! How many cases passed and failed.

use std::collections::HashMap;

use super::{CaseResult, Report};

/// Numbers of tests by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Passed at once.
    pub passed: usize,
    /// Failed or errored, and never passed.
    pub failed: usize,
    /// Not run.
    pub skipped: usize,
    /// Failed and passed: reruns of one test stand in a report as cases of the same name. A flaky test does not fail.
    pub flaky: usize,
}

impl Tally {
    /// All tests.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped + self.flaky
    }
}

/// A test that failed, with the headline of its first problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTest {
    /// `suite: name`, or the name alone.
    pub name: String,
    /// What the first failure says.
    pub message: String,
}

/// Counts the tests of reports and names those that failed, in the order of the reports.
pub fn tally<'a>(reports: impl IntoIterator<Item = &'a Report>) -> (Tally, Vec<FailedTest>) {
    #[derive(Default)]
    struct Runs {
        order: usize,
        passed: bool,
        flaky: bool,
        skipped: bool,
        problem: Option<String>,
    }
    let mut tests: HashMap<(&str, &str, &str), Runs> = HashMap::new();
    for (suite, case) in reports.into_iter().flat_map(Report::cases) {
        let order = tests.len();
        let runs = tests.entry((suite, &case.class, &case.name)).or_insert(Runs { order, ..Runs::default() });
        match &case.result {
            CaseResult::Passed => runs.passed = true,
            CaseResult::Skipped(_) => runs.skipped = true,
            CaseResult::Flaky(_) => runs.flaky = true,
            CaseResult::Failed(problem) | CaseResult::Errored(problem) => {
                runs.problem.get_or_insert_with(|| problem.headline().to_owned());
            }
        }
    }
    let mut tests: Vec<_> = tests.into_iter().collect();
    tests.sort_by_key(|(_, runs)| runs.order);
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    for ((suite, _, name), runs) in tests {
        match runs {
            Runs { passed: true, problem: Some(_), .. } | Runs { flaky: true, .. } => tally.flaky += 1,
            Runs { problem: Some(message), .. } => {
                tally.failed += 1;
                let name = if suite.is_empty() { name.to_owned() } else { format!("{suite}: {name}") };
                failed.push(FailedTest { name, message });
            }
            Runs { passed: true, .. } => tally.passed += 1,
            _ => tally.skipped += 1,
        }
    }
    (tally, failed)
}
