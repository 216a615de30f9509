//! The tasks that come with the program. The pipeline is in [`stream::definition::pipeline`].

use base::Source;

/// Name and text of every file in `tasks/` with tasks.
const TASKS: [(&str, &str); 16] = [
    ("approval.yaml", include_str!("../../../tasks/approval.yaml")),
    ("assemble.yaml", include_str!("../../../tasks/assemble.yaml")),
    ("containerfile.yaml", include_str!("../../../tasks/containerfile.yaml")),
    ("debian-base.yaml", include_str!("../../../tasks/debian-base.yaml")),
    ("kaniko.yaml", include_str!("../../../tasks/kaniko.yaml")),
    ("prebuilt.yaml", include_str!("../../../tasks/prebuilt.yaml")),
    ("scan.yaml", include_str!("../../../tasks/scan.yaml")),
    ("test-alertmanager.yaml", include_str!("../../../tasks/test-alertmanager.yaml")),
    ("test-cluster-version-operator.yaml", include_str!("../../../tasks/test-cluster-version-operator.yaml")),
    ("test-cni.yaml", include_str!("../../../tasks/test-cni.yaml")),
    ("test-etcd.yaml", include_str!("../../../tasks/test-etcd.yaml")),
    ("test-haproxy.yaml", include_str!("../../../tasks/test-haproxy.yaml")),
    ("test-keepalived.yaml", include_str!("../../../tasks/test-keepalived.yaml")),
    ("test-prometheus.yaml", include_str!("../../../tasks/test-prometheus.yaml")),
    ("test-registry.yaml", include_str!("../../../tasks/test-registry.yaml")),
    ("verdict.yaml", include_str!("../../../tasks/verdict.yaml")),
];

/// All of them, named as they are in the repository.
pub fn tasks() -> Vec<Source> {
    TASKS.iter().map(|(name, text)| Source::new(format!("tasks/{name}"), *text)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn every_task_file_is_shipped() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tasks");
        let names = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let is_task = |name: &String| name.ends_with(".yaml") && name != "pipeline.yaml";
        let mut files: Vec<String> = names.filter(is_task).collect();
        files.sort();
        assert_eq!(files, super::TASKS.map(|(name, _)| name.to_owned()));
    }
}
