//! The resolver `http`: a document at an address.

use base::Digest;
use git::Until;
use git::address::redacted;
use oci::auth::Credential;
use sha2::Digest as _;
use tekton::types::status::RefSource;

use crate::params::Params;
use crate::problem::Problem;
use crate::source::{Fetched, LARGEST, Machine, Source, text};

/// A document at an address.
pub struct HttpFile {
    url: String,
    /// Algorithm and hexadecimal digits.
    digest: Option<(String, String)>,
    login: Option<Credential>,
}

impl HttpFile {
    /// `url`, `digest`, and a login: `http-username`, `http-password-secret`, `http-password-secret-key`.
    pub fn new(params: Params<'_>) -> Result<Self, Problem> {
        let url = params.required("url")?.to_owned();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            let message = format!("the url `{}` must begin with http:// or https://", redacted(&url));
            return Err(Problem::Param(message));
        }
        let login = match (params.text("http-username"), params.text("http-password-secret")) {
            (Some(username), Some(secret)) => {
                let key = params.text("http-password-secret-key").unwrap_or("password");
                Some(Credential::Basic { username: username.into(), password: params.secret(secret, key)? })
            }
            (None, None) => None,
            _ => {
                let message = "http-username and http-password-secret belong together; give both or none";
                return Err(Problem::Param(message.to_owned()));
            }
        };
        let digest = params.text("digest").map(digest).transpose()?;
        Ok(Self { url, digest, login })
    }
}

impl Source for HttpFile {
    fn describe(&self) -> String {
        redacted(&self.url)
    }

    fn is_fixed(&self) -> bool {
        self.digest.is_some()
    }

    fn fetch(&self, machine: &Machine, _until: &Until) -> Result<Fetched, Problem> {
        let bytes = machine.page(&self.describe(), &self.url, self.login.as_ref())?;
        if let Some((algorithm, expected)) = &self.digest {
            let found = match algorithm.as_str() {
                "sha512" => hex(&sha2::Sha512::digest(&bytes)),
                _ => Digest::of(&bytes).hex(),
            };
            if found != *expected {
                let why = format!("it has digest {algorithm}:{found} instead of {algorithm}:{expected}");
                return Err(Problem::Content { what: self.describe(), why });
            }
        }
        let digest = [("sha256".to_owned(), Digest::of(&bytes).hex())].into();
        let source = RefSource { uri: redacted(&self.url), digest, entry_point: String::new() };
        Ok(Fetched { text: text(&self.describe(), bytes)?, source })
    }
}

impl Machine {
    /// The document at `url`, which messages call `what`.
    ///
    /// # Errors
    /// See [`Problem`].
    pub(crate) fn page(&self, what: &str, url: &str, login: Option<&Credential>) -> Result<Vec<u8>, Problem> {
        if self.offline {
            return Err(Problem::Offline { what: what.to_owned() });
        }
        let failed = |why: String| Problem::Fetch { what: what.to_owned(), why };
        let page = self.web.get(url, login, LARGEST).map_err(|e| failed(e.to_string()))?;
        match page.status {
            200 => Ok(page.bytes),
            401 | 403 => Err(failed(format!("the server refuses it (status {}); give a login", page.status))),
            404 | 410 => Err(failed(format!("there is no such document (status {})", page.status))),
            status => Err(failed(format!("the server answered with status {status}"))),
        }
    }
}

/// `sha256:<hex>` or `sha512:<hex>`.
fn digest(text: &str) -> Result<(String, String), Problem> {
    let length = match text.split_once(':') {
        Some(("sha256", _)) => 64,
        Some(("sha512", _)) => 128,
        _ => 0,
    };
    let (algorithm, hex) = text.split_once(':').unwrap_or_default();
    if length == 0 || hex.len() != length || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        let message =
            format!("the digest `{text}` is not written as sha256:… or sha512:… with hexadecimal digits");
        return Err(Problem::Param(message));
    }
    Ok((algorithm.to_owned(), hex.to_lowercase()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
