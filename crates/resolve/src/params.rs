//! The parameters of a reference, and the secrets that these name.

use oci::auth::Secret;
use tekton::catalog::Catalog;
use tekton::contents::{Kind, value};
use tekton::types::Param;

use crate::problem::Problem;

/// The parameters of a reference, after substitution, and the objects at hand.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    /// As written.
    pub list: &'a [Param],
    /// Where secrets are looked up.
    pub catalog: &'a Catalog,
}

impl<'a> Params<'a> {
    /// The text of a parameter; none when it is not given or empty.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        let param = self.list.iter().find(|p| p.name == name)?;
        param.value.as_str().map(str::trim).filter(|text| !text.is_empty())
    }

    /// The text of a parameter that must be given.
    ///
    /// # Errors
    /// When it is not.
    pub fn required(&self, name: &str) -> Result<&'a str, Problem> {
        self.text(name)
            .ok_or_else(|| Problem::Param(format!("the param `{name}` is missing; give it a text")))
    }

    /// The value of a secret at hand, on one line.
    ///
    /// # Errors
    /// When there is no such secret or key, or it is no text.
    pub fn secret(&self, name: &str, key: &str) -> Result<Secret, Problem> {
        let found = value(self.catalog, Kind::Secret, name, key, None);
        let bytes = found.map_err(|e| Problem::Secret(e.to_string()))?.unwrap_or_default();
        let text = String::from_utf8(bytes)
            .map_err(|_| Problem::Secret(format!("key {key} of secret {name} is not text")))?;
        // Files that end in a line break are the rule, tokens that do are not.
        Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
    }
}
