//! `sw vendor`: files with everything that their remote references mean, in a folder that runs without a network.

use std::fs;
use std::path::Path;

use base::{Digest, Exit};
use oci::auth::Keychain;
use oci::client::{Client, ClientConfig, Platforms, RetryPolicy};
use oci::layout::export;
use oci::{Platform, Reference, Store};
use resolve::Resolving;
use resolve::lock::{self, Image, Lock};
use resolve::vendor::{Vendored, vendor};
use tekton::catalog::Catalog;

use super::Ended;
use super::inputs::read_all;
use super::remote::remote;
use crate::cli::VendorArgs;
use crate::failure::Failure;
use crate::settings::{Home, auth_environment, proxies};

/// Writes the folder; it appears whole or not at all.
pub fn run(home: &Home, args: &VendorArgs) -> Result<Ended, Failure> {
    let to = &args.to;
    if fs::read_dir(to).is_ok_and(|mut entries| entries.next().is_some()) {
        let message = format!("{} is not empty; remove it, or choose another folder", to.display());
        return Err(Failure::invalid(message));
    }
    let documents = read_all(&args.inputs)?;
    let mut unnamed = 0;
    let mut complete = |prefix: &str| {
        unnamed += 1;
        format!("{prefix}{unnamed}")
    };
    let catalog = Catalog::new(documents, &mut complete)?;
    let remote = remote(home, false, None)?;
    let vendored = vendor(catalog.documents(), &Resolving { catalog: &catalog, remote: &remote })?;

    let store = Store::open(home.store())?;
    let client = client(args.images)?;
    let images: Vec<Image> =
        vendored.images.iter().map(|name| image(name, &store, &client, args.images)).collect();
    let at = |e: std::io::Error| Failure::invalid(format!("cannot write {}: {e}", to.display()));
    let beside = std::path::absolute(to).map_err(at)?;
    let parent = beside.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(at)?;
    let work = tempfile::Builder::new().prefix(".sw-vendor-").tempdir_in(parent).map_err(at)?;
    fill(work.path(), &vendored, &images).map_err(at)?;
    if args.images {
        let named: Vec<(Digest, &str)> =
            images.iter().filter_map(|i| Some((i.digest?, i.name.as_str()))).collect();
        export(&store, &named, &work.path().join("images"))?;
    }
    fs::rename(work.path(), to).map_err(at)?;
    // It has another name now; the old one is not to be removed.
    let _ = work.keep();
    tell(args, &vendored, &images);
    let lost = args.images && images.iter().any(|i| i.digest.is_none());
    Ok(if lost { Exit::Failed } else { Exit::Success }.into())
}

/// A digest is nice to have: a registry that is not there is not asked for long. An image that was asked for is worth waiting.
fn client(patient: bool) -> Result<Client, Failure> {
    let keychain = Keychain::load(&auth_environment())?;
    let usual = RetryPolicy::default();
    let retry = if patient { usual } else { RetryPolicy { attempts: 2, ..usual } };
    Ok(Client::new(ClientConfig { keychain, proxies: proxies(), retry, ..ClientConfig::default() }))
}

fn fill(dir: &Path, vendored: &Vendored, images: &[Image]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    for (name, text) in &vendored.files {
        fs::write(dir.join(name), text)?;
    }
    let lock = Lock { definitions: vendored.definitions.clone(), images: images.to_vec() };
    let text = stream::yaml::document(&lock)?;
    fs::write(dir.join(lock::FILE), format!("{}{text}", lock::HEADER))
}

/// The digest of an image: that of the store, else that of its registry. `fetch` brings it into the store.
fn image(name: &str, store: &Store, client: &Client, fetch: bool) -> Image {
    let known = |digest| Image { name: name.to_owned(), digest: Some(digest), problem: None };
    let unknown = |problem: String| Image { name: name.to_owned(), digest: None, problem: Some(problem) };
    if name.contains("$(") {
        return unknown("known only when it runs".to_owned());
    }
    let reference: Reference = match name.parse() {
        Ok(reference) => reference,
        Err(e) => return unknown(format!("{e}")),
    };
    match store.resolve(&reference) {
        Ok(Some(stored)) => return known(stored.digest),
        Ok(None) => {}
        Err(e) => return unknown(e.to_string()),
    }
    let digest = match fetch {
        // The image itself and not its index, of which only this child would be there.
        true => {
            client.pull(&reference, store, &Platforms::One(Platform::host()), &()).map(|m| Some(m.digest))
        }
        false => client.head(&reference).map(|found| found.map(|d| d.digest)),
    };
    match digest {
        Ok(Some(digest)) => known(digest),
        Ok(None) => unknown("its registry has no such image".to_owned()),
        Err(e) => unknown(e.to_string()),
    }
}

fn tell(args: &VendorArgs, vendored: &Vendored, images: &[Image]) {
    for d in &vendored.definitions {
        let from = crate::output::terminal::source_line(&d.uri, &d.digest, &d.entry_point);
        anstream::println!("{} {} from {from}", d.kind, d.name);
    }
    for image in images {
        match (&image.digest, &image.problem) {
            (Some(digest), _) => anstream::println!("image {} {digest}", image.name),
            (None, why) => {
                anstream::eprintln!(
                    "warning: image {}: {}",
                    image.name,
                    why.as_deref().unwrap_or("not found")
                );
            }
        }
    }
    for note in &vendored.notes {
        anstream::eprintln!("note: {note}");
    }
    let to = args.to.display();
    anstream::eprintln!(
        "wrote {} files to {to}; run them with `sw run --offline {to}`",
        vendored.files.len()
    );
}
