//! What steps inherit: the step template and the pod template's environment (§2.4, §2.5).

use std::collections::BTreeSet;

use crate::types::core::volume::VolumeMount;
use crate::types::{EnvVar, PodTemplate, ResourceRequirements, SecurityContext, Step, StepTemplate};

use super::Settings;

/// Lays a step over the template: a text of the step wins when it is not empty, env merges by name, mounts by path,
/// resources by key, the security context by field; other lists of the step replace the template's as a whole. A step
/// with a script keeps the template's args but not its command.
pub(super) fn apply(template: &StepTemplate, step: &mut Step) {
    inherit(&mut step.image, &template.image);
    inherit(&mut step.working_dir, &template.working_dir);
    inherit(&mut step.image_pull_policy, &template.image_pull_policy);
    if step.script.is_empty() {
        inherit_list(&mut step.command, &template.command);
    }
    if step.args.is_none() && !template.args.is_empty() {
        step.args = Some(template.args.clone());
    }
    inherit_list(&mut step.env_from, &template.env_from);
    inherit_list(&mut step.volume_devices, &template.volume_devices);
    step.env = merge_env(&template.env, &step.env);
    step.volume_mounts = merge_mounts(&template.volume_mounts, &step.volume_mounts);
    resources(&mut step.compute_resources, &template.compute_resources);
    step.security_context = security(template.security_context.as_ref(), step.security_context.as_ref());
}

fn inherit(own: &mut String, template: &str) {
    if own.is_empty() {
        template.clone_into(own);
    }
}

fn inherit_list<T: Clone>(own: &mut Vec<T>, template: &[T]) {
    if own.is_empty() {
        *own = template.to_vec();
    }
}

/// `base` with the variables of `over` replaced in place or added behind.
pub(super) fn merge_env(base: &[EnvVar], over: &[EnvVar]) -> Vec<EnvVar> {
    let mut merged = base.to_vec();
    for variable in over {
        match merged.iter_mut().find(|v| v.name == variable.name) {
            Some(same) => *same = variable.clone(),
            None => merged.push(variable.clone()),
        }
    }
    merged
}

/// `base` with the mounts of `over` replacing those at the same path.
pub(super) fn merge_mounts(base: &[VolumeMount], over: &[VolumeMount]) -> Vec<VolumeMount> {
    let mut merged = base.to_vec();
    for mount in over {
        match merged.iter_mut().find(|m| m.mount_path == mount.mount_path) {
            Some(same) => *same = mount.clone(),
            None => merged.push(mount.clone()),
        }
    }
    merged
}

/// Adds the requests and limits that are not set.
pub(super) fn resources(own: &mut ResourceRequirements, base: &ResourceRequirements) {
    for (key, amount) in &base.limits {
        own.limits.entry(key.clone()).or_insert_with(|| amount.clone());
    }
    for (key, amount) in &base.requests {
        own.requests.entry(key.clone()).or_insert_with(|| amount.clone());
    }
    inherit_list(&mut own.claims, &base.claims);
}

fn security(base: Option<&SecurityContext>, own: Option<&SecurityContext>) -> Option<SecurityContext> {
    let (Some(base), Some(own)) = (base, own) else { return own.or(base).cloned() };
    let own = own.clone();
    let base = base.clone();
    Some(SecurityContext {
        capabilities: own.capabilities.or(base.capabilities),
        privileged: own.privileged.or(base.privileged),
        se_linux_options: own.se_linux_options.or(base.se_linux_options),
        windows_options: if own.windows_options.is_null() {
            base.windows_options
        } else {
            own.windows_options
        },
        run_as_user: own.run_as_user.or(base.run_as_user),
        run_as_group: own.run_as_group.or(base.run_as_group),
        run_as_non_root: own.run_as_non_root.or(base.run_as_non_root),
        read_only_root_filesystem: own.read_only_root_filesystem.or(base.read_only_root_filesystem),
        allow_privilege_escalation: own.allow_privilege_escalation.or(base.allow_privilege_escalation),
        proc_mount: own.proc_mount.or(base.proc_mount),
        seccomp_profile: own.seccomp_profile.or(base.seccomp_profile),
        app_armor_profile: own.app_armor_profile.or(base.app_armor_profile),
    })
}

/// The settings of the pod: the run's, over those of the administrator; env and volumes merge by name.
pub(super) fn pod(run: Option<&PodTemplate>, settings: &Settings) -> PodTemplate {
    let mut pod = merge_pods(run, settings.pod_template.as_ref()).unwrap_or_default();
    let forbidden: &BTreeSet<String> = &settings.forbidden_env;
    pod.env.retain(|v| !forbidden.contains(&v.name));
    pod
}

/// One pod template over another (§2.5): env and volumes merge by name, every other field that is set wins.
pub(crate) fn merge_pods(over: Option<&PodTemplate>, base: Option<&PodTemplate>) -> Option<PodTemplate> {
    let (Some(over), Some(base)) = (over, base) else { return over.or(base).cloned() };
    let mut merged = base.clone();
    merged.env = merge_env(&base.env, &over.env);
    merged.volumes.retain(|v| !over.volumes.iter().any(|o| o.name == v.name));
    merged.volumes.extend(over.volumes.iter().cloned());
    fn set<T: Clone + Default + PartialEq>(merged: &mut T, over: &T) {
        if *over != T::default() {
            merged.clone_from(over);
        }
    }
    macro_rules! set {
        ($($field:ident)*) => { $( set(&mut merged.$field, &over.$field); )* };
    }
    set!(node_selector tolerations affinity security_context runtime_class_name automount_service_account_token
        dns_policy dns_config enable_service_links priority_class_name scheduler_name image_pull_secrets host_aliases
        host_network host_users topology_spread_constraints);
    Some(merged)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    fn merged(template: Value, step: Value) -> Value {
        let mut step: Step = serde_json::from_value(step).unwrap();
        apply(&serde_json::from_value(template).unwrap(), &mut step);
        serde_json::to_value(step).unwrap()
    }

    #[test]
    fn a_step_is_laid_over_the_template() {
        let template = json!({
            "image": "t", "command": ["tc"], "args": ["ta"], "workingDir": "/t",
            "env": [{"name": "A", "value": "t"}, {"name": "B", "value": "t"}],
            "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}],
            "computeResources": {"limits": {"cpu": "1", "memory": "1Gi"}},
            "securityContext": {"runAsUser": 1, "privileged": true},
        });
        let step = json!({
            "image": "s", "args": ["sa"],
            "env": [{"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "C", "value": "s"}],
            "volumeMounts": [{"name": "own", "mountPath": "/b"}],
            "computeResources": {"limits": {"cpu": "2"}},
            "securityContext": {"runAsUser": 2},
        });
        assert_eq!(
            merged(template, step),
            json!({
                "image": "s", "command": ["tc"], "args": ["sa"], "workingDir": "/t",
                "env": [
                    {"name": "A", "value": "t"},
                    {"name": "B", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "C", "value": "s"},
                ],
                "computeResources": {"limits": {"cpu": "2", "memory": "1Gi"}},
                "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "own", "mountPath": "/b"}],
                "securityContext": {"privileged": true, "runAsUser": 2},
            })
        );
    }

    #[test]
    fn a_script_drops_the_command_and_empty_args_reset() {
        let template = json!({"image": "t", "command": ["tc"], "args": ["ta"]});
        assert_eq!(
            merged(template.clone(), json!({"script": "x"})),
            json!({"image": "t", "args": ["ta"], "script": "x"})
        );
        assert_eq!(
            merged(template, json!({"args": []})),
            json!({"image": "t", "command": ["tc"], "args": []})
        );
    }

    #[test]
    fn pod_templates_merge() {
        let of = |v: Value| serde_json::from_value::<PodTemplate>(v).unwrap();
        let over = of(json!({"env": [{"name": "A", "value": "o"}], "hostNetwork": true}));
        let base = of(
            json!({"env": [{"name": "A", "value": "b"}, {"name": "B", "value": "b"}], "schedulerName": "s"}),
        );
        let merged = merge_pods(Some(&over), Some(&base)).unwrap();
        assert_eq!(
            serde_json::to_value(merged).unwrap(),
            json!({"env": [{"name": "A", "value": "o"}, {"name": "B", "value": "b"}], "schedulerName": "s", "hostNetwork": true})
        );
        let settings = Settings {
            forbidden_env: ["A".to_owned()].into(),
            pod_template: Some(base),
            ..Settings::default()
        };
        assert_eq!(pod(Some(&over), &settings).env, [EnvVar::new("B", "b")]);
    }
}
