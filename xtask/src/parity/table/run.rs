//! Runs, workspaces, pods, status.

use super::Level::{Alpha, Beta, Stable};
use super::{Row, differs, not_here, works};

pub(super) const RUNS: &[Row] = &[
    works(
        "`taskRef`, `taskSpec`, `pipelineRef`, `pipelineSpec`",
        Stable,
        &[
            "TaskRunSpec.taskRef",
            "TaskRunSpec.taskSpec",
            "PipelineRunSpec.pipelineRef",
            "PipelineRunSpec.pipelineSpec",
        ],
        &[
            "sw/tests/run/values::a_pipeline_from_several_files_and_standard_input",
            "tekton/tests/validation::pipeline_runs",
            "tekton/tests/validation::task_runs",
        ],
    ),
    works(
        "`params`",
        Stable,
        &["TaskRunSpec.params", "PipelineRunSpec.params"],
        &["sw/tests/run/values::params_by_default_and_from_the_command_line"],
    ),
    works(
        "`timeouts`, `timeout`; zero is for ever",
        Stable,
        &["PipelineRunSpec.timeouts", "TimeoutFields.*", "TaskRunSpec.timeout"],
        &[
            "sw/tests/run/ends::the_time_of_a_step_a_task_and_a_pipeline",
            "tekton/src/prepare/timeouts::what_is_left_open_follows_from_the_rest",
            "tekton/tests/decisions::a_timeout_of_the_tasks_still_runs_finally_and_yet_fails",
        ],
    ),
    works(
        "`retries` of a TaskRun",
        Stable,
        &["TaskRunSpec.retries"],
        &["tekton/src/next/retry::attempts_pile_up_until_the_last"],
    ),
    works(
        "`serviceAccountName`: credentials for git and registries",
        Stable,
        &["TaskRunSpec.serviceAccountName", "PipelineTaskRunTemplate.serviceAccountName"],
        &[
            "sw/tests/run_cel::steps_find_the_credentials_of_their_account",
            "engine/src/local/credentials/tests::passwords_for_git",
            "engine/src/local/credentials/tests::keys_for_ssh",
            "engine/src/local/credentials/tests::registries_are_merged",
        ],
    ),
    works(
        "`taskRunTemplate`, `taskRunSpecs`",
        Stable,
        &[
            "PipelineRunSpec.taskRunTemplate",
            "PipelineTaskRunTemplate.podTemplate",
            "PipelineRunSpec.taskRunSpecs",
            "PipelineTaskRunSpec.pipelineTaskName",
            "PipelineTaskRunSpec.serviceAccountName",
            "PipelineTaskRunSpec.podTemplate",
            "PipelineTaskRunSpec.metadata",
            "PipelineTaskRunSpec.timeout",
        ],
        &["tekton/tests/decisions::a_task_run_is_complete"],
    ),
    works(
        "`stepSpecs`, `sidecarSpecs`, `computeResources` of runs",
        Beta,
        &[
            "TaskRunSpec.stepSpecs",
            "TaskRunSpec.sidecarSpecs",
            "TaskRunSpec.computeResources",
            "PipelineTaskRunSpec.stepSpecs",
            "PipelineTaskRunSpec.sidecarSpecs",
            "PipelineTaskRunSpec.computeResources",
            "TaskRunStepSpec.*",
            "TaskRunSidecarSpec.*",
        ],
        &["tekton/tests/prepare_task::what_the_run_says_about_resources_pods_and_time"],
    ),
    works(
        "`status` of a PipelineRun: `Cancelled`, `CancelledRunFinally`, `StoppedRunFinally`, pending",
        Stable,
        &["PipelineRunSpec.status"],
        &[
            "tekton/tests/decisions::cancels_reach_the_right_children",
            "tekton/tests/stories::cancelled_runs",
            "tekton/tests/decisions::every_condition",
            "tekton/tests/properties::no_request_starts_anything_new_in_the_graph",
        ],
    ),
    not_here(
        "`status` and `statusMessage` of a TaskRun",
        Stable,
        "they are for editing a run that is under way; one that is cancelled already does not start",
        &["TaskRunSpec.status", "TaskRunSpec.statusMessage"],
        &[
            "tekton/tests/validation::task_runs",
            "sw/tests/run/pods::a_task_run_that_is_cancelled_already_does_not_start",
        ],
    ),
    differs(
        "cancel while it runs",
        Stable,
        "nobody can edit the run; Ctrl-C and SIGTERM stop it, finally tasks included",
        &[],
        &[
            "sw/tests/run/ends::ctrl_c_stops_the_run_in_order",
            "sw/tests/run/ends::sigterm_to_the_process_stops_the_run_too",
        ],
    ),
    differs(
        "`debug.breakpoints`",
        Alpha,
        "checked; a step is not stopped for inspection",
        &["TaskRunSpec.debug", "TaskRunDebug.*", "TaskBreakpoints.*"],
        &["tekton/tests/validation::task_runs"],
    ),
    not_here(
        "`managedBy`",
        Stable,
        "there is one engine; another controller's name gives a warning",
        &["PipelineRunSpec.managedBy", "TaskRunSpec.managedBy"],
        &["sw/tests/run/pods::what_has_no_meaning_here_is_said_before_the_run"],
    ),
    works(
        "labels and annotations of the referenced Task and Pipeline",
        Stable,
        &[],
        &["tekton/tests/prepare_task::a_referenced_task_gives_name_labels_and_step_actions"],
    ),
];

pub(super) const WORKSPACES: &[Row] = &[
    works(
        "`emptyDir`",
        Stable,
        &[
            "TaskRunSpec.workspaces",
            "PipelineRunSpec.workspaces",
            "WorkspaceBinding.name",
            "WorkspaceBinding.emptyDir",
        ],
        &["sw/tests/run/workspaces::steps_share_a_workspace_and_a_later_run_does_not_see_it"],
    ),
    works(
        "`persistentVolumeClaim`, kept between runs",
        Stable,
        &["WorkspaceBinding.persistentVolumeClaim"],
        &["sw/tests/run/workspaces::a_named_claim_keeps_its_content_between_runs"],
    ),
    works(
        "`volumeClaimTemplate`, one for each run",
        Stable,
        &["WorkspaceBinding.volumeClaimTemplate"],
        &["sw/tests/run/workspaces::a_claim_template_is_shared_by_the_tasks_of_one_run"],
    ),
    works(
        "`configMap`, `secret`, `projected`",
        Stable,
        &["WorkspaceBinding.configMap", "WorkspaceBinding.secret", "WorkspaceBinding.projected"],
        &["sw/tests/run/workspaces::config_maps_and_secrets_as_files"],
    ),
    works(
        "`subPath`",
        Stable,
        &["WorkspaceBinding.subPath"],
        &[
            "sw/tests/run/workspaces::a_part_of_a_folder_is_only_shown",
            "tekton/tests/prepare_pipeline::what_is_known_is_put_in_before_the_run",
        ],
    ),
    not_here(
        "`csi`",
        Stable,
        "the driver is on a cluster; a run that needs one ends with a message",
        &["WorkspaceBinding.csi"],
        &["tekton/tests/corpus::all_upstream_examples_load_and_round_trip"],
    ),
    works(
        "a default binding of the cluster",
        Stable,
        &[],
        &["tekton/tests/prepare_task::a_default_binding_serves_workspaces_without_one"],
    ),
];

pub(super) const PODS: &[Row] = &[
    works(
        "`env`, `securityContext`, `volumes`",
        Stable,
        &["TaskRunSpec.podTemplate", "PodTemplate.env", "PodTemplate.securityContext", "PodTemplate.volumes"],
        &[
            "tekton/tests/prepare_task::what_the_run_says_about_resources_pods_and_time",
            "sw/tests/run/containers::users_and_privileges",
            "tekton/src/prepare/template::pod_templates_merge",
        ],
    ),
    works(
        "`hostAliases`, `dnsConfig`, `dnsPolicy`",
        Stable,
        &["PodTemplate.hostAliases", "PodTemplate.dnsConfig", "PodTemplate.dnsPolicy"],
        &["sw/tests/run/pods::names_network_devices_and_tokens"],
    ),
    differs(
        "`hostNetwork`, `hostUsers`",
        Stable,
        "steps always share this machine's network",
        &["PodTemplate.hostNetwork", "PodTemplate.hostUsers"],
        &["sw/tests/run/sidecars::probes_of_ports_and_pages"],
    ),
    works(
        "`imagePullSecrets`, of the pod and of the service account; then this user's own credentials",
        Stable,
        &["PodTemplate.imagePullSecrets"],
        &[
            "engine/src/local/credentials/tests::secrets_for_pulling_of_the_pod_win_over_those_of_the_account",
            "oci/tests/client/login::credentials_go_only_where_they_belong",
        ],
    ),
    works(
        "`nodeSelector` with `kubernetes.io/arch`: steps get the image of that processor out of a list, when this machine runs its programs",
        Stable,
        &["PodTemplate.nodeSelector"],
        &[
            "engine/src/local/processor::pods_get_images_for_the_nodes_that_they_ask_for_if_this_machine_runs_them",
        ],
    ),
    not_here(
        "other node selectors, `tolerations`, `affinity`, `runtimeClassName`, `priorityClassName`, `schedulerName`, `topologySpreadConstraints`, `automountServiceAccountToken`, `enableServiceLinks`",
        Stable,
        "scheduling and services of a cluster; accepted",
        &[
            "PodTemplate.tolerations",
            "PodTemplate.affinity",
            "PodTemplate.runtimeClassName",
            "PodTemplate.priorityClassName",
            "PodTemplate.schedulerName",
            "PodTemplate.topologySpreadConstraints",
            "PodTemplate.automountServiceAccountToken",
            "PodTemplate.enableServiceLinks",
        ],
        &[
            "tekton/tests/robust::deep_texts_within_the_limit_are_read",
            "tekton/tests/corpus::all_upstream_examples_load_and_round_trip",
        ],
    ),
];

pub(super) const STATUS: &[Row] = &[
    works(
        "conditions with reasons and messages",
        Stable,
        &[],
        &[
            "tekton/tests/decisions::every_condition",
            "tekton/tests/prepare_task::every_condition_of_a_task_run",
            "sw/tests/failures::failures_end_as_on_a_cluster",
        ],
    ),
    works(
        "`steps`, `sidecars`: exit codes, reasons, termination reasons, image digests",
        Stable,
        &[],
        &["sw/tests/failures::failures_end_as_on_a_cluster", "sw/tests/run/flow::a_step_that_may_fail"],
    ),
    works(
        "`results`, `skippedTasks`, `childReferences`, `retriesStatus`",
        Stable,
        &[],
        &[
            "tekton/tests/simulation::recorded_examples_come_out_as_recorded",
            "tekton/tests/simulation::recorded_failures_come_out_as_recorded",
        ],
    ),
    works(
        "specifications in use, after substitution",
        Stable,
        &[],
        &["tekton/tests/prepare_pipeline::what_is_known_is_put_in_before_the_run"],
    ),
    works(
        "a status that a cluster wrote is read",
        Stable,
        &[],
        &["tekton/tests/loading::what_a_cluster_reports_is_read"],
    ),
];
