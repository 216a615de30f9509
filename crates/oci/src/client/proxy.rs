//! Ways through a firewall: the variables `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`, as values.

use std::fmt;

use reqwest::{ClientBuilder, NoProxy, Proxy};

/// This machine is never reached through a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// Which proxies registries are reached through.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// URL of the proxy for `https` registries.
    pub https: Option<String>,
    /// URL of the proxy for `http` registries.
    pub http: Option<String>,
    /// Hosts, domains and networks that are reached directly, separated by commas; `*` means all.
    pub exceptions: String,
}

impl Proxies {
    /// Reads the variables through `get`, lower case before upper case, as curl does; empty ones count as unset.
    pub fn from_variables(get: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| {
            let set = |name: &str| get(name).filter(|value| !value.is_empty());
            set(&name.to_lowercase()).or_else(|| set(name))
        };
        let all = get("ALL_PROXY");
        Self {
            https: get("HTTPS_PROXY").or_else(|| all.clone()),
            http: get("HTTP_PROXY").or(all),
            exceptions: get("NO_PROXY").unwrap_or_default(),
        }
    }

    /// Nothing of the process's own environment is used.
    pub(super) fn apply(&self, builder: ClientBuilder) -> Result<ClientBuilder, reqwest::Error> {
        let exceptions = || NoProxy::from_string(&format!("{LOOPBACK},{}", self.exceptions));
        let mut builder = builder.no_proxy();
        if let Some(url) = &self.https {
            builder = builder.proxy(Proxy::https(url)?.no_proxy(exceptions()));
        }
        if let Some(url) = &self.http {
            builder = builder.proxy(Proxy::http(url)?.no_proxy(exceptions()));
        }
        Ok(builder)
    }
}

impl fmt::Debug for Proxies {
    /// The URLs may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("https", &self.https.is_some())
            .field("http", &self.http.is_some())
            .field("exceptions", &self.exceptions)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_become_values() {
        let proxies = Proxies::from_variables(|name| match name {
            "https_proxy" => Some("http://lower:1".to_owned()),
            "HTTPS_PROXY" => Some("http://upper:1".to_owned()),
            "HTTP_PROXY" => Some(String::new()),
            "ALL_PROXY" => Some("http://u:hunter2@all:1".to_owned()),
            "NO_PROXY" => Some(".corp".to_owned()),
            _ => None,
        });
        assert_eq!(proxies.https.as_deref(), Some("http://lower:1"));
        assert_eq!(proxies.http.as_deref(), Some("http://u:hunter2@all:1"));
        assert_eq!(proxies.exceptions, ".corp");
        assert!(!format!("{proxies:?}").contains("hunter2"));
        assert_eq!(Proxies::from_variables(|_| None), Proxies::default());
    }
}
