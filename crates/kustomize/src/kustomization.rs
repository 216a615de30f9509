//! The fields of a `kustomization.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::field_spec::FieldSpec;
use crate::selector::{Selector, SourceSelector};

/// A kustomization or component. Fields that are always refused are read as any value.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are documented in docs/reference/kustomize.md")]
pub struct Kustomization {
    pub api_version: String,
    pub kind: String,
    pub metadata: Option<Value>,
    pub resources: Vec<String>,
    pub bases: Vec<String>,
    pub components: Vec<String>,
    pub namespace: String,
    pub name_prefix: String,
    pub name_suffix: String,
    pub labels: Vec<Labels>,
    pub common_labels: BTreeMap<String, String>,
    pub common_annotations: BTreeMap<String, String>,
    pub images: Vec<Image>,
    pub replicas: Vec<Replicas>,
    pub patches: Vec<Patch>,
    pub patches_strategic_merge: Vec<String>,
    pub patches_json6902: Vec<Patch>,
    pub config_map_generator: Vec<Generator>,
    pub secret_generator: Vec<Generator>,
    pub generator_options: GeneratorOptions,
    pub replacements: Vec<Replacement>,
    pub configurations: Vec<String>,
    pub sort_options: Option<SortOptions>,
    pub build_metadata: Vec<String>,
    pub vars: Option<Value>,
    pub crds: Option<Value>,
    pub openapi: Option<Value>,
    pub helm_charts: Option<Value>,
    pub helm_globals: Option<Value>,
    pub helm_chart_inflation_generator: Option<Value>,
    pub transformers: Option<Value>,
    pub generators: Option<Value>,
    pub validators: Option<Value>,
    pub inventory: Option<Value>,
}

/// `labels`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Labels {
    /// What is set.
    pub pairs: BTreeMap<String, String>,
    /// Also in selectors and templates.
    pub include_selectors: bool,
    /// Also in templates.
    pub include_templates: bool,
    /// Also here.
    pub fields: Vec<FieldSpec>,
}

/// `images`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// The name as it stands in the objects, without tag and digest.
    pub name: String,
    /// Instead of the name.
    pub new_name: String,
    /// Instead of tag and digest.
    pub new_tag: String,
    /// Behind the tag that is there.
    pub tag_suffix: String,
    /// Instead of tag and digest.
    pub digest: String,
}

/// `replicas`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Replicas {
    /// Of the Deployment, StatefulSet, …
    pub name: String,
    /// How many.
    pub count: i64,
}

/// `patches` and `patchesJson6902`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Patch {
    /// A file.
    pub path: String,
    /// The patch itself.
    pub patch: String,
    /// What it is for.
    pub target: Option<Selector>,
    /// What else it may do.
    pub options: PatchOptions,
}

/// What a patch may do besides.
#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PatchOptions {
    /// Change the name.
    pub allow_name_change: bool,
    /// Change the kind.
    pub allow_kind_change: bool,
}

/// `configMapGenerator` and `secretGenerator`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are documented in docs/reference/kustomize.md")]
pub struct Generator {
    pub name: String,
    pub namespace: String,
    pub behavior: Behavior,
    pub files: Vec<String>,
    pub literals: Vec<String>,
    pub envs: Vec<String>,
    pub env: String,
    /// Of a secret.
    pub r#type: String,
    pub options: GeneratorOptions,
}

/// What becomes of an object that is there already.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behavior {
    /// Nothing may be there.
    #[default]
    #[serde(alias = "unspecified")]
    Create,
    /// It gets these keys.
    Merge,
    /// It gets only these keys.
    Replace,
}

/// `generatorOptions`, and `options` of one generator.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are documented in docs/reference/kustomize.md")]
pub struct GeneratorOptions {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub disable_name_suffix_hash: bool,
    pub immutable: bool,
}

/// `replacements`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Replacement {
    /// A file with one or several of them.
    pub path: String,
    /// Where the value is.
    pub source: Option<SourceSelector>,
    /// The value itself.
    pub source_value: Option<String>,
    /// Where it goes.
    pub targets: Vec<ReplacementTarget>,
}

/// Where a replacement goes.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the fields are documented in docs/reference/kustomize.md")]
pub struct ReplacementTarget {
    pub select: Option<Selector>,
    pub reject: Vec<Selector>,
    pub field_paths: Vec<String>,
    pub options: FieldOptions,
}

/// Parts of a value.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub struct FieldOptions {
    /// Splits the text.
    pub delimiter: String,
    /// Which part.
    pub index: i64,
    /// `base64`: the part is written in it.
    pub encoding: String,
    /// Makes the field when it is not there.
    pub create: bool,
}

/// `sortOptions`.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SortOptions {
    /// `fifo` or `legacy`.
    pub order: String,
    /// Of `legacy`.
    pub legacy_sort_options: Option<LegacySort>,
}

/// Which kinds come first and last.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LegacySort {
    /// In this order.
    pub order_first: Vec<String>,
    /// In this order.
    pub order_last: Vec<String>,
}

/// A file of `configurations`: fields that transformers know besides their own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "each is the transformer of that name")]
pub struct Configuration {
    pub name_reference: Vec<NameReference>,
    pub namespace: Vec<FieldSpec>,
    pub name_prefix: Vec<FieldSpec>,
    pub name_suffix: Vec<FieldSpec>,
    pub common_labels: Vec<FieldSpec>,
    pub common_annotations: Vec<FieldSpec>,
    pub images: Vec<FieldSpec>,
    pub replicas: Vec<FieldSpec>,
    pub labels: Vec<FieldSpec>,
    pub template_labels: Vec<FieldSpec>,
    pub var_reference: Vec<FieldSpec>,
}

/// The fields that hold the name of objects of a kind.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(missing_docs, reason = "the API's own names")]
pub struct NameReference {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub field_specs: Vec<FieldSpec>,
}
