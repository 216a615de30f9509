//! YAML text as trees in which every key and value knows its place in the text.
//!
//! Scalars are typed as the Kubernetes tools do (YAML 1.1 with the rules of `sigs.k8s.io/yaml`): `yes`, `on` and `off`
//! are booleans, `0755` is 493, `1e3` is a number, `2020-01-01` and `=` are strings. JSON is YAML. Several documents,
//! anchors, aliases and merge keys are read; a key given twice is an error. Hostile text is bounded: see [`limits`].
//!
//! - [`node`]: the tree
//! - [`path`](mod@path): finding places in the tree by field path
//! - [`scalar`]: the type of a plain scalar
//! - [`build`]: from parser events to trees
//! - [`limits`]: how large and deep a text may be

pub mod build;
pub mod limits;
pub mod node;
pub mod path;
pub mod scalar;

pub use build::parse;
pub use node::{Entry, Kind, Node, Number};
