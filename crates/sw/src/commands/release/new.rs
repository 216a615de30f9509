//! `sw release new`: a payload from images, for one platform or a list for several.

use base::{Digest, Exit, Hasher};
use jiff::Timestamp;
use oci::store::StoredManifest;
use oci::{Platform, Reference, Store};
use release::payload::assemble::{Base, Component, Request, assemble};
use release::payload::registry::Fetching;
use release::payload::several::{self, Lists, ReleasePlatforms, lists::Destination, push};

use super::{client, parse, scratch_store, write};
use crate::cli::ReleaseNewArgs;
use crate::commands::Ended;
use crate::failure::Failure;

/// A release that was pushed.
struct Pushed {
    name: String,
    digest: Digest,
    at: Reference,
}

/// Carries out `sw release new`.
pub fn run(args: &ReleaseNewArgs) -> Result<Ended, Failure> {
    let to = parse(&args.to_repository)?;
    let components = args.images.iter().map(|(tag, spec)| {
        let component = Component::new(tag.clone(), parse(spec)?);
        Ok(match published(args, spec) {
            Some(pull_spec) => component.pulled_from(pull_spec),
            None => component,
        })
    });
    let components = components.collect::<Result<Vec<_>, Failure>>()?;
    let created = match args.epoch {
        Some(seconds) => {
            Timestamp::from_second(seconds).map_err(|e| Failure::invalid(format!("--epoch: {e}")))?
        }
        None => Timestamp::now(),
    };
    let pushed = match args.platforms.as_slice() {
        [platform] => for_one(args, &to, platform, components, created)?,
        several => for_several(args, &to, several, &components, created)?,
    };
    write(&args.pullspec_file, &pushed.at.to_string())?;
    write(&args.digest_file, &pushed.digest.to_string())?;
    write(&args.name_file, &pushed.name)?;
    anstream::println!("{} {} {created}", pushed.digest, pushed.name);
    Ok(Exit::Success.into())
}

/// One release image.
fn for_one(
    args: &ReleaseNewArgs,
    to: &Reference,
    platform: &Platform,
    components: Vec<Component>,
    created: Timestamp,
) -> Result<Pushed, Failure> {
    let content = components.iter().map(|c| (c.tag.as_str(), c.digest()));
    let name = release_name(args, content, &[]);
    let mut request = request(args, name.clone(), created, components);
    request.platform = platform.clone();

    let (_scratch, store) = scratch_store()?;
    let client = client(to, args.insecure.insecure)?;
    let content = Fetching::new(&store, &client, &());
    let assembled = assemble(&request, &content)?;
    warn(&assembled.warnings);
    let tagged = tagged(to, &name)?;
    assembled.store_own_blobs(&store, &tagged)?;
    let manifest = StoredManifest::from(assembled.raw_manifest());
    client.push_made(&manifest, &tagged, &[assembled.base], &store, &())?;
    Ok(Pushed { name, digest: manifest.digest, at: tagged.at_digest(manifest.digest) })
}

/// A list of release images, and a list of images for each tag.
fn for_several(
    args: &ReleaseNewArgs,
    to: &Reference,
    platforms: &[Platform],
    components: &[Component],
    created: Timestamp,
) -> Result<Pushed, Failure> {
    let (_scratch, store): (_, Store) = scratch_store()?;
    let client = client(to, args.insecure.insecure)?;
    let content = Fetching::new(&store, &client, &());
    let platforms = ReleasePlatforms::new(platforms)?;
    let destination = Destination { release: to, published: &|spec| published(args, spec) };
    let lists = Lists::read(components, platforms, &destination, &content, 0)?;

    let of_lists = lists.tags.iter().map(|list| (list.tag.as_str(), Some(list.digest)));
    let name = release_name(args, of_lists, lists.platforms.as_slice());
    let request = request(args, name.clone(), created, Vec::new());
    let tagged = tagged(to, &name)?;
    let assembled = several::assemble(&request, &lists, &store, &tagged)?;
    warn(&assembled.warnings);
    push::release(&client, &assembled, &lists, &tagged, &store)?;
    Ok(Pushed { name, digest: assembled.digest(), at: tagged.at_digest(assembled.digest()) })
}

fn request(args: &ReleaseNewArgs, name: String, created: Timestamp, components: Vec<Component>) -> Request {
    let mut request = Request::new(name, created, components);
    request.base = Base::Tag(args.to_image_base_tag.clone());
    request.previous.clone_from(&args.previous);
    request.options.keep_unreferenced = args.keep_all;
    request
}

/// What clusters pull instead of what is read here.
fn published(args: &ReleaseNewArgs, spec: &str) -> Option<String> {
    args.published.iter().find_map(|(from, to)| Some(format!("{to}{}", spec.strip_prefix(from.as_str())?)))
}

fn warn(warnings: &base::Diagnostics) {
    for warning in &warnings.0 {
        anstream::eprintln!("{}", warning.render(false));
    }
}

/// The release's name as a tag, which has no `+`.
fn tagged(to: &Reference, name: &str) -> Result<Reference, Failure> {
    Ok(to.at_tag(&name.replace('+', "_"))?)
}

/// The given name, or one made of stream, version and content: the same content has the same name (docs/decisions/0003).
/// `platforms` are those of a release for several.
fn release_name<'a>(
    args: &ReleaseNewArgs,
    content: impl Iterator<Item = (&'a str, Option<Digest>)>,
    platforms: &[Platform],
) -> String {
    if let Some(name) = &args.name {
        return name.clone();
    }
    let digest = |digest: Option<Digest>| digest.map(|digest| digest.to_string()).unwrap_or_default();
    let mut content: Vec<String> = content.map(|(tag, of)| format!("{tag}={}", digest(of))).collect();
    content.sort();
    let mut hasher = Hasher::new();
    content.iter().for_each(|c| hasher.field(c));
    hasher.field(&args.to_image_base_tag);
    hasher.field(args.epoch.unwrap_or_default().to_le_bytes());
    platforms.iter().for_each(|platform| hasher.field(platform.to_string()));
    let (stream, version) =
        (args.stream.as_deref().unwrap_or_default(), args.version.as_deref().unwrap_or_default());
    format!("{version}-{stream}.k{}", hasher.finish().short())
}
