//! Tasks, steps, sidecars, step actions.

use super::Level::{Alpha, Beta, Stable};
use super::{Row, differs, not_here, works};

pub(super) const TASKS: &[Row] = &[
    works(
        "`displayName`, `description`",
        Stable,
        &[
            "TaskSpec.displayName",
            "TaskSpec.description",
            "ParamSpec.description",
            "TaskResult.description",
            "StepResult.description",
            "WorkspaceDeclaration.description",
        ],
        &["tekton/tests/corpus::all_upstream_examples_load_and_round_trip"],
    ),
    works(
        "`params`: strings, arrays, objects, defaults, inferred types",
        Stable,
        &["TaskSpec.params", "ParamSpec.name", "ParamSpec.type", "ParamSpec.default"],
        &[
            "sw/tests/run/values::params_by_default_and_from_the_command_line",
            "tekton/src/types/param::the_type_is_inferred_from_properties_then_default",
            "tekton/src/prepare/params::defaults_are_overlaid_and_refer_one_level_deep",
        ],
    ),
    works(
        "`params[].properties`",
        Stable,
        &["ParamSpec.properties", "PropertySpec.*"],
        &[
            "tekton/src/prepare/params::what_does_not_fit",
            "tekton/tests/prepare_task::every_way_to_fail_before_the_first_step",
        ],
    ),
    works(
        "`params[].enum`",
        Alpha,
        &["ParamSpec.enum"],
        &[
            "tekton/tests/prepare_task::every_way_to_fail_before_the_first_step",
            "tekton/tests/validation::tasks",
        ],
    ),
    works(
        "`steps` in their order",
        Stable,
        &["TaskSpec.steps"],
        &["sw/tests/run/flow::fifty_steps_in_order"],
    ),
    works(
        "`volumes`: emptyDir, configMap, secret, projected, persistentVolumeClaim",
        Stable,
        &["TaskSpec.volumes"],
        &[
            "sw/tests/run/workspaces::config_maps_and_secrets_as_files",
            "sw/tests/run/workspaces::a_named_claim_keeps_its_content_between_runs",
            "sw/tests/run/containers::secrets_never_reach_the_disk",
        ],
    ),
    works("`volumes[].downwardAPI`", Stable, &[], &["engine/src/local/downward::fields"]),
    works(
        "`stepTemplate`, merged as Kubernetes does",
        Stable,
        &["TaskSpec.stepTemplate", "StepTemplate.*"],
        &[
            "tekton/src/prepare/template::a_step_is_laid_over_the_template",
            "tekton/src/prepare/template::a_script_drops_the_command_and_empty_args_reset",
            "sw/tests/run/containers::environment_from_objects_templates_and_the_step",
        ],
    ),
    works(
        "`sidecars`",
        Stable,
        &["TaskSpec.sidecars"],
        &["sw/tests/run/sidecars::steps_wait_for_sidecars_and_sidecars_end_with_them"],
    ),
    works(
        "`workspaces`: path, mountPath, readOnly, optional",
        Stable,
        &["TaskSpec.workspaces", "WorkspaceDeclaration.*"],
        &[
            "tekton/tests/prepare_task::workspaces_are_mounted_where_they_belong",
            "sw/tests/run/workspaces::steps_share_a_workspace_and_a_later_run_does_not_see_it",
        ],
    ),
    works(
        "`results`: strings, arrays, objects; content as it is",
        Stable,
        &["TaskSpec.results", "TaskResult.name", "TaskResult.type", "TaskResult.properties"],
        &[
            "sw/tests/run/values::results_are_what_steps_wrote",
            "tekton/src/status/results::contents_are_taken_as_they_are",
            "tekton/src/status/results::what_is_not_as_declared_fails_the_run_and_is_left_out",
        ],
    ),
    works(
        "`results[].value` forwards a step's result",
        Stable,
        &["TaskResult.value"],
        &["sw/tests/run/flow::guards_of_tasks_and_steps"],
    ),
];

pub(super) const STEPS: &[Row] = &[
    works(
        "`name`; unnamed steps are numbered",
        Stable,
        &["Step.name", "Step.displayName"],
        &["tekton/src/prepare/container::unnamed_steps_are_numbered"],
    ),
    works(
        "`image`, `command`, `args`; entry point and Cmd of the image",
        Stable,
        &["Step.image", "Step.command", "Step.args"],
        &[
            "sw/tests/run/containers::what_cannot_be_executed_fails_the_step_with_words",
            "tekton/src/substitute/kubernetes::the_kubernetes_rules",
        ],
    ),
    works(
        "`script`, with and without `#!`",
        Stable,
        &["Step.script"],
        &[
            "sw/tests/run/containers::scripts_and_working_directories",
            "tekton/src/prepare/container::scripts_without_interpreter_get_one",
        ],
    ),
    works(
        "`workingDir`, made when it is missing",
        Stable,
        &["Step.workingDir"],
        &[
            "sw/tests/run/containers::scripts_and_working_directories",
            "tekton/src/prepare/paths::relative_working_dirs_are_below_workspace",
        ],
    ),
    works(
        "`env`, `envFrom`, `valueFrom`",
        Stable,
        &["Step.env", "Step.envFrom"],
        &["sw/tests/run/containers::environment_from_objects_templates_and_the_step"],
    ),
    works(
        "`volumeMounts`",
        Stable,
        &["Step.volumeMounts"],
        &["engine/src/local/pod::own_mounts_replace_implicit_ones_and_parents_come_first"],
    ),
    not_here(
        "`volumeDevices`",
        Stable,
        "block devices come from a cluster's storage; the field is accepted",
        &["Step.volumeDevices"],
        &["tekton/tests/messages::unknown_fields_are_found_all_at_once"],
    ),
    differs(
        "`imagePullPolicy`",
        Stable,
        "`Never` holds; `Always` takes what is in the store too",
        &["Step.imagePullPolicy"],
        &["sw/tests/run/pods::an_image_that_must_not_be_pulled_is_not"],
    ),
    works(
        "`securityContext`: user, groups, capabilities, read-only root, privileged, runAsNonRoot",
        Stable,
        &["Step.securityContext"],
        &[
            "sw/tests/run/containers::users_and_privileges",
            "sw/tests/run/containers::root_is_refused_where_the_task_forbids_it",
        ],
    ),
    differs(
        "`computeResources`",
        Stable,
        "limits of cpu and memory hold where the machine can; requests reserve nothing",
        &["Step.computeResources"],
        &[
            "tekton/tests/prepare_task::what_the_run_says_about_resources_pods_and_time",
            "sw/tests/run/limits::limits_reach_the_control_group_and_too_much_memory_ends_the_step",
        ],
    ),
    works(
        "`timeout`",
        Stable,
        &["Step.timeout"],
        &["sw/tests/run/ends::the_time_of_a_step_a_task_and_a_pipeline"],
    ),
    works(
        "`onError`",
        Stable,
        &["Step.onError"],
        &[
            "sw/tests/run/flow::a_step_that_may_fail",
            "tekton/src/prepare/container::on_error_is_one_of_two_words",
        ],
    ),
    works(
        "`ref` to a step action of the files, `params`",
        Stable,
        &["Step.ref", "Step.params", "StepRef.name"],
        &["tekton/tests/prepare_task::a_referenced_task_gives_name_labels_and_step_actions"],
    ),
    works(
        "`ref.resolver`",
        Beta,
        &["StepRef.resolver", "StepRef.params"],
        &["sw/tests/remote::a_vendored_folder_needs_nothing_else"],
    ),
    works(
        "`results` of steps",
        Stable,
        &["Step.results", "StepResult.name", "StepResult.type", "StepResult.properties"],
        &[
            "sw/tests/run/values::results_are_what_steps_wrote",
            "tekton/src/substitute/step_results::results_of_earlier_steps_reach_command_args_env_and_guards",
        ],
    ),
    works(
        "`when`; CEL",
        Stable,
        &["Step.when", "WhenExpression.*"],
        &[
            "sw/tests/run/flow::guards_of_tasks_and_steps",
            "sw/tests/run_cel::guards_decide_what_runs",
            "tekton/src/when::in_and_notin",
        ],
    ),
    works(
        "`workspaces`: only for the steps that list them",
        Beta,
        &["Step.workspaces", "WorkspaceUsage.*"],
        &["tekton/tests/prepare_task::workspaces_are_mounted_where_they_belong"],
    ),
    works(
        "`stdoutConfig`, `stderrConfig`",
        Alpha,
        &["Step.stdoutConfig", "Step.stderrConfig", "StepOutputConfig.*"],
        &["sw/tests/run/containers::scripts_and_working_directories"],
    ),
];

pub(super) const SIDECARS: &[Row] = &[
    works(
        "container fields and `script`",
        Stable,
        &[
            "Sidecar.name",
            "Sidecar.image",
            "Sidecar.command",
            "Sidecar.args",
            "Sidecar.workingDir",
            "Sidecar.env",
            "Sidecar.envFrom",
            "Sidecar.volumeMounts",
            "Sidecar.securityContext",
            "Sidecar.script",
            "Sidecar.imagePullPolicy",
        ],
        &["sw/tests/run/sidecars::steps_wait_for_sidecars_and_sidecars_end_with_them"],
    ),
    works(
        "`readinessProbe`, `startupProbe`: exec, httpGet, tcpSocket",
        Stable,
        &["Sidecar.readinessProbe", "Sidecar.startupProbe"],
        &[
            "sw/tests/run/sidecars::probes_of_ports_and_pages",
            "sw/tests/run/sidecars::a_sidecar_that_never_gets_ready_ends_with_the_task_s_time",
        ],
    ),
    works(
        "a sidecar that fails by itself does not fail the task",
        Stable,
        &[],
        &["sw/tests/run/sidecars::a_sidecar_that_fails_by_itself_does_not_fail_the_task"],
    ),
    works(
        "`workspaces`",
        Beta,
        &["Sidecar.workspaces"],
        &["tekton/tests/prepare_task::workspaces_are_mounted_where_they_belong"],
    ),
    not_here(
        "`ports`",
        Stable,
        "steps and sidecars share a network; nothing has to be opened",
        &["Sidecar.ports"],
        &["sw/tests/run/sidecars::probes_of_ports_and_pages"],
    ),
    not_here(
        "`livenessProbe`, `lifecycle`, `restartPolicy`, `terminationMessage*`, `stdin*`, `tty`, `volumeDevices`, `computeResources`",
        Stable,
        "accepted; a sidecar lives as long as its task, is not restarted and has no terminal",
        &[
            "Sidecar.livenessProbe",
            "Sidecar.lifecycle",
            "Sidecar.restartPolicy",
            "Sidecar.terminationMessagePath",
            "Sidecar.terminationMessagePolicy",
            "Sidecar.stdin",
            "Sidecar.stdinOnce",
            "Sidecar.tty",
            "Sidecar.volumeDevices",
            "Sidecar.computeResources",
        ],
        &["tekton/tests/corpus::all_upstream_examples_load_and_round_trip"],
    ),
];

pub(super) const STEP_ACTIONS: &[Row] = &[
    works(
        "all fields",
        Stable,
        &["StepActionSpec.*"],
        &[
            "tekton/tests/prepare_task::a_referenced_task_gives_name_labels_and_step_actions",
            "tekton/src/prepare/step_action::values_over_defaults_in_the_actions_fields",
            "tekton/tests/validation::step_actions",
        ],
    ),
    works(
        "params: defaults, values, results of earlier steps",
        Stable,
        &[],
        &[
            "tekton/src/prepare/step_action::results_of_earlier_steps_are_passed_on",
            "tekton/src/prepare/step_action::params_that_do_not_fit",
        ],
    ),
];
