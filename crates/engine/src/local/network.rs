//! What the containers of a pod are told about the network: /etc/hosts and /etc/resolv.conf (tekton.md §1.8).
//!
//! Containers share this machine's network, so both begin with what holds here, as for a pod with `hostNetwork`.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tekton::types::PodTemplate;
use tekton::types::pod::{HostAlias, PodDnsConfig};

use super::bundle::{Mounted, What};

/// Name servers that the C library asks.
const MOST_SERVERS: usize = 3;

/// Writes both files into `dir`, which is made, and gives their mounts. As on a cluster, containers may change them, for
/// all containers of the pod.
///
/// # Errors
/// Addresses and names that are none; a folder that cannot be written.
pub fn files(dir: &Path, pod_name: &str, pod: &PodTemplate) -> Result<Vec<Mounted>, NetworkError> {
    let here = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let hosts = hosts(&here("/etc/hosts"), pod_name, &pod.host_aliases)?;
    let resolver = here("/etc/resolv.conf");
    let resolver = resolver_config(&resolver, pod.dns_policy.as_deref(), pod.dns_config.as_ref())?;
    let failed = |source| NetworkError::Write { dir: dir.to_owned(), source };
    fs::create_dir_all(dir).map_err(failed)?;
    let files = [("hosts", hosts), ("resolv.conf", resolver)];
    let mounts = files.into_iter().map(|(name, text)| {
        let source = dir.join(name);
        // Every user of a container looks names up.
        fs::write(&source, text)
            .and_then(|()| fs::set_permissions(&source, fs::Permissions::from_mode(0o644)))
            .map_err(failed)?;
        Ok(Mounted { target: Path::new("/etc").join(name), what: What::Bind { source, read_only: false } })
    });
    mounts.collect()
}

/// This machine's names, the pod's own, then the aliases.
fn hosts(here: &str, pod_name: &str, aliases: &[HostAlias]) -> Result<String, NetworkError> {
    let mut text = here.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(&format!("127.0.0.1\t{pod_name}\n"));
    for alias in aliases {
        let address = address("hostAliases", &alias.ip)?;
        let names = alias.hostnames.iter().map(|name| word("hostAliases", name));
        text.push_str(&format!("{address}\t{}\n", names.collect::<Result<Vec<_>, _>>()?.join("\t")));
    }
    Ok(text)
}

/// What the pod asks for added to what holds here; with the policy `None` nothing else.
fn resolver_config(
    here: &str,
    policy: Option<&str>,
    config: Option<&PodDnsConfig>,
) -> Result<String, NetworkError> {
    let alone = policy == Some("None");
    let Some(config) = config.filter(|c| alone || **c != PodDnsConfig::default()) else {
        return if alone { Err(NetworkError::NoServers) } else { Ok(here.to_owned()) };
    };
    let inherited = |keyword: &str| -> Vec<String> {
        let lines = here.lines().filter(|_| !alone).map(str::split_whitespace);
        let found = lines.filter_map(|mut words| (words.next() == Some(keyword)).then_some(words));
        found.flatten().map(str::to_owned).collect()
    };
    let (mut servers, mut searches, mut options) =
        (inherited("nameserver"), inherited("search"), inherited("options"));
    let add = |list: &mut Vec<String>, item: String| {
        if !list.contains(&item) {
            list.push(item);
        }
    };
    for server in &config.nameservers {
        add(&mut servers, address("dnsConfig.nameservers", server)?.to_string());
    }
    for search in &config.searches {
        add(&mut searches, word("dnsConfig.searches", search)?.to_owned());
    }
    for option in &config.options {
        let name = word("dnsConfig.options", &option.name)?;
        options.retain(|o| o.split(':').next() != Some(name));
        options.push(match option.value.as_deref() {
            None | Some("") => name.to_owned(),
            Some(value) => format!("{name}:{}", word("dnsConfig.options", value)?),
        });
    }
    if alone && servers.is_empty() {
        return Err(NetworkError::NoServers);
    }
    let mut text: String = servers.iter().take(MOST_SERVERS).map(|s| format!("nameserver {s}\n")).collect();
    for (keyword, words) in [("search", searches), ("options", options)] {
        if !words.is_empty() {
            text.push_str(&format!("{keyword} {}\n", words.join(" ")));
        }
    }
    Ok(text)
}

fn address(field: &'static str, text: &str) -> Result<IpAddr, NetworkError> {
    text.parse().map_err(|_| NetworkError::Address { field, text: text.to_owned() })
}

/// A word cannot end its line and begin another one.
fn word<'t>(field: &'static str, text: &'t str) -> Result<&'t str, NetworkError> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '#';
    let good = !text.is_empty() && text.chars().all(plain);
    good.then_some(text).ok_or_else(|| NetworkError::Word { field, text: text.to_owned() })
}

/// Why a pod cannot be told about the network.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// Not an address.
    #[error("podTemplate.{field}: {text:?} is not an IP address")]
    Address {
        /// Where it stands.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// Not a name or a value.
    #[error("podTemplate.{field}: {text:?} must be one word")]
    Word {
        /// Where it stands.
        field: &'static str,
        /// What stands there.
        text: String,
    },
    /// A pod without name servers, in Kubernetes' words.
    #[error("podTemplate: must provide at least one DNS nameserver when `dnsPolicy` is None")]
    NoServers,
    /// The folder cannot be written.
    #[error("cannot write in {}: {source}", dir.display())]
    Write {
        /// Which.
        dir: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const HERE: &str = "# here\nnameserver 10.0.0.1\nsearch a.example b.example\noptions ndots:1 edns0\n";

    fn resolver(policy: Option<&str>, config: serde_json::Value) -> Result<String, String> {
        let config: Option<PodDnsConfig> = serde_json::from_value(config).unwrap();
        resolver_config(HERE, policy, config.as_ref()).map_err(|e| e.to_string())
    }

    #[test]
    fn aliases_follow_what_this_machine_knows() {
        let aliases: Vec<HostAlias> = serde_json::from_value(
            json!([{"ip": "10.1.2.3", "hostnames": ["db", "db.local"]}, {"ip": "::1", "hostnames": ["six"]}]),
        )
        .unwrap();
        assert_eq!(
            hosts("127.0.0.1 localhost", "r-pod", &aliases).unwrap(),
            "127.0.0.1 localhost\n127.0.0.1\tr-pod\n10.1.2.3\tdb\tdb.local\n::1\tsix\n"
        );
        let bad: HostAlias =
            serde_json::from_value(json!({"ip": "1.1.1.1", "hostnames": ["a\n9.9.9.9 b"]})).unwrap();
        assert!(hosts("", "r-pod", &[bad]).unwrap_err().to_string().contains("must be one word"));
        let bad: HostAlias = serde_json::from_value(json!({"ip": "here", "hostnames": []})).unwrap();
        assert!(hosts("", "r-pod", &[bad]).unwrap_err().to_string().contains("is not an IP address"));
    }

    #[test]
    fn name_servers_are_added_or_replaced() {
        assert_eq!(resolver(None, json!(null)), Ok(HERE.to_owned()));
        assert_eq!(resolver(Some("ClusterFirst"), json!({})), Ok(HERE.to_owned()));
        let config = json!({"nameservers": ["1.1.1.1", "10.0.0.1"], "searches": ["c"],
            "options": [{"name": "ndots", "value": "5"}, {"name": "rotate"}]});
        assert_eq!(
            resolver(None, config.clone()).unwrap(),
            "nameserver 10.0.0.1\nnameserver 1.1.1.1\nsearch a.example b.example c\noptions edns0 ndots:5 rotate\n"
        );
        assert_eq!(
            resolver(Some("None"), config).unwrap(),
            "nameserver 1.1.1.1\nnameserver 10.0.0.1\nsearch c\noptions ndots:5 rotate\n"
        );
        for none in [json!(null), json!({"searches": ["c"]})] {
            assert!(resolver(Some("None"), none).unwrap_err().contains("at least one DNS nameserver"));
        }
        assert!(resolver(None, json!({"searches": ["a b"]})).unwrap_err().contains("one word"));
    }
}
