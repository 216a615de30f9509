//! Tekton Triggers: `triggers.tekton.dev`, v1beta1 and v1alpha1.
//!
//! - [`objects`]: the objects of some texts by kind and name
//! - [`listener`]: which triggers a listener has
//! - [`trigger`]: one trigger: interceptors, bindings, template
//! - [`interceptor`]: what lets an event through; [`cel`]: the one for expressions; [`signed`]: those of code hosts
//! - [`binding`]: params out of an event; [`jsonpath`]: the paths in them
//! - [`template`]: runs out of params

pub mod binding;
pub mod cel;
pub mod interceptor;
pub mod jsonpath;
pub mod listener;
pub mod objects;
pub mod signed;
pub mod template;
pub mod trigger;
