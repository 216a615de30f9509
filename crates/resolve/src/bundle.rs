//! The resolver `bundles`: an object that is a layer of an image.

use std::io::Read;

use git::Until;
use oci::auth::Keychain;
use oci::client::{Client, ClientConfig};
use oci::layer::LayerReader;
use oci::layer::tar::{Kind, TarReader};
use oci::{Descriptor, Manifest, Reference, StoredManifest};
use tekton::types::status::RefSource;

use crate::params::Params;
use crate::problem::Problem;
use crate::source::{Fetched, LARGEST, Machine, Source, text};

/// The annotations of a layer that say what is in it.
const NAME: &str = "dev.tekton.image.name";
const KIND: &str = "dev.tekton.image.kind";
const VERSION: &str = "dev.tekton.image.apiVersion";

/// More objects than anybody has in one bundle.
const MOST_LAYERS: usize = 100;

/// An object in an image.
pub struct Bundle {
    image: Reference,
    name: String,
    /// In lower case.
    kind: String,
    /// The credentials that the reference names; without them the user's own are taken.
    keychain: Option<(String, String)>,
}

impl Bundle {
    /// `bundle`, `name`, `kind`, and `secret` or `serviceAccount` for credentials.
    pub fn new(params: Params<'_>) -> Result<Self, Problem> {
        let image = params.required("bundle")?;
        let image = image.parse().map_err(|e| Problem::Param(format!("the param `bundle`: {e}")))?;
        let secret = match (params.text("secret"), params.text("serviceAccount")) {
            (Some(secret), _) => Some(secret.to_owned()),
            (None, Some("default") | None) => None,
            (None, Some(account)) => account_secret(params, account)?,
        };
        let keychain = secret.map(|secret| {
            let text = params.secret(&secret, ".dockerconfigjson")?;
            Ok::<_, Problem>((format!("secret {secret}"), text.reveal().to_owned()))
        });
        Ok(Self {
            image,
            name: params.required("name")?.to_owned(),
            kind: params.text("kind").unwrap_or("task").to_lowercase(),
            keychain: keychain.transpose()?,
        })
    }

    fn failed(&self, why: impl std::fmt::Display) -> Problem {
        Problem::Fetch { what: self.describe(), why: why.to_string() }
    }

    fn wrong(&self, why: impl std::fmt::Display) -> Problem {
        Problem::Content { what: self.describe(), why: why.to_string() }
    }

    /// The layer that holds the object; the others must say what they are, too.
    fn layer(&self, stored: &StoredManifest) -> Result<Descriptor, Problem> {
        let manifest = Manifest::parse(&stored.media_type, &stored.bytes).map_err(|e| self.wrong(e))?;
        let Manifest::Image(manifest) = manifest else {
            return Err(self.wrong("it is an index of images; a bundle is a single image"));
        };
        if manifest.layers.len() > MOST_LAYERS {
            return Err(self.wrong(format!("it has more than {MOST_LAYERS} layers")));
        }
        let mut known = Vec::new();
        for (i, layer) in manifest.layers.iter().enumerate() {
            for annotation in [VERSION, KIND, NAME] {
                if !layer.annotations.contains_key(annotation) {
                    return Err(self.wrong(format!(
                        "layer {i} has no annotation {annotation}: this image is not a Tekton bundle"
                    )));
                }
            }
            let (kind, name) = (layer.annotations[KIND].to_lowercase(), &layer.annotations[NAME]);
            if kind.trim_end_matches('s') == self.kind.trim_end_matches('s') && *name == self.name {
                return Ok(layer.clone());
            }
            known.push(format!("{kind} {name}"));
        }
        let known = if known.is_empty() { "nothing".to_owned() } else { known.join(", ") };
        Err(self.wrong(format!("could not find it in the image, which holds {known}")))
    }

    /// The one file of a layer.
    fn unpack(&self, layer: &Descriptor, bytes: &[u8]) -> Result<Vec<u8>, Problem> {
        // A tar of one file has little besides the file.
        let limit = LARGEST as u64 + (1 << 20);
        let reader = LayerReader::new(bytes, &layer.media_type, limit).map_err(|e| self.wrong(e))?;
        let mut tar = TarReader::new(reader);
        while let Some(entry) = tar.next_entry().map_err(|e| self.wrong(e))? {
            if entry.kind != Kind::File {
                continue;
            }
            let mut content = Vec::new();
            tar.by_ref().take(LARGEST as u64 + 1).read_to_end(&mut content).map_err(|e| self.wrong(e))?;
            if content.len() > LARGEST {
                return Err(self.wrong(format!("it has more than {}", base::size::bytes(LARGEST as u64))));
            }
            return Ok(content);
        }
        Err(self.wrong("its layer holds no file"))
    }
}

impl Source for Bundle {
    fn describe(&self) -> String {
        format!("{} {} of the bundle {}", self.kind, self.name, self.image)
    }

    fn is_fixed(&self) -> bool {
        self.image.digest().is_some()
    }

    fn fetch(&self, machine: &Machine, _until: &Until) -> Result<Fetched, Problem> {
        let here = match self.image.digest() {
            Some(digest) => machine.store.manifest_by_digest(digest),
            None => machine.store.resolve(&self.image),
        };
        let (stored, bytes, layer) = match here.map_err(|e| self.failed(e))? {
            Some(stored) => {
                let layer = self.layer(&stored)?;
                let bytes = machine.store.read(layer.digest, LARGEST as u64);
                (stored, bytes.map_err(|e| self.failed(e))?, layer)
            }
            None if machine.offline => return Err(Problem::Offline { what: self.describe() }),
            None => {
                let own = self.keychain.as_ref().map(|(origin, text)| {
                    let keychain = Keychain::from_text(origin, text).map_err(|e| self.failed(e))?;
                    let proxies = machine.proxies.clone();
                    Ok::<_, Problem>(Client::new(ClientConfig {
                        keychain,
                        proxies,
                        ..ClientConfig::default()
                    }))
                });
                let own = own.transpose()?;
                let client = own.as_ref().unwrap_or(&machine.client);
                let stored = client.manifest(&self.image).map_err(|e| self.failed(e))?;
                let layer = self.layer(&stored)?;
                if layer.size > LARGEST as u64 {
                    return Err(self.wrong(format!("its layer has {}", base::size::bytes(layer.size))));
                }
                let mut bytes = Vec::new();
                client.blob(&self.image, &layer, &mut bytes, &()).map_err(|e| self.failed(e))?;
                (stored, bytes, layer)
            }
        };
        let digest = [("sha256".to_owned(), stored.digest.hex())].into();
        Ok(Fetched {
            text: text(&self.describe(), self.unpack(&layer, &bytes)?)?,
            source: RefSource { uri: self.image.name(), digest, entry_point: self.name.clone() },
        })
    }
}

/// The secret with which an account pulls images.
fn account_secret(params: Params<'_>, account: &str) -> Result<Option<String>, Problem> {
    let missing =
        || Problem::Secret(format!("serviceaccount {account:?} not found; add it to the files of this run"));
    let account = params.catalog.service_account(account).ok_or_else(missing)?;
    Ok(account.image_pull_secrets.first().map(|secret| secret.name.clone()))
}
