//! Tiny images and layers, made in memory. Does not use crate `oci`, so that it can prove it.
//!
//! ```
//! use testkit::image::{Image, Layer};
//!
//! let image = Image::new()
//!     .layer(Layer::new().dir("etc", 0o755).file("etc/motd", "hello\n").gzip())
//!     .env("PATH=/bin")
//!     .build();
//! assert_eq!(image.layers.len(), 1);
//! ```

use std::fs;
use std::io::Write;
use std::path::Path;

use base::Digest;
use serde_json::{Value, json};
use tar::{EntryType, Header};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// A layer's tar, entry by entry, in any order and however wrong.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    tar: Vec<u8>,
}

/// The fields of one entry; see [`Layer::entry`].
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// Type flag: `b'0'` file, `b'5'` directory, `b'1'` hard link, `b'2'` symlink, `b'3'` character device, …
    pub kind: u8,
    /// Written as it is; cut at 100 bytes.
    pub name: &'a [u8],
    /// Target of a link; cut at 100 bytes.
    pub link: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u64,
    /// Group.
    pub gid: u64,
    /// Seconds since 1970.
    pub mtime: u64,
    /// Major and minor of a device.
    pub device: (u32, u32),
    /// Content.
    pub data: &'a [u8],
}

impl Default for Entry<'_> {
    fn default() -> Self {
        Self {
            kind: b'0',
            name: b"",
            link: b"",
            mode: 0o644,
            uid: 0,
            gid: 0,
            mtime: 1_700_000_000,
            device: (0, 0),
            data: b"",
        }
    }
}

impl Layer {
    /// No entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// A directory.
    #[must_use]
    pub fn dir(self, path: &str, mode: u32) -> Self {
        self.entry(Entry { kind: b'5', name: path.as_bytes(), mode, ..Entry::default() })
    }

    /// A file, mode 0644.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(Entry { name: path.as_bytes(), data: content.as_ref(), ..Entry::default() })
    }

    /// A file, mode 0755.
    #[must_use]
    pub fn program(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.entry(Entry { name: path.as_bytes(), data: content.as_ref(), mode: 0o755, ..Entry::default() })
    }

    /// A symbolic link.
    #[must_use]
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(Entry {
            kind: b'2',
            name: path.as_bytes(),
            link: target.as_bytes(),
            mode: 0o777,
            ..Entry::default()
        })
    }

    /// A hard link to an earlier entry.
    #[must_use]
    pub fn hardlink(self, path: &str, target: &str) -> Self {
        self.entry(Entry { kind: b'1', name: path.as_bytes(), link: target.as_bytes(), ..Entry::default() })
    }

    /// Hides `path` of the layers below.
    #[must_use]
    pub fn whiteout(self, path: &str) -> Self {
        let marker = match path.rsplit_once('/') {
            Some((dir, name)) => format!("{dir}/.wh.{name}"),
            None => format!(".wh.{path}"),
        };
        self.file(&marker, "")
    }

    /// Hides everything that the layers below have in `dir` (empty for the root).
    #[must_use]
    pub fn opaque(self, dir: &str) -> Self {
        let marker = if dir.is_empty() { ".wh..wh..opq".to_owned() } else { format!("{dir}/.wh..wh..opq") };
        self.file(&marker, "")
    }

    /// Extended header records for the next entry (`mtime`, `path`, `SCHILY.xattr.user.x`, …).
    #[must_use]
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut data = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while rest + length.to_string().len() != length {
                length = rest + length.to_string().len();
            }
            data.extend_from_slice(format!("{length} {key}=").as_bytes());
            data.extend_from_slice(value);
            data.push(b'\n');
        }
        self.entry(Entry { kind: b'x', name: b"PaxHeaders/x", data: &data, ..Entry::default() })
    }

    /// Any entry, with nothing checked.
    #[must_use]
    pub fn entry(mut self, entry: Entry<'_>) -> Self {
        let mut header = Header::new_ustar();
        header.set_entry_type(EntryType::new(entry.kind));
        header.set_mode(entry.mode);
        header.set_uid(entry.uid);
        header.set_gid(entry.gid);
        header.set_mtime(entry.mtime);
        header.set_size(entry.data.len() as u64);
        header.set_device_major(entry.device.0).expect("a ustar header has devices");
        header.set_device_minor(entry.device.1).expect("a ustar header has devices");
        let old = header.as_old_mut();
        let n = entry.name.len().min(old.name.len());
        old.name[..n].copy_from_slice(&entry.name[..n]);
        let n = entry.link.len().min(old.linkname.len());
        old.linkname[..n].copy_from_slice(&entry.link[..n]);
        header.set_cksum();
        self.tar.extend_from_slice(header.as_bytes());
        self.tar.extend_from_slice(entry.data);
        self.tar.resize(self.tar.len().next_multiple_of(512), 0);
        self
    }

    /// The uncompressed tar.
    pub fn tar(&self) -> Vec<u8> {
        let mut tar = self.tar.clone();
        tar.resize(tar.len() + 1024, 0);
        tar
    }

    /// Done, not compressed.
    pub fn plain(self) -> PackedLayer {
        let tar = self.tar();
        PackedLayer::new("application/vnd.oci.image.layer.v1.tar", tar.clone(), &tar)
    }

    /// Done, compressed with gzip.
    pub fn gzip(self) -> PackedLayer {
        let tar = self.tar();
        let mut encoder = flate2::GzBuilder::new().write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&tar).expect("memory takes everything");
        let bytes = encoder.finish().expect("memory takes everything");
        PackedLayer::new("application/vnd.oci.image.layer.v1.tar+gzip", bytes, &tar)
    }
}

/// A layer as a registry has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedLayer {
    /// OCI layer type.
    pub media_type: &'static str,
    /// The blob.
    pub bytes: Vec<u8>,
    /// Digest of the blob.
    pub digest: Digest,
    /// Digest of the uncompressed tar.
    pub diff_id: Digest,
}

impl PackedLayer {
    /// `bytes` as they are stored and the `tar` that they decompress to.
    pub fn new(media_type: &'static str, bytes: Vec<u8>, tar: &[u8]) -> Self {
        Self { media_type, digest: Digest::of(&bytes), diff_id: Digest::of(tar), bytes }
    }
}

/// What an image shall be.
#[derive(Debug, Clone)]
pub struct Image {
    layers: Vec<PackedLayer>,
    config: Value,
    manifest: Value,
}

impl Default for Image {
    fn default() -> Self {
        Self::new()
    }
}

impl Image {
    /// No layers, linux/amd64.
    pub fn new() -> Self {
        Self {
            layers: Vec::new(),
            config: json!({
                "created": "2026-01-01T00:00:00Z",
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": []},
            }),
            manifest: json!({"schemaVersion": 2, "mediaType": MANIFEST}),
        }
    }

    /// One with a layer that holds only `content`: different contents, different images.
    pub fn holding(content: &str) -> Self {
        Self::new().layer(Layer::new().file("content", content).gzip())
    }

    /// Adds a layer on top.
    #[must_use]
    pub fn layer(mut self, layer: PackedLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds `NAME=value` to the environment.
    #[must_use]
    pub fn env(mut self, variable: &str) -> Self {
        match &mut self.config["config"]["Env"] {
            Value::Array(list) => list.push(variable.into()),
            absent => *absent = json!([variable]),
        }
        self
    }

    /// Sets a field of the container configuration: `User`, `Entrypoint`, `Cmd`, `WorkingDir`, `Labels`, …
    #[must_use]
    pub fn set(mut self, field: &str, value: Value) -> Self {
        self.config["config"][field] = value;
        self
    }

    /// Adds a label.
    #[must_use]
    pub fn label(mut self, name: &str, value: &str) -> Self {
        self.config["config"]["Labels"][name] = value.into();
        self
    }

    /// `os/cpu`, instead of linux/amd64.
    #[must_use]
    pub fn platform(mut self, os: &str, architecture: &str) -> Self {
        self.config["os"] = os.into();
        self.config["architecture"] = architecture.into();
        self
    }

    /// The variant of the CPU.
    #[must_use]
    pub fn variant(mut self, variant: &str) -> Self {
        self.config["variant"] = variant.into();
        self
    }

    /// Sets a field of the manifest: `annotations`, `subject`, `artifactType`, …
    #[must_use]
    pub fn manifest_field(mut self, field: &str, value: Value) -> Self {
        self.manifest[field] = value;
        self
    }

    /// Done.
    pub fn build(self) -> BuiltImage {
        let Self { layers, mut config, mut manifest } = self;
        config["rootfs"]["diff_ids"] = layers.iter().map(|l| l.diff_id.to_string()).collect();
        let platform = json!({"os": config["os"], "architecture": config["architecture"]});
        let config = serde_json::to_vec(&config).expect("a value is JSON");
        manifest["config"] = descriptor(CONFIG, &config);
        manifest["layers"] = layers.iter().map(|l| descriptor(l.media_type, &l.bytes)).collect();
        let manifest = serde_json::to_vec(&manifest).expect("a value is JSON");
        BuiltImage { media_type: MANIFEST, digest: Digest::of(&manifest), manifest, config, layers, platform }
    }
}

/// An image in memory.
#[derive(Debug, Clone)]
pub struct BuiltImage {
    /// Type of the manifest.
    pub media_type: &'static str,
    /// Digest of the manifest.
    pub digest: Digest,
    /// The manifest.
    pub manifest: Vec<u8>,
    /// The configuration.
    pub config: Vec<u8>,
    /// Lowest first.
    pub layers: Vec<PackedLayer>,
    platform: Value,
}

impl BuiltImage {
    /// All content but the manifest: configuration first, then layers.
    pub fn blobs(&self) -> Vec<&[u8]> {
        std::iter::once(self.config.as_slice())
            .chain(self.layers.iter().map(|l| l.bytes.as_slice()))
            .collect()
    }

    /// What an index says about this image, as JSON.
    pub fn descriptor(&self) -> Value {
        let mut d = descriptor(self.media_type, &self.manifest);
        d["platform"] = self.platform.clone();
        d
    }

    /// Writes an OCI image layout with this image alone, named `name`; skopeo reads it as `oci:DIR:NAME`.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write_layout(&self, dir: &Path, name: &str) {
        let blobs = dir.join("blobs/sha256");
        fs::create_dir_all(&blobs).expect("a directory can be made");
        let write = |path: &Path, bytes: &[u8]| fs::write(path, bytes).expect("a file can be written");
        for blob in self.blobs().into_iter().chain([self.manifest.as_slice()]) {
            write(&blobs.join(Digest::of(blob).hex()), blob);
        }
        let mut entry = self.descriptor();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        let index = json!({"schemaVersion": 2, "manifests": [entry]}).to_string();
        write(&dir.join("index.json"), index.as_bytes());
        write(&dir.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#);
    }
}

/// An index over images: its bytes and media type.
pub fn index(images: &[&BuiltImage]) -> (Vec<u8>, &'static str) {
    let manifests: Value = images.iter().map(|i| i.descriptor()).collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    (serde_json::to_vec(&index).expect("a value is JSON"), INDEX)
}

fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes).to_string(), "size": bytes.len()})
}
