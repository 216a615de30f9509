//! What happens when it runs, and what admission says.

use super::Level::{Alpha, Beta, Stable};
use super::{Row, differs, works};

pub(super) const ROWS: &[Row] = &[
    works(
        "substitution in its passes, one scan each, unknown references stay",
        Stable,
        &[],
        &[
            "tekton/tests/prepare_task::the_passes_follow_each_other",
            "tekton/tests/properties::substitution_is_one_pass_and_leaves_the_unknown",
            "tekton/src/substitute/scan::a_replacement_is_not_scanned_again",
        ],
    ),
    works(
        "every spelling of a reference; arrays and objects as a whole",
        Stable,
        &[],
        &[
            "tekton/src/substitute/table::every_spelling_of_a_param",
            "tekton/src/substitute/table::arrays_are_spliced_only_when_alone",
            "tekton/src/substitute/table::a_value_takes_the_type_of_what_it_refers_to",
        ],
    ),
    works(
        "`$(VAR)` and `$$` of Kubernetes in command, args and env",
        Stable,
        &[],
        &["tekton/src/substitute/kubernetes::the_kubernetes_rules"],
    ),
    works(
        "propagation of params, workspaces and results to inline specs",
        Stable,
        &[],
        &[
            "tekton/tests/decisions::an_inner_param_hides_an_outer_one",
            "tekton/tests/simulation::recorded_examples_come_out_as_recorded",
        ],
    ),
    works(
        "edges of the graph from results and `runAfter`",
        Stable,
        &[],
        &["tekton/tests/prepare_pipeline::references_to_results_order_tasks"],
    ),
    works(
        "every reason for skipping a task, in its order",
        Stable,
        &[],
        &[
            "tekton/tests/decisions::every_reason_for_skipping_a_task_of_the_graph",
            "tekton/tests/decisions::every_reason_for_skipping_a_finally_task",
            "tekton/tests/decisions::timeouts_as_reasons",
            "tekton/tests/decisions::stopping_takes_over_reasons_that_were_given_before",
            "tekton/tests/stories::one_task_fails_and_finally_looks_at_everything",
        ],
    ),
    works(
        "a result that a succeeded task did not give fails the run",
        Stable,
        &[],
        &["tekton/tests/decisions::a_result_that_a_succeeded_task_did_not_give_is_a_mistake"],
    ),
    works(
        "`tasks.T.status`, `tasks.T.reason`, `tasks.status` in finally",
        Stable,
        &[],
        &["tekton/tests/decisions::finally_sees_how_the_tasks_ended"],
    ),
    works(
        "results of a matrix in the order of names as texts, `matrix.length`",
        Beta,
        &[],
        &[
            "tekton/tests/decisions::results_of_many_children_are_in_the_order_of_names_as_texts",
            "tekton/tests/decisions::a_matrix_fans_out_and_in",
        ],
    ),
    works(
        "timeouts are retried, cancels are not; each attempt is fresh",
        Stable,
        &[],
        &[
            "tekton/src/next/retry::neither_success_nor_cancel_is_retried",
            "sw/tests/run/flow::retries_start_afresh_and_count",
        ],
    ),
    works(
        "a timeout of the pipeline ends all, one of the tasks runs finally",
        Stable,
        &[],
        &[
            "tekton/tests/stories::late_runs",
            "tekton/tests/decisions::a_timeout_of_the_whole_ends_everything_at_once",
            "tekton/tests/decisions::a_timeout_of_the_tasks_still_runs_finally_and_yet_fails",
        ],
    ),
    works(
        "names of children, hashed beyond 63 characters",
        Stable,
        &[],
        &["tekton/src/next/name::recorded_names", "tekton/tests/properties::child_names_fit_and_differ"],
    ),
    works(
        "folders below `/tekton`, writable where Tekton says",
        Stable,
        &[],
        &["sw/tests/run/containers::folders_of_tekton_are_writable_where_tekton_says_so"],
    ),
    works(
        "`HOME` is the user's; credentials are copied into it",
        Stable,
        &[],
        &[
            "sw/tests/run_cel::steps_find_the_credentials_of_their_account",
            "engine/src/local/hand_over::copies_are_for_the_user_only_and_replace_what_was_there",
        ],
    ),
    works(
        "a missing Secret, ConfigMap or image of any step fails the task before its first step",
        Stable,
        &[],
        &[
            "sw/tests/run_bad_input::a_missing_secret_and_an_image_that_nobody_has",
            "sw/tests/failures::tasks_that_cannot_start",
        ],
    ),
    differs(
        "results beyond 4096 bytes",
        Stable,
        "they work, with a warning; a cluster fails the step",
        &[],
        &[
            "tekton/src/status/result_size::one_container_says_little_and_many_say_less",
            "sw/tests/run/cluster::results_too_large_for_a_cluster_give_one_warning_and_a_green_run",
        ],
    ),
    works(
        "artifacts: `$(artifacts.path)`, `$(steps.S.outputs.A)`, `$(tasks.T.outputs.A)`",
        Alpha,
        &[],
        &[
            "sw/tests/run/artifacts::artifacts_are_passed_on_and_shown",
            "sw/tests/run/artifacts::what_is_no_artifact_is_told_and_not_passed_on",
            "tekton/tests/prepare_task::the_passes_follow_each_other",
            "tekton/src/substitute/step_results::results_of_earlier_steps_reach_command_args_env_and_guards",
        ],
    ),
    differs(
        "one pod, one network for each task",
        Stable,
        "steps share this machine's network: two tasks cannot listen on one port",
        &[],
        &["sw/tests/run/sidecars::probes_of_ports_and_pages"],
    ),
    differs(
        "hermetic execution",
        Alpha,
        "each step has a loopback of its own, where a cluster gives them one",
        &[],
        &["sw/tests/run/pods::names_network_devices_and_tokens"],
    ),
];

pub(super) const ADMISSION: &[Row] = &[
    works(
        "verdicts, messages and paths of Tekton's webhook",
        Stable,
        &[],
        &[
            "tekton/tests/admission::verdicts_messages_and_paths_are_those_of_tekton",
            "tekton/tests/validation::tasks",
            "tekton/tests/validation::pipelines",
        ],
    ),
    works(
        "gates of `enable-api-fields` and of single features",
        Stable,
        &[],
        &["tekton/tests/validation::features_that_a_cluster_has_not_turned_on"],
    ),
    works(
        "what a controller refuses before the first task",
        Stable,
        &[],
        &["tekton/tests/prepare_pipeline::every_way_to_fail_before_the_first_task"],
    ),
    works(
        "what a controller refuses before the first step",
        Stable,
        &[],
        &["tekton/tests/prepare_task::every_way_to_fail_before_the_first_step"],
    ),
];
