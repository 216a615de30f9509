//! Which fields of volumes, workspace bindings and pod templates are substituted.

use serde_json::Value;

use crate::types::core::volume::{
    ConfigMapVolumeSource, CsiVolumeSource, KeyToPath, PersistentVolumeClaimVolumeSource,
    ProjectedVolumeSource, SecretVolumeSource,
};
use crate::types::{PodTemplate, Volume, WorkspaceBinding};

use super::Replacements;
use super::walk::{Replace, Visit};

/// Walks a volume: its name and the names in its source (§2.16).
pub fn volume(volume: &mut Volume, visit: &mut impl Visit) {
    visit.text(&mut volume.name);
    config_map(volume.config_map.as_mut(), visit);
    secret(volume.secret.as_mut(), visit);
    claim(volume.persistent_volume_claim.as_mut(), visit);
    projected(volume.projected.as_mut(), visit);
    csi(volume.csi.as_mut(), visit);
}

/// Walks a workspace binding of a run: its subPath and the names in its source.
pub fn binding(binding: &mut WorkspaceBinding, visit: &mut impl Visit) {
    visit.text(&mut binding.sub_path);
    config_map(binding.config_map.as_mut(), visit);
    secret(binding.secret.as_mut(), visit);
    claim(binding.persistent_volume_claim.as_mut(), visit);
    projected(binding.projected.as_mut(), visit);
    csi(binding.csi.as_mut(), visit);
}

/// Replaces in workspace bindings by one table.
pub fn replace_bindings(bindings: &mut [WorkspaceBinding], table: &Replacements) {
    bindings.iter_mut().for_each(|b| binding(b, &mut Replace(table)));
}

/// A pod template with every text in it replaced, keys of maps too (§2.16); unchanged if a replacement would make it
/// one that cannot be read.
pub fn pod_template(template: &PodTemplate, table: &Replacements) -> PodTemplate {
    serde_json::to_value(template)
        .map(|value| texts(value, table))
        .and_then(serde_json::from_value)
        .unwrap_or_else(|_| template.clone())
}

fn texts(value: Value, table: &Replacements) -> Value {
    match value {
        Value::String(text) => Value::String(table.text(&text)),
        Value::Array(items) => items.into_iter().map(|item| texts(item, table)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (table.text(&key), texts(value, table))).collect()
        }
        other => other,
    }
}

fn config_map(source: Option<&mut ConfigMapVolumeSource>, visit: &mut impl Visit) {
    if let Some(source) = source {
        visit.text(&mut source.name);
        items(&mut source.items, visit);
    }
}

fn secret(source: Option<&mut SecretVolumeSource>, visit: &mut impl Visit) {
    if let Some(source) = source {
        visit.text(&mut source.secret_name);
        items(&mut source.items, visit);
    }
}

fn claim(source: Option<&mut PersistentVolumeClaimVolumeSource>, visit: &mut impl Visit) {
    if let Some(source) = source {
        visit.text(&mut source.claim_name);
    }
}

fn projected(source: Option<&mut ProjectedVolumeSource>, visit: &mut impl Visit) {
    for source in source.into_iter().flat_map(|s| &mut s.sources) {
        for object in [&mut source.secret, &mut source.config_map].into_iter().flatten() {
            visit.text(&mut object.name);
            items(&mut object.items, visit);
        }
        if let Some(token) = &mut source.service_account_token {
            visit.text(&mut token.audience);
        }
    }
}

fn csi(source: Option<&mut CsiVolumeSource>, visit: &mut impl Visit) {
    if let Some(source) = source {
        visit.text(&mut source.driver);
        source.volume_attributes.values_mut().for_each(|v| visit.text(v));
        if let Some(secret) = &mut source.node_publish_secret_ref {
            visit.text(&mut secret.name);
        }
    }
}

fn items(items: &mut [KeyToPath], visit: &mut impl Visit) {
    for item in items {
        visit.text(&mut item.key);
        visit.text(&mut item.path);
    }
}
