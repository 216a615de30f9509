//! Pipelines and their tasks.

use super::Level::{Alpha, Beta, Stable};
use super::{Row, not_here, works};

pub(super) const ROWS: &[Row] = &[
    works(
        "`displayName`, `description`",
        Stable,
        &[
            "PipelineSpec.displayName",
            "PipelineSpec.description",
            "PipelineTask.displayName",
            "PipelineTask.description",
            "PipelineWorkspaceDeclaration.description",
            "PipelineResult.description",
            "EmbeddedTask.displayName",
            "EmbeddedTask.description",
        ],
        &["tekton/tests/prepare_pipeline::what_is_known_is_put_in_before_the_run"],
    ),
    works(
        "`params`; defaults that use other params",
        Stable,
        &["PipelineSpec.params", "PipelineTask.params"],
        &[
            "tekton/src/prepare/pipeline_params::defaults_refer_to_each_other_in_any_order",
            "tekton/src/prepare/pipeline_params::circles_and_chains_and_holes_are_errors",
        ],
    ),
    works(
        "`tasks`, started when their parents are done",
        Stable,
        &["PipelineSpec.tasks", "PipelineTask.name"],
        &[
            "tekton/tests/decisions::what_can_start_starts",
            "tekton/tests/properties::any_pipeline_comes_to_its_end_in_order",
            "sw/tests/run/flow::tasks_run_at_the_same_time",
        ],
    ),
    works(
        "`finally`",
        Stable,
        &["PipelineSpec.finally"],
        &[
            "sw/tests/run/flow::finally_tasks_see_how_the_others_ended",
            "tekton/tests/decisions::finally_sees_how_the_tasks_ended",
        ],
    ),
    works(
        "`workspaces`, optional ones",
        Stable,
        &[
            "PipelineSpec.workspaces",
            "PipelineWorkspaceDeclaration.*",
            "PipelineTask.workspaces",
            "WorkspacePipelineTaskBinding.*",
        ],
        &[
            "tekton/tests/prepare_pipeline::what_is_known_is_put_in_before_the_run",
            "sw/tests/run/workspaces::a_claim_template_is_shared_by_the_tasks_of_one_run",
        ],
    ),
    works(
        "`results`",
        Stable,
        &["PipelineSpec.results", "PipelineResult.name", "PipelineResult.type", "PipelineResult.value"],
        &["tekton/tests/decisions::pipeline_results", "sw/tests/run/values::results_flow_through_a_pipeline"],
    ),
    works(
        "`taskRef` to a Task of the files",
        Stable,
        &["PipelineTask.taskRef", "TaskRef.name", "TaskRef.kind", "TaskRef.apiVersion"],
        &["sw/tests/run/values::a_pipeline_from_several_files_and_standard_input"],
    ),
    works(
        "`taskRef.resolver`, `pipelineRef.resolver`: git, http, bundles, hub, cluster (from the files)",
        Beta,
        &["TaskRef.resolver", "TaskRef.params", "PipelineRef.resolver", "PipelineRef.params"],
        &[
            "sw/tests/remote::what_was_run_is_known_by_commit",
            "sw/tests/remote::references_are_checked_when_asked",
        ],
    ),
    works(
        "`taskSpec` with labels and annotations",
        Stable,
        &[
            "PipelineTask.taskSpec",
            "EmbeddedTask.metadata",
            "EmbeddedTask.params",
            "EmbeddedTask.steps",
            "EmbeddedTask.volumes",
            "EmbeddedTask.stepTemplate",
            "EmbeddedTask.sidecars",
            "EmbeddedTask.workspaces",
            "EmbeddedTask.results",
            "PipelineTaskMetadata.*",
        ],
        &[
            "tekton/tests/decisions::a_task_run_is_complete",
            "tekton/tests/decisions::an_inner_param_hides_an_outer_one",
        ],
    ),
    not_here(
        "custom tasks: `apiVersion` and `kind` of another controller, `taskSpec.spec`",
        Stable,
        "the controller is on a cluster; refused before the run starts, with a message",
        &["EmbeddedTask.spec", "EmbeddedTask.apiVersion", "EmbeddedTask.kind"],
        &[
            "tekton/tests/prepare_task::every_way_to_fail_before_the_first_step",
            "tekton/tests/prepare_pipeline::every_way_to_fail_before_the_first_task",
        ],
    ),
    works(
        "`matrix`, with `include`",
        Beta,
        &["PipelineTask.matrix", "Matrix.*", "IncludeParams.*"],
        &[
            "tekton/src/matrix::the_first_param_varies_fastest",
            "tekton/src/matrix::include_merges_appends_or_disappears",
            "tekton/tests/decisions::a_matrix_fans_out_and_in",
            "sw/tests/run/flow::a_matrix_runs_every_combination",
        ],
    ),
    works(
        "`when`; CEL",
        Stable,
        &["PipelineTask.when"],
        &[
            "sw/tests/run/flow::guards_of_tasks_and_steps",
            "sw/tests/run_cel::guards_decide_what_runs",
            "sw/tests/run_cel::a_guard_without_a_truth_fails_the_run",
        ],
    ),
    works(
        "`runAfter`",
        Stable,
        &["PipelineTask.runAfter"],
        &[
            "tekton/tests/prepare_pipeline::references_to_results_order_tasks",
            "tekton/src/graph::parents_come_first",
        ],
    ),
    works(
        "`retries`",
        Stable,
        &["PipelineTask.retries"],
        &[
            "sw/tests/run/flow::retries_start_afresh_and_count",
            "tekton/src/next/retry::attempts_pile_up_until_the_last",
        ],
    ),
    works(
        "`onError`",
        Beta,
        &["PipelineTask.onError"],
        &[
            "tekton/tests/decisions::failures_that_are_to_be_ignored_are_marked",
            "tekton/tests/decisions::every_condition",
        ],
    ),
    works(
        "`timeout`",
        Stable,
        &["PipelineTask.timeout"],
        &[
            "sw/tests/run/ends::the_time_of_a_step_a_task_and_a_pipeline",
            "tekton/src/prepare/timeouts::of_single_tasks",
        ],
    ),
    works(
        "`pipelineRef`, `pipelineSpec` of a task: pipelines in pipelines",
        Alpha,
        &[
            "PipelineTask.pipelineRef",
            "PipelineTask.pipelineSpec",
            "PipelineRef.name",
            "PipelineRef.apiVersion",
        ],
        &[
            "tekton/tests/decisions::a_pipeline_in_a_pipeline",
            "sw/tests/run/nested::params_workspaces_names_and_logs_reach_the_innermost_task",
            "sw/tests/run/nested::a_timeout_outside_ends_the_tasks_inside",
        ],
    ),
];
