//! Fields that are known without being told: where Kubernetes' own kinds have labels, images and the names of other objects.
//!
//! Other kinds (a taskRef of Tekton) are known by a kustomization's `configurations` only.

use crate::field_spec::FieldSpec;
use crate::kustomization::{Configuration, NameReference};

/// Kinds with pods in them, and where: those whose references to config maps and secrets are followed.
const DATA_USERS: [(&str, &str); 8] = [
    ("Pod", "spec"),
    ("PodTemplate", "template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicaSet", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
];

/// Those whose references to accounts, claims and priorities are followed.
const WORKLOADS: [(&str, &str); 7] = [
    ("Pod", "spec"),
    ("StatefulSet", "spec/template/spec"),
    ("Deployment", "spec/template/spec"),
    ("ReplicationController", "spec/template/spec"),
    ("CronJob", "spec/jobTemplate/spec/template/spec"),
    ("Job", "spec/template/spec"),
    ("DaemonSet", "spec/template/spec"),
];

const CONFIG_MAP_IN_POD: [&str; 6] = [
    "volumes/configMap/name",
    "volumes/projected/sources/configMap/name",
    "containers/env/valueFrom/configMapKeyRef/name",
    "initContainers/env/valueFrom/configMapKeyRef/name",
    "containers/envFrom/configMapRef/name",
    "initContainers/envFrom/configMapRef/name",
];

const SECRET_IN_POD: [&str; 7] = [
    "volumes/secret/secretName",
    "volumes/projected/sources/secret/name",
    "containers/env/valueFrom/secretKeyRef/name",
    "initContainers/env/valueFrom/secretKeyRef/name",
    "containers/envFrom/secretRef/name",
    "initContainers/envFrom/secretRef/name",
    "imagePullSecrets/name",
];

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

/// Fields of `kinds`, each `Kind` or `Kind.group`, at `path`.
fn fields<'a>(kinds: &'a [&'a str], path: &'a str) -> impl Iterator<Item = FieldSpec> + 'a {
    kinds.iter().map(move |kind| {
        let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
        FieldSpec { kind: kind.into(), group: group.into(), path: path.into(), ..FieldSpec::default() }
    })
}

fn in_pods<'a>(
    users: &'a [(&'a str, &'a str)],
    paths: &'a [&'a str],
) -> impl Iterator<Item = FieldSpec> + 'a {
    users.iter().flat_map(move |(kind, pod)| {
        paths.iter().map(move |path| FieldSpec {
            kind: (*kind).into(),
            path: format!("{pod}/{path}"),
            ..FieldSpec::default()
        })
    })
}

fn made(specs: impl Iterator<Item = FieldSpec>) -> impl Iterator<Item = FieldSpec> {
    specs.map(|spec| FieldSpec { create: true, ..spec })
}

fn everywhere(path: &str) -> FieldSpec {
    FieldSpec { path: path.into(), create: true, ..FieldSpec::default() }
}

/// What all kustomizations know.
pub fn configuration() -> Configuration {
    Configuration {
        name_reference: name_references(),
        common_labels: selectors()
            .chain([everywhere("metadata/labels")])
            .chain(templates("labels"))
            .collect(),
        template_labels: templates("labels").collect(),
        common_annotations: [everywhere("metadata/annotations")]
            .into_iter()
            .chain(templates("annotations").filter(|spec| !spec.path.contains("volumeClaimTemplates")))
            .collect(),
        images: images(),
        replicas: made(fields(
            &["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"],
            "spec/replicas",
        ))
        .collect(),
        namespace: namespaces(),
        name_prefix: vec![FieldSpec { path: "metadata/name".into(), ..FieldSpec::default() }],
        name_suffix: vec![FieldSpec { path: "metadata/name".into(), ..FieldSpec::default() }],
        ..Configuration::default()
    }
}

fn namespaces() -> Vec<FieldSpec> {
    made(fields(&["Namespace"], "metadata/name"))
        .chain(made(fields(&["APIService.apiregistration.k8s.io"], "spec/service/namespace")))
        .chain(fields(
            &["CustomResourceDefinition.apiextensions.k8s.io"],
            "spec/conversion/webhook/clientConfig/service/namespace",
        ))
        .collect()
}

fn images() -> Vec<FieldSpec> {
    let places = ["containers[]/image", "initContainers[]/image", "volumes[]/image/reference"];
    ["spec", "spec/template/spec"]
        .iter()
        .flat_map(|pod| places.iter().map(move |place| everywhere(&format!("{pod}/{place}"))))
        .collect()
}

/// The metadata of pods in other objects.
fn templates(field: &'static str) -> impl Iterator<Item = FieldSpec> {
    let at = move |kinds: &'static [&'static str], path: &str| {
        let path = format!("{path}/metadata/{field}");
        made(fields(kinds, &path)).collect::<Vec<_>>()
    };
    let pods = at(
        &["ReplicationController", "Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job.batch"],
        "spec/template",
    );
    pods.into_iter()
        .chain(at(&["StatefulSet.apps"], "spec/volumeClaimTemplates[]"))
        .chain(at(&["CronJob.batch"], "spec/jobTemplate"))
        .chain(at(&["CronJob.batch"], "spec/jobTemplate/spec/template"))
}

fn selectors() -> impl Iterator<Item = FieldSpec> {
    const AFFINE: [&str; 2] = ["Deployment.apps", "StatefulSet.apps"];
    let affinity = ["podAffinity", "podAntiAffinity"].into_iter().flat_map(|which| {
        let base = format!("spec/template/spec/affinity/{which}");
        [
            format!("{base}/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels"),
            format!("{base}/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels"),
        ]
    });
    let affinity: Vec<FieldSpec> =
        affinity.flat_map(|path| fields(&AFFINE, &path).collect::<Vec<_>>()).collect();
    let core = made(fields(&["Service", "ReplicationController"], "spec/selector"))
        .map(|spec| FieldSpec { version: "v1".into(), ..spec })
        // Knative's Service is another one.
        .map(|spec| FieldSpec { group: String::new(), ..spec });
    let workloads = made(fields(
        &["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet.apps"],
        "spec/selector/matchLabels",
    ));
    core.chain(workloads)
        .chain(affinity)
        .chain(fields(&AFFINE, "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"))
        .chain(fields(&["Job.batch", "PodDisruptionBudget.policy"], "spec/selector/matchLabels"))
        .chain(fields(&["CronJob.batch"], "spec/jobTemplate/spec/selector/matchLabels"))
        .chain(fields(&["NetworkPolicy.networking.k8s.io"], "spec/podSelector/matchLabels"))
        .chain(fields(&["NetworkPolicy.networking.k8s.io"], "spec/ingress/from/podSelector/matchLabels"))
        .chain(fields(&["NetworkPolicy.networking.k8s.io"], "spec/egress/to/podSelector/matchLabels"))
}

fn name_references() -> Vec<NameReference> {
    let to = |kind: &str, group: &str, version: &str, field_specs: Vec<FieldSpec>| NameReference {
        group: group.into(),
        version: version.into(),
        kind: kind.into(),
        field_specs,
    };
    let list = |pairs: &[(&[&str], &str)]| -> Vec<FieldSpec> {
        pairs.iter().flat_map(|(kinds, path)| fields(kinds, path).collect::<Vec<_>>()).collect()
    };
    let bindings = ["RoleBinding.rbac.authorization.k8s.io", "ClusterRoleBinding.rbac.authorization.k8s.io"];
    let mut all: Vec<NameReference> = ["Deployment", "ReplicationController", "ReplicaSet", "StatefulSet"]
        .iter()
        .map(|kind| to(kind, "", "", list(&[(&["HorizontalPodAutoscaler"], "spec/scaleTargetRef/name")])))
        .collect();
    let mut config_maps: Vec<FieldSpec> = in_pods(&DATA_USERS, &CONFIG_MAP_IN_POD).collect();
    config_maps.extend(list(&[
        (&["Node"], "spec/configSource/configMap"),
        (&["Role", "ClusterRole"], "rules/resourceNames"),
        (&["Ingress"], r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"),
    ]));
    all.push(to("ConfigMap", "", "v1", config_maps));
    let mut secrets: Vec<FieldSpec> = in_pods(&DATA_USERS, &SECRET_IN_POD).collect();
    secrets.extend(list(&[
        (&["Ingress"], "spec/tls/secretName"),
        (&["Ingress"], r"metadata/annotations/ingress.kubernetes.io\/auth-secret"),
        (&["Ingress"], r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret"),
        (&["Ingress"], r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret"),
        (&["ServiceAccount"], "imagePullSecrets/name"),
        (&["StorageClass"], "parameters/secretName"),
        (&["StorageClass"], "parameters/adminSecretName"),
        (&["StorageClass"], "parameters/userSecretName"),
        (&["StorageClass"], "parameters/secretRef"),
        (&["Role", "ClusterRole"], "rules/resourceNames"),
        (&["Service.serving.knative.dev"], "spec/template/spec/containers/env/valueFrom/secretKeyRef/name"),
        (&["PersistentVolume"], "spec/azureFile/secretName"),
    ]));
    all.push(to("Secret", "", "v1", secrets));
    let services = list(&[
        (&["StatefulSet.apps"], "spec/serviceName"),
        (&["Ingress"], "spec/rules/http/paths/backend/serviceName"),
        (&["Ingress"], "spec/backend/serviceName"),
        (&["Ingress"], "spec/rules/http/paths/backend/service/name"),
        (&["Ingress"], "spec/defaultBackend/service/name"),
        (&["APIService.apiregistration.k8s.io"], "spec/service/name"),
        (&["ValidatingWebhookConfiguration.admissionregistration.k8s.io"], "webhooks/clientConfig/service"),
        (&["MutatingWebhookConfiguration.admissionregistration.k8s.io"], "webhooks/clientConfig/service"),
        (&["HTTPRoute"], "spec/rules/backendRefs/name"),
    ]);
    all.push(to("Service", "", "v1", services));
    all.push(to("Role", RBAC, "", list(&[(&bindings[..1], "roleRef/name")])));
    all.push(to("ClusterRole", RBAC, "", list(&[(&bindings, "roleRef/name")])));
    let mut accounts: Vec<FieldSpec> = in_pods(&WORKLOADS, &["serviceAccountName"]).collect();
    accounts.extend(list(&[(&bindings, "subjects")]));
    all.push(to("ServiceAccount", "", "v1", accounts));
    let claims = in_pods(&WORKLOADS, &["volumes/persistentVolumeClaim/claimName"]).collect();
    all.push(to("PersistentVolumeClaim", "", "v1", claims));
    let volumes =
        list(&[(&["PersistentVolumeClaim"], "spec/volumeName"), (&["ClusterRole"], "rules/resourceNames")]);
    all.push(to("PersistentVolume", "", "v1", volumes));
    let classes = list(&[
        (&["PersistentVolume", "PersistentVolumeClaim"], "spec/storageClassName"),
        (&["StatefulSet"], "spec/volumeClaimTemplates/spec/storageClassName"),
    ]);
    all.push(to("StorageClass", "storage.k8s.io", "v1", classes));
    let priorities = in_pods(&WORKLOADS, &["priorityClassName"]).collect();
    all.push(to("PriorityClass", "scheduling.k8s.io", "v1", priorities));
    all.push(to("IngressClass", "networking.k8s.io", "v1", list(&[(&["Ingress"], "spec/ingressClassName")])));
    let policies =
        list(&[(&["ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io"], "spec/policyName")]);
    all.push(to("ValidatingAdmissionPolicy", ADMISSION, "", policies));
    all
}

/// Kubernetes' own kinds that are in no namespace.
pub fn is_cluster_wide(group: &str, kind: &str) -> bool {
    match group {
        "" => ["Namespace", "Node", "PersistentVolume", "ComponentStatus"].contains(&kind),
        RBAC => kind.starts_with("Cluster"),
        ADMISSION => true,
        "apiextensions.k8s.io" | "apiregistration.k8s.io" | "flowcontrol.apiserver.k8s.io" => true,
        "storage.k8s.io" => kind != "CSIStorageCapacity",
        "scheduling.k8s.io" => kind == "PriorityClass",
        "node.k8s.io" => kind == "RuntimeClass",
        "certificates.k8s.io" => ["CertificateSigningRequest", "ClusterTrustBundle"].contains(&kind),
        "networking.k8s.io" => ["IngressClass", "IPAddress", "ServiceCIDR"].contains(&kind),
        "policy" => kind == "PodSecurityPolicy",
        "resource.k8s.io" => ["DeviceClass", "ResourceSlice", "DeviceTaintRule"].contains(&kind),
        "storagemigration.k8s.io" | "internal.apiserver.k8s.io" => true,
        "authentication.k8s.io" => true,
        "authorization.k8s.io" => kind != "LocalSubjectAccessReview",
        _ => false,
    }
}
