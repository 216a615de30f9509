#![allow(clippy::unwrap_used)]

use super::*;

const D: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn descriptor(media_type: &str) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{D}","size":0}}"#)
}

fn image(extra: &str) -> Vec<u8> {
    format!(
        r#"{{"schemaVersion":2{extra},"config":{},"layers":[{}]}}"#,
        descriptor(media::OCI_CONFIG),
        descriptor(media::OCI_LAYER_GZIP)
    )
    .into_bytes()
}

#[test]
fn both_families_parse() {
    let Manifest::Image(m) = Manifest::parse(media::OCI_MANIFEST, &image("")).unwrap() else { panic!() };
    assert_eq!(m.layers.len(), 1);
    let docker = image(&format!(r#","mediaType":"{}""#, media::DOCKER_MANIFEST));
    assert!(matches!(Manifest::parse(media::DOCKER_MANIFEST, &docker).unwrap(), Manifest::Image(_)));
    let list = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{}],"unknown":1}}"#,
        media::DOCKER_LIST,
        descriptor(media::DOCKER_MANIFEST)
    );
    let Manifest::Index(i) = Manifest::parse(media::DOCKER_LIST, list.as_bytes()).unwrap() else { panic!() };
    assert_eq!(i.manifests[0].digest, D.parse().unwrap());
}

#[test]
fn the_type_is_detected_from_the_shape() {
    assert_eq!(Manifest::detect_type(&image("")).unwrap(), media::OCI_MANIFEST);
    assert_eq!(Manifest::detect_type(br#"{"schemaVersion":2,"manifests":[]}"#).unwrap(), media::OCI_INDEX);
    let docker = image(&format!(r#","mediaType":"{}""#, media::DOCKER_MANIFEST));
    assert_eq!(Manifest::detect_type(&docker).unwrap(), media::DOCKER_MANIFEST);
    assert!(Manifest::detect_type(br#"{"schemaVersion":2}"#).is_err());
    assert!(Manifest::detect_type(br#"{"architecture":"amd64","rootfs":{}}"#).is_err());
}

#[test]
fn a_document_that_could_be_two_images_is_refused() {
    let both = image(r#","manifests":[]"#);
    for media_type in media::MANIFESTS {
        assert!(matches!(Manifest::parse(media_type, &both), Err(ManifestError::Ambiguous)));
    }
    let other = image(&format!(r#","mediaType":"{}""#, media::DOCKER_MANIFEST));
    assert!(matches!(Manifest::parse(media::OCI_MANIFEST, &other), Err(ManifestError::TypeMismatch { .. })));
}

#[test]
fn wrong_input_says_why() {
    let parse = |bytes: &[u8]| Manifest::parse(media::OCI_MANIFEST, bytes).unwrap_err().to_string();
    assert!(parse(br#"{"schemaVersion":1,"config":{}}"#).contains("schemaVersion is 1"));
    assert!(parse(br#"{"schemaVersion":2,"layers":[]}"#).contains("no `config`"));
    assert!(parse(b"[]").contains("not a manifest"));
    assert!(parse(&vec![b' '; 5 << 20]).contains("5242880 bytes"));
    let sha512 = String::from_utf8(image("")).unwrap().replace("sha256", "sha512");
    assert!(parse(sha512.as_bytes()).contains("sha512"));
    assert!(Manifest::parse("text/html", b"").unwrap_err().to_string().contains("text/html"));
}

#[test]
fn go_nulls_and_unknown_fields_are_tolerated() {
    let bytes = br#"{"created":"2026-01-01T00:00:00Z","architecture":"amd64","os":"linux","container_config":{},
        "config":{"Env":null,"Entrypoint":null,"Cmd":["sh"],"Labels":null,"ExposedPorts":{"80/tcp":{}},"Shell":["x"]},
        "rootfs":{"type":"layers","diff_ids":null},"history":null}"#;
    let config = ImageConfig::parse(bytes).unwrap();
    assert_eq!(config.config.cmd.as_deref(), Some(&["sh".to_owned()][..]));
    assert!(config.config.env.is_empty() && config.config.exposed_ports.contains_key("80/tcp"));
    assert_eq!(config.platform().to_string(), "linux/amd64");
}

fn index(platforms: &[&str]) -> Index {
    let manifests = platforms
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let mut d = Descriptor::new(media::OCI_MANIFEST, base::Digest::of([i as u8]), i as u64);
            d.platform = (!p.is_empty()).then(|| p.parse().unwrap());
            d
        })
        .collect();
    Index {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        manifests,
        subject: None,
        annotations: BTreeMap::new(),
    }
}

#[test]
fn the_child_for_a_platform_is_found() {
    let chosen =
        |platforms: &[&str], wanted: &str| index(platforms).select(&wanted.parse().unwrap()).map(|d| d.size);
    assert_eq!(chosen(&["linux/arm64", "linux/amd64"], "linux/amd64"), Some(1));
    assert_eq!(chosen(&["linux/amd64/v3", "linux/amd64"], "linux/amd64"), Some(1), "the plain one");
    assert_eq!(chosen(&["linux/amd64/v3"], "linux/amd64"), Some(0));
    assert_eq!(chosen(&["linux/arm64"], "linux/arm64/v8"), Some(0), "v8 is what arm64 means");
    assert_eq!(chosen(&["linux/arm/v6", "linux/arm/v7"], "linux/arm"), Some(1));
    assert_eq!(chosen(&["linux/arm64"], "linux/amd64"), None);
    assert_eq!(chosen(&[""], "linux/amd64"), Some(0), "a single child without platform");
    assert_eq!(chosen(&["unknown/unknown", ""], "linux/amd64"), None);
    assert!("linux".parse::<Platform>().is_err() && "Linux/amd64".parse::<Platform>().is_err());
}

#[test]
fn the_platforms_of_an_index_are_named_once_and_not_endlessly() {
    let several =
        index(&["linux/arm64", "unknown/unknown", "linux/amd64", "linux/arm64", "", "linux/arm/v7"]);
    assert_eq!(several.platforms(), "linux/arm64, linux/amd64, linux/arm/v7");
    assert_eq!(index(&["unknown/unknown"]).platforms(), "none");
    let mut many = index(&["linux/amd64"; 20]);
    for (n, child) in many.manifests.iter_mut().enumerate() {
        child.platform = Some(Platform::new("linux", format!("cpu{n}")));
    }
    assert!(many.platforms().ends_with("linux/cpu11, …"), "{}", many.platforms());
    many.manifests[0].platform = Some(Platform::new("linux", "\u{1b}[31mred"));
    many.manifests[1].platform = Some(Platform::new("linux", "x".repeat(1000)));
    many.manifests[2].platform =
        Some(Platform { variant: Some(String::new()), ..Platform::new("linux", "cpu2") });
    assert!(many.platforms().starts_with("linux/cpu2, linux/cpu3"), "{}", many.platforms());
}
