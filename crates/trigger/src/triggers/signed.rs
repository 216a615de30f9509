//! The interceptors of code hosts: kinds of events, and signatures.

use serde_json::{Map, Value as Json};

use super::objects::Objects;
use crate::event::{Changes, Event};
use crate::hmac::{hex, same};
use crate::values::quoted;

/// A code host as an interceptor knows it.
#[derive(Debug, Clone, Copy)]
pub struct Host {
    /// The header with the kind of event.
    kind: &'static str,
    /// The header with the proof.
    proof: &'static str,
    /// Whether the proof is the secret itself and no signature.
    plain: bool,
}

/// The interceptor of this name.
pub fn host(name: &str) -> Option<Host> {
    let signed = |kind, proof| Host { kind, proof, plain: false };
    Some(match name {
        "github" => signed("X-GitHub-Event", "X-Hub-Signature-256"),
        "bitbucket" => signed("X-Event-Key", "X-Hub-Signature"),
        "slack" => signed("", "X-Slack-Signature"),
        "gitlab" => Host { kind: "X-Gitlab-Event", proof: "X-Gitlab-Token", plain: true },
        _ => return None,
    })
}

/// What came of an interceptor, beside the event itself.
#[derive(Debug, Default)]
pub struct Passed {
    /// Why it lets the event through.
    pub why: Vec<String>,
    /// What could not be checked here.
    pub notes: Vec<String>,
}

impl Host {
    /// Whether the event has one of the kinds that are wanted.
    ///
    /// # Errors
    /// Why it does not.
    pub fn kind(&self, params: &Map<String, Json>, event: &Event, passed: &mut Passed) -> Result<(), String> {
        let Some(wanted) =
            params.get("eventTypes").and_then(Json::as_array).filter(|_| !self.kind.is_empty())
        else {
            return Ok(());
        };
        let wanted: Vec<&str> = wanted.iter().filter_map(Json::as_str).collect();
        let name = self.kind;
        match event.headers.get(name) {
            Some(kind) if wanted.contains(&kind) => {
                passed.why.push(format!("{name} is {}", quoted(kind)));
                Ok(())
            }
            Some(kind) => Err(format!("{name} is {}, not one of {}", quoted(kind), wanted.join(", "))),
            None => Err(format!(
                "the event has no header {name} (give it: --header '{name}: {}')",
                wanted.first().unwrap_or(&"…")
            )),
        }
    }

    /// Whether the proof of the event fits the secret that `secretRef` names. Without that secret nothing can be said.
    ///
    /// # Errors
    /// Why it does not. The secret is never part of it.
    pub fn secret(
        &self,
        params: &Map<String, Json>,
        event: &Event,
        objects: &Objects<'_>,
        passed: &mut Passed,
    ) -> Result<(), String> {
        let Some(reference) = params.get("secretRef").filter(|r| r.is_object()) else { return Ok(()) };
        let part = |key: &str| reference.get(key).and_then(Json::as_str).unwrap_or_default();
        let (name, key) = (part("secretName"), part("secretKey"));
        if key.is_empty() {
            return Err("its secretRef has no secretKey".to_owned());
        }
        let Some(secret) = objects.secret(name, key) else {
            passed.notes.push(format!(
                "whether the event is genuine is not checked: the files have no Secret `{name}` with the key `{key}`"
            ));
            return Ok(());
        };
        let header = self.proof;
        let Some(proof) = event.headers.get(header) else {
            return Err(format!("the event has no header {header}, which must prove that it is genuine"));
        };
        let genuine = if self.plain {
            same(proof.as_bytes(), &secret)
        } else {
            let Some(raw) = &event.raw else {
                passed.notes.push(format!(
                    "{header} is not checked: it is about the bytes of the body; give it as a text in `body`, or the body alone with --header"
                ));
                return Ok(());
            };
            let expected = match event
                .headers
                .get("X-Slack-Request-Timestamp")
                .filter(|_| header == "X-Slack-Signature")
            {
                Some(time) => format!("v0={}", hex(&secret, format!("v0:{time}:{raw}").as_bytes())),
                None => format!("sha256={}", hex(&secret, raw.as_bytes())),
            };
            same(proof.trim().as_bytes(), expected.as_bytes())
        };
        if !genuine {
            return Err(format!(
                "{header} does not fit the key `{key}` of Secret `{name}`: the event is not genuine, or its bytes were changed"
            ));
        }
        passed.why.push(format!("{header} fits"));
        Ok(())
    }
}

/// What the interceptor of GitHub adds: names of changed files, with commas.
pub fn changed_files(
    params: &Map<String, Json>,
    changes: Option<&Changes>,
    passed: &mut Passed,
) -> Option<Json> {
    let enabled =
        |key: &str| params.get(key).and_then(|v| v.get("enabled")).and_then(Json::as_bool) == Some(true);
    if enabled("githubOwners") {
        passed.notes.push("githubOwners is not checked: it asks GitHub who owns the files".to_owned());
    }
    if !enabled("addChangedFiles") {
        return None;
    }
    if changes.is_none() {
        passed.notes.push(
            "addChangedFiles asks GitHub; here give the files with --changed-files or --git (extensions.changed_files is empty)".to_owned(),
        );
    }
    Some(Json::from(changes.map(|c| c.all().join(",")).unwrap_or_default()))
}

/// What the interceptor of Slack adds: fields of the form.
///
/// # Errors
/// A field that the event does not have.
pub fn requested_fields(params: &Map<String, Json>, event: &Event) -> Result<Map<String, Json>, String> {
    let wanted = params.get("requestedFields").and_then(Json::as_array).into_iter().flatten();
    let mut fields = Map::new();
    for name in wanted.filter_map(Json::as_str) {
        let value = event.body.get(name).ok_or_else(|| format!("the event has no field `{name}`"))?;
        fields.insert(name.to_owned(), value.clone());
    }
    Ok(fields)
}
