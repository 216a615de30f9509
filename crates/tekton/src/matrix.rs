//! Fan-out: one pipeline task, many combinations of params.

use indexmap::IndexMap;

/// Params of one combination. Those of a child are sorted by name, as a cluster passes them on (§2.23).
pub type Combination = Vec<(String, String)>;

/// A param that fans out, with its values.
pub type List = (String, Vec<String>);

/// The combinations of a matrix, in the order of the children's numbers (§2.23).
///
/// `params` is the cartesian product's input in declared order, the first varying fastest. Each `include` entry is
/// merged into every combination that it does not contradict; then an entry that shares no `name=value` pair with any
/// combination is appended as one of its own, and one that contradicts all and yet shares a pair disappears (Tekton
/// does so too). Without `params`, every entry is a combination.
pub fn combinations(params: &[List], include: &[Combination]) -> Vec<Combination> {
    if params.is_empty() {
        return include.iter().map(|entry| entry.iter().cloned().collect()).map(sorted).collect();
    }
    let mut all: Vec<IndexMap<String, String>> = vec![IndexMap::new()];
    for (name, values) in params {
        all = values
            .iter()
            .flat_map(|value| {
                all.iter().map(move |c| {
                    let mut c = c.clone();
                    c.insert(name.clone(), value.clone());
                    c
                })
            })
            .collect();
    }
    for combination in &mut all {
        for entry in include {
            if entry.iter().all(|(n, v)| combination.get(n).is_none_or(|have| have == v)) {
                combination.extend(entry.iter().cloned());
            }
        }
    }
    for entry in include.iter().filter(|e| !e.is_empty()) {
        if !all.iter().any(|c| entry.iter().any(|(n, v)| c.get(n) == Some(v))) {
            all.push(entry.iter().cloned().collect());
        }
    }
    all.into_iter().map(sorted).collect()
}

fn sorted(combination: IndexMap<String, String>) -> Combination {
    let mut params: Combination = combination.into_iter().collect();
    params.sort();
    params
}

/// At most how many combinations there are, without building them; saturates instead of overflowing.
///
/// Compare it with the limit (256 by default, §2.23) before calling [`combinations`] with a stranger's lists.
pub fn upper_bound(params: &[List], include: &[Combination]) -> usize {
    let product = match params {
        [] => 0,
        _ => params.iter().fold(1usize, |n, (_, values)| n.saturating_mul(values.len())),
    };
    product.saturating_add(include.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(params: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        params.iter().map(|(n, v)| ((*n).to_owned(), v.iter().map(|s| (*s).to_owned()).collect())).collect()
    }

    fn entries(include: &[&[(&str, &str)]]) -> Vec<Vec<(String, String)>> {
        include.iter().map(|e| e.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()).collect()
    }

    fn shown(params: &[(&str, &[&str])], include: &[&[(&str, &str)]]) -> Vec<String> {
        combinations(&lists(params), &entries(include))
            .iter()
            .map(|c| c.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(" "))
            .collect()
    }

    #[test]
    fn the_first_param_varies_fastest() {
        assert_eq!(
            shown(&[("p", &["a", "b"]), ("q", &["x", "y"])], &[]),
            ["p=a q=x", "p=b q=x", "p=a q=y", "p=b q=y"]
        );
        assert_eq!(shown(&[("z", &["1"]), ("a", &["2"])], &[]), ["a=2 z=1"], "sorted by name within one");
    }

    #[test]
    fn include_alone_is_the_list() {
        assert_eq!(shown(&[], &[&[("a", "1"), ("b", "2")], &[("a", "3")]]), ["a=1 b=2", "a=3"]);
    }

    #[test]
    fn include_merges_appends_or_disappears() {
        let params: &[(&str, &[&str])] = &[("arch", &["amd64", "arm64"]), ("go", &["1", "2"])];
        assert_eq!(
            shown(params, &[&[("arch", "arm64"), ("flag", "x")]]),
            ["arch=amd64 go=1", "arch=arm64 flag=x go=1", "arch=amd64 go=2", "arch=arm64 flag=x go=2"]
        );
        assert_eq!(shown(params, &[&[("new", "v")]]).len(), 4, "new names go into all");
        assert_eq!(shown(params, &[&[("arch", "riscv"), ("go", "9")]])[4], "arch=riscv go=9");
        assert_eq!(
            shown(params, &[&[("arch", "amd64"), ("go", "9")]]).len(),
            4,
            "matches one name, contradicts the other everywhere: dropped"
        );
    }

    #[test]
    fn nothing_comes_of_an_empty_list() {
        assert!(shown(&[("p", &[]), ("q", &["x"])], &[]).is_empty());
        assert_eq!(upper_bound(&lists(&[("p", &["a", "b"]), ("q", &["x", "y", "z"])]), &[vec![]]), 7);
    }
}
