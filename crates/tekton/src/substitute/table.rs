//! What references stand for.

use std::borrow::{Borrow, Cow};
use std::collections::{BTreeMap, HashMap};

use super::scan;
use crate::types::{Param, ParamValue};

/// A table of replacements: keys as they stand between `$(` and `)`, without `[*]`.
///
/// One table is one pass: all its keys are replaced in one scan, and what was put in is not looked at again until the
/// next table (§2.16 rule 1).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replacements {
    strings: HashMap<String, String>,
    arrays: HashMap<String, Vec<String>>,
    objects: HashMap<String, BTreeMap<String, String>>,
    redirects: HashMap<String, String>,
}

impl Replacements {
    /// An empty table: replaces nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string.
    pub fn string(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.strings.insert(key.into(), value.into());
    }

    /// Adds an array that only `KEY[*]` gives, not `KEY`.
    pub fn starred(&mut self, key: &str, items: &[String]) {
        self.arrays.insert(format!("{key}[*]"), items.to_vec());
    }

    /// Adds a value under each of the keys, with its elements: `KEY[0]` of arrays, `KEY.k` of objects.
    pub fn value<K: Into<String>>(&mut self, keys: impl IntoIterator<Item = K>, value: &ParamValue) {
        for key in keys {
            let key = key.into();
            match value {
                ParamValue::String(text) => {
                    self.strings.insert(key, text.clone());
                }
                ParamValue::Array(items) => {
                    for (i, item) in items.iter().enumerate() {
                        self.strings.insert(format!("{key}[{i}]"), item.clone());
                    }
                    self.arrays.insert(key, items.clone());
                }
                ParamValue::Object(entries) => {
                    for (k, v) in entries {
                        self.strings.insert(format!("{key}.{k}"), v.clone());
                    }
                    let object = self.objects.entry(key).or_default();
                    object.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone())));
                }
            }
        }
    }

    /// Adds a param in its four spellings: `params.N`, `params["N"]`, `params['N']` and the old `inputs.params.N`
    /// (§2.16 rule 3). An object that is already there keeps the keys that the new value lacks.
    pub fn param(&mut self, name: &str, value: &ParamValue) {
        self.forget(name, value);
        self.value(spellings(name), value);
    }

    /// Adds params, later ones over earlier ones of the same name.
    pub fn params<P: Borrow<Param>>(&mut self, params: impl IntoIterator<Item = P>) {
        for param in params {
            let Param { name, value, .. } = param.borrow();
            self.param(name, value);
        }
    }

    /// Lets every reference to an element of the param, `params.N[…]` and `params.N.k`, become a reference to the same
    /// element of `target`, for the values of step actions that are known only when an earlier step has ended (§2.29).
    pub fn redirect_elements(&mut self, name: &str, target: &str) {
        self.redirects.extend(spellings(name).map(|key| (key, target.to_owned())));
    }

    /// The string that stands for `key`.
    pub fn get(&self, key: &str) -> Option<Cow<'_, str>> {
        if let Some(text) = self.strings.get(key) {
            return Some(Cow::Borrowed(text));
        }
        if self.redirects.is_empty() {
            return None;
        }
        let end = if key.ends_with(']') { key.rfind('[')? } else { key.rfind('.')? };
        let target = self.redirects.get(&key[..end])?;
        Some(Cow::Owned(format!("$({target}{})", &key[end..])))
    }

    /// The array that `text` refers to, if it is one reference to an array and nothing else.
    pub fn array(&self, text: &str) -> Option<&[String]> {
        let key = text.strip_prefix("$(")?.strip_suffix(')')?;
        let plain = key.strip_suffix("[*]").unwrap_or(key);
        self.arrays.get(plain).or_else(|| self.arrays.get(key)).map(Vec::as_slice)
    }

    /// Whether the table replaces `key` by anything.
    pub fn knows(&self, key: &str) -> bool {
        let plain = key.strip_suffix("[*]").unwrap_or(key);
        self.get(key).is_some() || self.arrays.contains_key(plain) || self.objects.contains_key(plain)
    }

    /// Whether there is nothing to replace.
    pub fn is_empty(&self) -> bool {
        self.strings.is_empty()
            && self.arrays.is_empty()
            && self.objects.is_empty()
            && self.redirects.is_empty()
    }

    /// The text with its references to strings replaced.
    pub fn text(&self, text: &str) -> String {
        scan::replace(text, |key| self.get(key))
    }

    /// Replaces in place.
    pub fn edit(&self, text: &mut String) {
        if text.contains("$(") {
            *text = self.text(text);
        }
    }

    /// Replaces in place, if there is anything.
    pub fn edit_option(&self, text: &mut Option<String>) {
        if let Some(text) = text {
            self.edit(text);
        }
    }

    /// What one element of a list becomes: a reference to an array, alone, becomes its elements (none, one, many);
    /// any other text stays one element (§2.16 rule 4).
    pub fn element(&self, text: &str) -> Vec<String> {
        self.array(text).map_or_else(|| vec![self.text(text)], <[String]>::to_vec)
    }

    /// Replaces in a list, splicing arrays.
    pub fn edit_list(&self, list: &mut Vec<String>) {
        if list.iter().any(|text| text.contains("$(")) {
            *list = list.iter().flat_map(|text| self.element(text)).collect();
        }
    }

    /// The value with its references replaced; a string that is one reference to an array or object changes its type
    /// (§2.16 rule 5).
    pub fn param_value(&self, value: &ParamValue) -> ParamValue {
        match value {
            ParamValue::String(text) => self.string_value(text),
            ParamValue::Array(items) => {
                ParamValue::Array(items.iter().flat_map(|item| self.element(item)).collect())
            }
            ParamValue::Object(entries) => {
                ParamValue::Object(entries.iter().map(|(k, v)| (k.clone(), self.text(v))).collect())
            }
        }
    }

    /// Replaces in the values of params.
    pub fn edit_params(&self, params: &mut [Param]) {
        for param in params {
            param.value = self.param_value(&param.value);
        }
    }

    fn string_value(&self, text: &str) -> ParamValue {
        let Some(key) = scan::whole(text) else { return ParamValue::String(self.text(text)) };
        let plain = key.strip_suffix("[*]").unwrap_or(key);
        if let Some(object) = self.objects.get(plain) {
            return ParamValue::Object(object.clone());
        }
        if let Some(array) = self.arrays.get(plain) {
            return ParamValue::Array(array.clone());
        }
        ParamValue::String(
            self.get(plain).or_else(|| self.get(key)).map_or_else(|| text.to_owned(), Cow::into_owned),
        )
    }

    /// Takes away what an earlier value of the param left behind and the new one does not replace.
    fn forget(&mut self, name: &str, value: &ParamValue) {
        for key in spellings(name) {
            if let Some(old) = self.arrays.remove(&key) {
                (0..old.len()).for_each(|i| {
                    self.strings.remove(&format!("{key}[{i}]"));
                });
            }
            if !matches!(value, ParamValue::Object(_)) {
                self.strings.remove(&key);
                if let Some(old) = self.objects.remove(&key) {
                    old.keys().for_each(|k| {
                        self.strings.remove(&format!("{key}.{k}"));
                    });
                }
            }
        }
    }
}

fn spellings(name: &str) -> [String; 4] {
    [
        format!("params.{name}"),
        format!("params[{name:?}]"),
        format!("params['{name}']"),
        format!("inputs.params.{name}"),
    ]
}

/// The spellings of a result: `PREFIX.results.R`, `PREFIX.results["R"]`, `PREFIX.results['R']`.
pub fn result_spellings(prefix: &str, result: &str) -> [String; 3] {
    [
        format!("{prefix}.results.{result}"),
        format!("{prefix}.results[{result:?}]"),
        format!("{prefix}.results['{result}']"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(items: &[&str]) -> ParamValue {
        ParamValue::Array(items.iter().map(|s| (*s).to_owned()).collect())
    }

    fn table() -> Replacements {
        let mut table = Replacements::new();
        table.param("s", &"text".into());
        table.param("a.b", &"dotted".into());
        table.param("list", &array(&["x", "y"]));
        table.param("none", &array(&[]));
        table.param("o", &ParamValue::Object([("k".into(), "v".into())].into()));
        table
    }

    #[test]
    fn every_spelling_of_a_param() {
        let t = table();
        assert_eq!(
            t.text(r#"$(params.s) $(params["a.b"]) $(params['a.b']) $(inputs.params.s) $(params.list[1]) $(params.o.k)"#),
            "text dotted dotted text y v"
        );
        let untouched = "$(params.list) $(params.list[2]) $(params.o) $(params.o.z) $(date) $( params.s )";
        assert_eq!(t.text(untouched), untouched);
    }

    #[test]
    fn arrays_are_spliced_only_when_alone() {
        let t = table();
        assert_eq!(t.element("$(params.list[*])"), ["x", "y"]);
        assert_eq!(t.element("$(params.list)"), ["x", "y"]);
        assert_eq!(t.element("$(params['list'][*])"), ["x", "y"]);
        assert_eq!(t.element("$(params.none[*])"), Vec::<String>::new());
        assert_eq!(t.element("-$(params.list[*])"), ["-$(params.list[*])"]);
        let mut args = vec!["a".to_owned(), "$(params.none[*])".into(), "$(params.list[*])".into()];
        t.edit_list(&mut args);
        assert_eq!(args, ["a", "x", "y"]);
    }

    #[test]
    fn a_value_takes_the_type_of_what_it_refers_to() {
        let t = table();
        assert_eq!(t.param_value(&"$(params.list[*])".into()), array(&["x", "y"]));
        assert_eq!(t.param_value(&"$(params.o[*])".into()).kind(), crate::types::ParamType::Object);
        assert_eq!(t.param_value(&"$(params.list[0])".into()), "x".into());
        assert_eq!(t.param_value(&"$(params.s)!".into()), "text!".into());
        assert_eq!(t.param_value(&array(&["$(params.list[*])", "z"])), array(&["x", "y", "z"]));
        assert_eq!(t.param_value(&"$(params.list[9])".into()), "$(params.list[9])".into());
    }

    #[test]
    fn a_later_value_replaces_an_earlier_one_but_objects_are_overlaid() {
        let mut t = table();
        t.param("list", &array(&["only"]));
        assert_eq!(t.text("$(params.list[0]) $(params.list[1])"), "only $(params.list[1])");
        t.param("o", &ParamValue::Object([("z".into(), "new".into())].into()));
        assert_eq!(t.text("$(params.o.k) $(params.o.z)"), "v new");
        t.param("o", &"now a string".into());
        assert_eq!(t.text("$(params.o) $(params.o.k)"), "now a string $(params.o.k)");
    }

    #[test]
    fn elements_can_point_elsewhere() {
        let mut t = Replacements::new();
        t.redirect_elements("p", "steps.one.results.r");
        assert_eq!(
            t.text("$(params.p[*]) $(params.p[7])"),
            "$(steps.one.results.r[*]) $(steps.one.results.r[7])"
        );
        assert_eq!(t.text("$(params['p'].key)"), "$(steps.one.results.r.key)");
        assert_eq!(t.text("$(params.p) $(params.q[0])"), "$(params.p) $(params.q[0])");
    }
}
