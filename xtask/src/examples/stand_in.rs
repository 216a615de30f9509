//! One Debian image that stands in for every image the examples name: built from packages, never pulled, and kept under
//! `target/` by its recipe. The names share its layers and differ in shell, entry point, command and user.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use base::Digest;
use oci::layer::LayerWriter;
use oci::manifest::{ContainerConfig, Descriptor, RootFs};
use oci::media::Compression;
use oci::unpack::Layers;
use oci::{Image, ImageConfig, Platform, Store, media};
use rustix::fs::{FlockOperation, flock};

/// Where the variants are in the store.
const REPOSITORY: &str = "stand-in";

/// The Debian release that packages come from, whatever this machine is.
const SUITE: &str = "trixie";

/// What scripts of examples call.
const PACKAGES: [&str; 12] = [
    "busybox",
    "ca-certificates",
    "curl",
    "git",
    "jq",
    "nodejs",
    "openssh-client",
    "openssh-server",
    "openssl",
    "perl",
    "procps",
    "python3",
];

/// Nothing reads them there, and they are a third of the files.
const LEFT_OUT: [&str; 4] =
    ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/nodejs/corepack/*"];

/// What the packages leave to us; `$1` is the root of the new system.
const FINISH: &str = include_str!("finish.sh");

/// An image that many examples name, as far as it differs from the others.
struct Variant {
    /// Matches the names it stands in for; see `sw run --image`.
    pattern: &'static str,
    /// Its tag in the store.
    tag: &'static str,
    /// What `sh` is: Debian's own, or busybox as in Alpine.
    shell: Shell,
    entrypoint: &'static [&'static str],
    cmd: &'static [&'static str],
    user: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shell {
    Dash,
    Busybox,
}

/// Takes words that begin with `-` as options of the program before them, and others as a command.
const OR_COMMAND: &str = "/usr/local/bin/or-command";

/// The first match counts, so the last one is for everything else.
const VARIANTS: [Variant; 8] = [
    variant("*alpine-git*", "git-nonroot", Shell::Busybox, &[], &["sh"], "nonroot"),
    variant("*/git*", "git", Shell::Busybox, &["git"], &["--help"], ""),
    variant("*bash*", "bash", Shell::Busybox, &[OR_COMMAND, "bash"], &["bash"], ""),
    variant("*node*", "node", Shell::Busybox, &[OR_COMMAND, "node"], &["node"], ""),
    variant("*python*", "python", Shell::Dash, &[], &["python3"], ""),
    variant("*perl*", "perl", Shell::Dash, &[], &["perl", "-de0"], ""),
    variant("*ubuntu*", "ubuntu", Shell::Dash, &[], &["/bin/bash"], ""),
    variant("*", "busybox", Shell::Busybox, &[], &["sh"], ""),
];

const fn variant(
    pattern: &'static str,
    tag: &'static str,
    shell: Shell,
    entrypoint: &'static [&'static str],
    cmd: &'static [&'static str],
    user: &'static str,
) -> Variant {
    Variant { pattern, tag, shell, entrypoint, cmd, user }
}

/// The image on disk.
#[derive(Debug, Clone)]
pub struct StandIn {
    /// The store it is in, and its layer, unpacked.
    dir: PathBuf,
}

impl StandIn {
    /// The image store, to be used as that of a home.
    pub fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// The unpacked layers, to be used as those of a home.
    pub fn layers(&self) -> PathBuf {
        self.dir.join("layers")
    }

    /// `PATTERN=TARGET` for `sw run --image`, in order.
    pub fn aliases() -> impl Iterator<Item = String> {
        VARIANTS.iter().map(|v| format!("{}={}", v.pattern, v.name()))
    }
}

impl Variant {
    /// The reference it has in the store.
    fn name(&self) -> String {
        format!("localhost/{REPOSITORY}:{}", self.tag)
    }
}

/// The image; built when `cache` has none of this recipe. It replaces what was built from another, and what an
/// interrupted build left.
///
/// # Errors
/// When packages cannot be had, or the disk fails.
pub fn prepare(cache: &Path) -> Result<StandIn> {
    fs::create_dir_all(cache)?;
    let lock = File::create(cache.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    let dir = cache.join(Digest::of(recipe()).short());
    if !dir.is_dir() {
        for entry in fs::read_dir(cache)? {
            let old = entry?.path();
            if old.is_dir() {
                fs::remove_dir_all(old)?;
            }
        }
        println!("building the stand-in image of {} packages from Debian {SUITE}", PACKAGES.len());
        let work = cache.join("unfinished");
        fs::create_dir(&work)?;
        build(&work)?;
        fs::rename(work, &dir)?;
    }
    Ok(StandIn { dir })
}

/// Everything that decides what is built.
fn recipe() -> String {
    let variants = VARIANTS
        .iter()
        .map(|v| format!("{} {:?} {:?} {:?} {}\n", v.tag, v.shell, v.entrypoint, v.cmd, v.user));
    format!("{SUITE}\n{PACKAGES:?}\n{LEFT_OUT:?}\n{}{FINISH}", variants.collect::<String>())
}

/// Makes store and layers in `dir`.
fn build(dir: &Path) -> Result<()> {
    let store = Store::open(dir.join("store"))?;
    let debian = debian(dir, &store)?;
    let busybox = busybox(&store)?;
    let platform = Platform::host();
    let unpacked = Layers::open(dir.join("layers"))?;
    for variant in &VARIANTS {
        let layers = match variant.shell {
            Shell::Dash => vec![debian.clone()],
            Shell::Busybox => vec![debian.clone(), busybox.clone()],
        };
        let words = |words: &[&str]| Some(words.iter().map(|&w| w.to_owned()).collect());
        let config = ImageConfig {
            os: platform.os.clone(),
            architecture: platform.architecture.clone(),
            config: ContainerConfig {
                entrypoint: words(variant.entrypoint),
                cmd: words(variant.cmd),
                user: variant.user.to_owned(),
                ..ContainerConfig::default()
            },
            // They are not compressed, so that their digests are those of the layers.
            rootfs: RootFs { diff_ids: layers.iter().map(|l| l.digest).collect(), ..RootFs::default() },
            ..ImageConfig::default()
        };
        let config = serde_json::to_vec(&config)?;
        store.put(&config)?;
        let manifest = serde_json::to_vec(&serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media::OCI_MANIFEST,
            "config": Descriptor::of(media::OCI_CONFIG, &config),
            "layers": layers,
        }))?;
        store.put_manifest(REPOSITORY, media::OCI_MANIFEST, &manifest, Some(variant.tag))?;
        // Now, so that no example waits for it.
        let stored = store.manifest(REPOSITORY, variant.tag)?.context("it was stored just now")?;
        unpacked.prepare(&store, &Image::load(&store, &stored, &platform)?)?;
    }
    Ok(())
}

/// A layer that makes `sh` what it is in Alpine.
fn busybox(store: &Store) -> Result<Descriptor> {
    let mut layer = LayerWriter::new(Vec::new(), Compression::None, 0)?;
    layer.symlink("usr/bin/sh", "busybox")?;
    let layer = layer.finish()?;
    store.put(&layer.out)?;
    Ok(layer.descriptor)
}

/// A layer with a Debian of the packages.
fn debian(dir: &Path, store: &Store) -> Result<Descriptor> {
    let (finish, log) = (dir.join("finish"), dir.join("mmdebstrap.log"));
    fs::write(&finish, FINISH)?;
    let mut mmdebstrap = Command::new("mmdebstrap");
    mmdebstrap
        .args(["--variant=essential", "--format=tar", "--aptopt=APT::Install-Recommends \"false\""])
        .arg("--dpkgopt=force-unsafe-io")
        .args(LEFT_OUT.map(|path| format!("--dpkgopt=path-exclude={path}")))
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg(format!("--customize-hook=sh {} \"$1\"", finish.display()))
        .arg("--skip=cleanup/run")
        .args([SUITE, "-"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(File::create(&log)?);
    let mut child = mmdebstrap.spawn().context("starting mmdebstrap; `scripts/packages test` installs it")?;
    let mut tar = child.stdout.take().context("its output was asked for")?;
    let stored = store.put_from(&mut tar, None);
    if !child.wait()?.success() {
        bail!("mmdebstrap failed:\n{}", fs::read_to_string(&log).unwrap_or_default());
    }
    let (digest, size) = stored?;
    Ok(Descriptor::new(media::OCI_LAYER, digest, size))
}
