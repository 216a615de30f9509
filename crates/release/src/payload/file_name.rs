//! Names of manifests in the payload (payload.md §1.5).

use std::collections::HashMap;

/// Hands out names: files that do not start with `0000_` are put at run level 50 under their component's name, and a name
/// that is taken gets a number before its extension.
#[derive(Debug, Default)]
pub struct FileNames(HashMap<String, usize>);

impl FileNames {
    /// The name of `file` of component `tag` in the payload. Never the same twice.
    pub fn assign(&mut self, tag: &str, file: &str) -> String {
        let wanted =
            if file.starts_with("0000_") { file.to_owned() } else { format!("0000_50_{tag}_{file}") };
        let Some(&taken) = self.0.get(&wanted) else {
            self.0.insert(wanted.clone(), 1);
            return wanted;
        };
        let (stem, extension) = wanted.rfind('.').map_or((wanted.as_str(), ""), |dot| wanted.split_at(dot));
        let mut count = taken + 1;
        let mut name = format!("{stem}_{count}{extension}");
        // A component may itself have brought a file of that name.
        while self.0.contains_key(&name) {
            count += 1;
            name = format!("{stem}_{count}{extension}");
        }
        self.0.insert(name.clone(), 1);
        self.0.insert(wanted, count);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn run_level_50_unless_said() {
        let mut names = FileNames::default();
        assert_eq!(names.assign("foo", "a.yaml"), "0000_50_foo_a.yaml");
        assert_eq!(names.assign("foo", "0000_30_foo_a.yaml"), "0000_30_foo_a.yaml");
        assert_eq!(names.assign("foo", "000_x"), "0000_50_foo_000_x");
    }

    #[test]
    fn taken_names_are_numbered_before_the_extension() {
        let mut names = FileNames::default();
        let mut next = || names.assign("o", "0000_10_x_a.yaml");
        assert_eq!(
            [next(), next(), next()],
            ["0000_10_x_a.yaml", "0000_10_x_a_2.yaml", "0000_10_x_a_3.yaml"]
        );
        let mut plain = || names.assign("o", "0000_10_x");
        assert_eq!([plain(), plain()], ["0000_10_x", "0000_10_x_2"]);
    }

    #[test]
    fn a_number_that_is_taken_is_skipped() {
        let mut names = FileNames::default();
        let given: Vec<String> =
            ["0000_a.yaml", "0000_a_2.yaml", "0000_a.yaml"].iter().map(|f| names.assign("o", f)).collect();
        assert_eq!(given, ["0000_a.yaml", "0000_a_2.yaml", "0000_a_3.yaml"]);
    }

    proptest! {
        #[test]
        fn no_name_twice(files in proptest::collection::vec(("[ab]", "(0000_)?[ab](_[23])?(\\.y)?"), 0..40)) {
            let mut names = FileNames::default();
            let given: Vec<String> = files.iter().map(|(tag, file)| names.assign(tag, file)).collect();
            prop_assert_eq!(given.iter().collect::<HashSet<_>>().len(), given.len());
            prop_assert!(given.iter().all(|name| name.starts_with("0000_") && !name.contains('/')));
        }
    }
}
