//! Kinds, versions, decoding.

use super::Level::Stable;
use super::{Row, differs, not_here, works};

pub(super) const ROWS: &[Row] = &[
    works(
        "Task, Pipeline, TaskRun, PipelineRun in `tekton.dev/v1`",
        Stable,
        &["Task.*", "Pipeline.*", "TaskRun.*", "PipelineRun.*"],
        &[
            "tekton/tests/corpus::all_upstream_examples_load_and_round_trip",
            "tekton/tests/corpus::okd_coreos_pipeline_loads",
        ],
    ),
    works(
        "the same in `tekton.dev/v1beta1`, converted",
        Stable,
        &[],
        &[
            "tekton/tests/loading::v1beta1_becomes_v1",
            "tekton/tests/loading::places_survive_the_conversion",
            "tekton/tests/messages::what_v1beta1_has_differently_is_explained",
        ],
    ),
    works(
        "StepAction in `v1beta1` and `v1alpha1`",
        Stable,
        &["StepAction.*"],
        &["tekton/tests/prepare_task::a_referenced_task_gives_name_labels_and_step_actions"],
    ),
    differs(
        "`kind: ClusterTask`",
        Stable,
        "Tekton removed it; here it is read as a Task, with a warning",
        &[],
        &["tekton/tests/messages::foreign_and_old_kinds_are_noted"],
    ),
    works(
        "ConfigMap, Secret, ServiceAccount, PersistentVolumeClaim beside them",
        Stable,
        &[],
        &[
            "sw/tests/run/workspaces::config_maps_and_secrets_as_files",
            "sw/tests/run_cel::steps_find_the_credentials_of_their_account",
        ],
    ),
    not_here(
        "other kinds (Triggers, RBAC, LimitRange)",
        Stable,
        "skipped, with a line each",
        &[],
        &["tekton/tests/messages::foreign_and_old_kinds_are_noted"],
    ),
    works(
        "several documents, `List`, `generateName`, JSON",
        Stable,
        &[],
        &[
            "tekton/tests/loading::lists_and_json_are_read",
            "tekton/tests/loading::a_catalog_finds_objects_and_names_runs",
        ],
    ),
    works(
        "keys in any case, the later of two spellings wins",
        Stable,
        &[],
        &["tekton/tests/loading::keys_are_read_in_any_case_and_the_later_wins"],
    ),
    works(
        "unknown fields are refused",
        Stable,
        &[],
        &["tekton/tests/messages::unknown_fields_are_found_all_at_once"],
    ),
    works(
        "values of params and results that are no strings become their JSON text",
        Stable,
        &["Param.*"],
        &["tekton/tests/loading::values_of_params_are_typed_as_tekton_does"],
    ),
    works(
        "YAML 1.1 as Kubernetes reads it: anchors, merge keys, `yes` and `on`",
        Stable,
        &[],
        &["tekton/tests/robust::merge_keys_and_aliases_are_resolved"],
    ),
    works(
        "what admission writes into objects",
        Stable,
        &[],
        &[
            "tekton/src/defaults::a_task_run_gets_what_admission_writes",
            "tekton/src/defaults::a_pipeline_run_gets_what_its_cluster_says",
        ],
    ),
];
