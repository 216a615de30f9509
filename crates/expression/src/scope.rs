//! What an expression may use.

use std::sync::Arc;

use serde_json::Value as Json;

/// A function of an expression. Its arguments begin with the value it is called on, when it is called as a method.
pub type Function = Arc<dyn Fn(&[Json]) -> Result<Json, String> + Send + Sync>;

/// Variables and functions. The functions of the language itself and those on texts (`split`, `lowerAscii`, …) are always there.
#[derive(Clone, Default)]
pub struct Scope {
    pub(crate) variables: Vec<(String, Json)>,
    pub(crate) functions: Vec<(String, Function)>,
}

impl Scope {
    /// Adds a variable. Numbers become floating point, as those of JSON do in Tekton.
    #[must_use]
    pub fn variable(mut self, name: &str, value: Json) -> Self {
        self.variables.push((name.to_owned(), value));
        self
    }

    /// Adds a function. Its error is shown to the person who wrote the expression.
    #[must_use]
    pub fn function(
        mut self,
        name: &str,
        function: impl Fn(&[Json]) -> Result<Json, String> + Send + Sync + 'static,
    ) -> Self {
        self.functions.push((name.to_owned(), Arc::new(function)));
        self
    }
}
