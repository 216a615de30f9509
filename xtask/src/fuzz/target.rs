//! What is fuzzed, and with which seeds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, Result};
use base::{Digest, Source};
use oci::layer::tar::TarReader;
use oci::reference::Reference;
use oci::unpack::{Layers, Limits};
use stream::schema::reference::OVERLAY_EXAMPLE;
use tekton::catalog::Catalog;
use tekton::lint::comment::Comments;
use tekton::load::{Document, Object, load};
use tekton::outline;
use tekton::substitute::{Replacements, kubernetes, reference, scan};
use tekton::types::{ParamValue, PipelineSpec};

use super::damage::damaged;
use super::overlay::overlays;

/// Something that reads input.
pub struct Target {
    /// What it is called on the command line.
    pub name: &'static str,
    /// Reads an input; whatever the input is, it comes back.
    pub run: fn(&[u8]),
    /// What the format is made of.
    words: &'static [&'static [u8]],
    /// Files of the repository: a file, or a folder and the end of names in it.
    files: &'static [(&'static str, &'static str)],
    /// Seeds that are no files.
    made: fn() -> Vec<Vec<u8>>,
    /// Puts right what any reader checks first.
    mend: fn(&mut [u8]),
}

const YAML: &[&[u8]] = &[
    b"- ",
    b": ",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b"\n",
    b"  ",
    b"\n    ",
    b"---\n",
    b"&a ",
    b"*a",
    b"<<: *a",
    b"|\n",
    b">-\n",
    b"\"",
    b"'",
    b"#",
    b"? ",
    b"!!str ",
    b"~",
    b"null",
    b"true",
    b"1e999",
    b"0x7fffffffffffffff",
    b"$(",
    b")",
    b"$(params.a)",
    b"$(params.a[*])",
    b"$(params['a.b'])",
    b"$(tasks.a.results.r)",
    b"$(workspaces.w.path)",
    b"params:",
    b"steps:",
    b"taskSpec:",
    b"pipelineSpec:",
    b"runAfter: [a]",
    b"when: [{input: a, operator: in, values: [b]}]",
    b"matrix: {params: [{name: m, value: [a, b]}]}",
    b"script: |\n      ",
    b"# sw: allow x",
    b"kind: PipelineRun",
    b"apiVersion: tekton.dev/v1beta1",
    b"#!/bin/sh\n",
    b"\xc3\xa9",
    b"\xff",
    b"\t",
    b"\r\n",
    b"\xef\xbb\xbf",
];

const VARIABLES: &[&[u8]] = &[
    b"$(",
    b")",
    b"$",
    b"$$",
    b"$(params.a)",
    b"$(params.list[*])",
    b"$(params.list[0])",
    b"$(params.o.k)",
    b"$(params[\"a\"])",
    b"$(params['o'][k])",
    b"[*]",
    b"[99999999999999999999]",
    b"tasks.t.results.r",
    b".results.",
    b"['",
    b"\"]",
    b"\n",
    b"\xc3\xa9",
];

const OVERLAY: &[&[u8]] = &[
    b"\n  - ",
    b"{",
    b"}",
    b", ",
    b"component: etcd",
    b"component: router",
    b"remove: {component: base}",
    b"replace: {component: cli, source: {git: {url: u, ref: main}}}",
    b"replace: {component: cli, source: {image: r.example/x@sha256:0}}",
    b"patch: {component: etcd, files: [a, ../b]}",
    b"pin: {component: etcd, commit: 0123456789abcdef0123456789abcdef01234567, expires: \"2026-01-01\"}",
    b"change: {component: router, addPackages: [a, a], removePackages: [haproxy], args: {A: x, B: y}}",
    b"setBase: {name: my-stream/base, base: {component: etcd}}",
    b"setBase: {name: \"**\", base: {images: {linux/amd64: a:1}}}",
    b"changeGate: {test: etcd, timeout: 1s}",
    b"waive: {code: mismatched-siblings, why: x}",
    b"waive: {code: expired, component: etcd, why: x, expires: 2026-01-01}",
    b"from: {path: ..}\n",
    b"from: {payload: r.example/x@sha256:0}\n",
    b"name: below\n",
    b"*",
    b"\xc3\xa9",
    b"$(params.a)",
];

/// Everything that is fuzzed.
pub const TARGETS: &[Target] = &[
    Target {
        name: "tekton",
        run: |bytes| with_text(bytes, tekton_objects),
        words: YAML,
        files: &[("tasks", ".yaml"), ("crates/sw/tests/tiny-stream/tasks", ".yaml")],
        made: || SEEDS.iter().map(|s| s.as_bytes().to_vec()).collect(),
        mend: |_| {},
    },
    Target {
        name: "substitution",
        run: |bytes| with_text(bytes, substitution),
        words: VARIABLES,
        files: &[],
        made: || {
            vec![
                b"a $(params.a) $(params.list[*])\nvalue $(params.o.k)".to_vec(),
                b"$(params.list[*])\n$$(x)$(params.a".to_vec(),
            ]
        },
        mend: |_| {},
    },
    Target {
        name: "stream",
        run: |bytes| with_text(bytes, stream_files),
        words: YAML,
        files: &[("streams/debian-mini/stream.yaml", ""), ("crates/sw/tests/tiny-stream/stream.yaml", "")],
        made: Vec::new,
        mend: |_| {},
    },
    Target {
        name: "overlay",
        run: |bytes| with_text(bytes, overlays),
        words: OVERLAY,
        files: &[("streams/okd-openstack/stream.yaml", ""), ("streams/debian-hpc/stream.yaml", "")],
        made: || vec![OVERLAY_EXAMPLE.as_bytes().to_vec()],
        mend: |_| {},
    },
    Target {
        name: "containerfile",
        run: |bytes| with_text(bytes, containerfile),
        words: &[
            b"FROM ",
            b"ARG A=b\n",
            b"$A",
            b"${A:-",
            b"${A:+x}",
            b"}",
            b"\\\n",
            b"RUN ",
            b"<<EOF\n",
            b"EOF\n",
            b"COPY --from=a b c\n",
            b"# syntax=x\n",
            b"# escape=`\n",
            b"\"",
            b"'",
            b"AS x\n",
            b"--mount=type=bind,from=a ",
            b"\n",
            b"[",
            b"\xc3\xa9",
        ],
        files: &[
            ("streams/debian-mini/components/prometheus/Containerfile", ""),
            ("streams/debian-mini/components/cluster-version-operator/Containerfile", ""),
        ],
        made: || {
            vec![
                b"ARG B=x\nFROM ${B:-a} AS one\nFROM one\nCOPY --from=one /a /b\nRUN <<EOF\necho\nEOF\n"
                    .to_vec(),
            ]
        },
        mend: |_| {},
    },
    Target {
        name: "reference",
        run: |bytes| with_text(bytes, |text| drop(Reference::from_str(text))),
        words: &[
            b"/",
            b":",
            b"@",
            b"sha256:",
            b".",
            b"-",
            b"__",
            b"[::1]",
            b":65536",
            b"localhost",
            b"\xc3\xa9",
        ],
        files: &[],
        made: || {
            let digest = Digest::of("x");
            vec![b"registry.example:5000/a/b:v1".to_vec(), format!("localhost/a@{digest}").into_bytes()]
        },
        mend: |_| {},
    },
    Target {
        name: "junit",
        run: |bytes| drop(release::junit::read(bytes)),
        words: &[
            b"<testsuites>",
            b"<testsuite name=\"a\">",
            b"</testsuite>",
            b"<testcase name=\"b\" time=\"1e400\"/>",
            b"<failure message=\"",
            b"<skipped/>",
            b"<![CDATA[",
            b"]]>",
            b"&amp;",
            b"&#x0;",
            b"<!--",
            b"-->",
            b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
            b"&b;",
            b"\"",
            b">",
            b"\xff",
        ],
        files: &[],
        made: || {
            vec![b"<?xml version=\"1.0\"?><testsuites><testsuite name=\"s\" timestamp=\"2026-01-01T00:00:00\"><testcase classname=\"c\" name=\"n\" time=\"0.5\"><failure message=\"m\">text</failure></testcase><testcase name=\"o\"><skipped/></testcase></testsuite></testsuites>".to_vec()]
        },
        mend: |_| {},
    },
    Target {
        name: "layer",
        run: layer,
        words: &[
            b"ustar\0",
            b"../",
            b"/",
            b"\0",
            b"x",
            b"L",
            b"K",
            b"g",
            b"30 path=../../../../etc/passwd\n",
            b"999999999999999999999 a=b\n",
            b"2",
            b"1",
            b"5",
            b"7777777",
            b"\x80\0\0\0\0\0\0\0",
            b".wh.a",
            b".wh..wh..opq",
            b"GNU.sparse.map=0,1,2",
        ],
        files: &[],
        made: || vec![archive()],
        mend: checksums,
    },
];

const SEEDS: [&str; 3] = [
    "apiVersion: tekton.dev/v1\nkind: PipelineRun\nmetadata: {generateName: r-}\nspec:\n  params: [{name: p, value: [a, b]}]\n  pipelineSpec:\n    params: [{name: p, type: array}]\n    workspaces: [{name: w}]\n    tasks:\n    - name: a\n      taskSpec:\n        results: [{name: r}]\n        steps:\n        - image: x\n          script: |\n            #!/bin/sh\n            echo $(params.p[0]) > $(results.r.path)\n    - name: b\n      runAfter: [a]\n      matrix: {params: [{name: m, value: $(params.p)}], include: [{name: i, params: [{name: m, value: c}]}]}\n      when: [{input: $(tasks.a.results.r), operator: in, values: [x]}]\n      taskRef: {name: t}\n    finally:\n    - {name: f, taskRef: {resolver: git, params: [{name: url, value: u}]}}\n    results: [{name: out, value: $(tasks.a.results.r)}]\n  workspaces: [{name: w, volumeClaimTemplate: {spec: {resources: {requests: {storage: 1Gi}}}}}]\n---\napiVersion: tekton.dev/v1\nkind: Task\nmetadata: {name: t}\nspec: {params: [{name: m}], steps: [{image: i, args: [$(params.m)]}]}\n",
    "apiVersion: tekton.dev/v1beta1\nkind: PipelineRun\nmetadata: {name: r}\nspec:\n  timeout: 1h\n  serviceAccountName: s\n  taskRunSpecs: [{pipelineTaskName: a, taskPodTemplate: {nodeSelector: {a: b}}}]\n  pipelineSpec:\n    tasks:\n    - name: a\n      taskSpec: {steps: [{image: x, resources: {limits: {cpu: 1}}}]}\n    - {name: c, taskRef: {name: t, kind: ClusterTask}}\n",
    "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: s}, data: {k: aGk=}}\n- apiVersion: tekton.dev/v1beta1\n  kind: StepAction\n  metadata: {name: a}\n  spec: {image: i, params: [{name: q, default: 1}], env: [{name: Q, value: $(params.q)}], script: echo}\n",
];

impl Target {
    /// What inputs are made of.
    ///
    /// # Errors
    /// When the repository cannot be read.
    pub fn seeds(&self, root: &Path) -> Result<Vec<Vec<u8>>> {
        let mut seeds = (self.made)();
        for (path, end) in self.files {
            let path = root.join(path);
            let read = |path: &Path| fs::read(path).with_context(|| format!("reading {}", path.display()));
            if end.is_empty() {
                seeds.push(read(&path)?);
                continue;
            }
            let mut found = fs::read_dir(&path)
                .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
                .with_context(|| format!("reading {}", path.display()))?;
            found.retain(|file| file.to_string_lossy().ends_with(end));
            found.sort();
            for file in found {
                seeds.push(read(&file)?);
            }
        }
        Ok(seeds)
    }

    /// The input with a number.
    pub fn input(&self, seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
        let mut input = damaged(seeds, self.words, number);
        (self.mend)(&mut input);
        input
    }
}

/// What is no text is refused when a file is read; here it is made one, so that no input is lost.
fn with_text(bytes: &[u8], run: impl Fn(&str)) {
    run(&String::from_utf8_lossy(bytes));
}

/// Loading, validation, warnings, defaults, the graph of a run.
fn tekton_objects(text: &str) {
    let source = Source::new("input.yaml", text);
    Comments::of(&source).unknown(&source);
    let loaded = match load(&source) {
        Ok(loaded) => loaded,
        Err(problems) => {
            problems.0.iter().take(5).for_each(|p| drop(p.render(false)));
            return;
        }
    };
    let found = loaded.documents.iter().flat_map(|d| tekton::validate::validate(d).0);
    let found: Vec<_> = found.chain(tekton::lint::lint(&loaded.documents)).collect();
    found.iter().take(5).for_each(|d| drop(d.render(false)));
    let mut documents = loaded.documents;
    for document in &mut documents {
        tekton::defaults::apply(&mut document.object, &tekton::defaults::Defaults::default());
    }
    let Ok(catalog) = Catalog::new(documents, &mut |prefix| format!("{prefix}x")) else { return };
    let pipelines = catalog.documents().iter().filter_map(pipeline_of);
    pipelines.for_each(|spec| drop(outline::pipeline("input", spec, &[], &catalog)));
}

fn pipeline_of(document: &Document) -> Option<&PipelineSpec> {
    match &document.object {
        Object::Pipeline(pipeline) => Some(&pipeline.spec),
        Object::PipelineRun(run) => run.spec.pipeline_spec.as_ref(),
        _ => None,
    }
}

/// The first line is replaced in, the rest is a value.
fn substitution(text: &str) {
    let (template, value) = text.split_once('\n').unwrap_or((text, ""));
    let list = ParamValue::Array(value.split(' ').map(str::to_owned).collect());
    let object = ParamValue::Object([("k".to_owned(), value.to_owned())].into());
    let mut table = Replacements::new();
    table.param("a", &ParamValue::from(value));
    table.param("list", &list);
    table.param("o", &object);
    let plain = template.replace('$', "");
    assert!(table.text(&plain) == plain, "a text without references was changed");
    drop(table.text(template));
    drop(table.element(template));
    drop(table.param_value(&ParamValue::from(template)));
    drop(kubernetes::expand(template, |name| (name == "A").then_some(value)));
    for found in scan::references(template).take(1000) {
        assert_eq!(&template[found.span.clone()], format!("$({})", found.key));
        let _ = (reference::task_result(found.key), reference::matrix_length(found.key));
    }
}

fn stream_files(text: &str) {
    let source = Source::new("stream.yaml", text);
    if let Err(problems) = stream::definition::parse(&source) {
        problems.0.iter().take(5).for_each(|p| drop(p.render(false)));
    }
    drop(stream::lock::text::parse(&source));
}

fn containerfile(text: &str) {
    let args = BTreeMap::from([("A".to_owned(), "b".to_owned())]);
    drop(stream::containerfile::parse(&Source::new("Containerfile", text), &args, "linux/amd64"));
}

/// Reading an archive, and unpacking it as a layer.
fn layer(bytes: &[u8]) {
    let mut reader = TarReader::new(bytes);
    while let Ok(Some(_)) = reader.next_entry() {}
    // In memory where there is such a folder: nothing of it is to be kept.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let Ok(folder) = folder else { return };
    let Ok(layers) = Layers::open(folder.path().join("layers")) else { return };
    let limits = Limits { bytes: 4 << 20, entries: 1000, ..Limits::default() };
    let media_type = "application/vnd.oci.image.layer.v1.tar";
    drop(layers.with_limits(limits).unpack_from(bytes, media_type, Digest::of(bytes)));
    let left = fs::read_dir(folder.path()).map_or(0, Iterator::count);
    assert_eq!(left, 1, "something was written beside the layers");
}

const BLOCK: usize = 512;

/// A file, a folder, links, a long name, a record of more attributes.
fn archive() -> Vec<u8> {
    let mut archive = Vec::new();
    let mut add = |kind: u8, name: &str, link: &str, data: &[u8]| {
        let mut header = [0; BLOCK];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000755");
        header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
        header[136..147].copy_from_slice(b"14000000000");
        header[156] = kind;
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header[257..263].copy_from_slice(b"ustar\0");
        archive.extend_from_slice(&header);
        archive.extend_from_slice(data);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    };
    add(b'5', "d/", "", b"");
    add(b'0', "d/file", "", b"content");
    add(b'2', "d/link", "../d/file", b"");
    add(b'1', "d/hard", "d/file", b"");
    add(b'x', "pax", "", b"18 path=d/renamed\n");
    add(b'0', "short", "", b"x");
    add(b'L', "././@LongLink", "", b"d/a-long-name\0");
    add(b'0', "cut", "", b"");
    add(b'0', "d/.wh.gone", "", b"");
    archive.resize(archive.len() + 2 * BLOCK, 0);
    checksums(&mut archive);
    archive
}

/// Puts right the check sums of headers, so that what is behind them is reached.
fn checksums(archive: &mut [u8]) {
    for header in archive.chunks_exact_mut(BLOCK).filter(|h| h[257..].starts_with(b"ustar")) {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    }
}
