//! The objects of some texts by kind and name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::outcome::Place;

/// API group of Tekton Triggers, with the slash.
pub const GROUP: &str = "triggers.tekton.dev/";

/// Kind, name, and where it stands.
type Entry<'a> = (&'a str, &'a str, Place<'a>);

/// All objects.
#[derive(Debug, Default)]
pub struct Objects<'a>(Vec<Entry<'a>>);

impl<'a> Objects<'a> {
    /// Adds an object of Tekton Triggers or a secret; anything else is left out.
    pub fn add(&mut self, object: Place<'a>) {
        let (version, kind) =
            (object.text("apiVersion").unwrap_or_default(), object.text("kind").unwrap_or_default());
        if version.starts_with(GROUP) || (version == "v1" && kind == "Secret") {
            self.0.push((kind, object.name(), object));
        }
    }

    /// Those of a kind, in order.
    pub fn of<'s>(&'s self, kind: &'s str) -> impl Iterator<Item = Place<'a>> + 's {
        self.0.iter().filter(move |(known, ..)| *known == kind).map(|(.., place)| *place)
    }

    /// The one of this kind and name.
    pub fn get(&self, kind: &str, name: &str) -> Option<Place<'a>> {
        self.of(kind).find(|place| place.name() == name)
    }

    /// The names of a kind, for messages.
    pub fn names(&self, kind: &str) -> String {
        let names: Vec<&str> = self.of(kind).map(Place::name).collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }

    /// The value of a key of a secret; `None` when the files do not have it.
    pub fn secret(&self, name: &str, key: &str) -> Option<Vec<u8>> {
        let secret = self.get("Secret", name)?;
        let at = |field: &str| secret.get(field)?.get(key)?.node.as_str();
        if let Some(text) = at("stringData") {
            return Some(text.as_bytes().to_vec());
        }
        STANDARD.decode(at("data")?.trim()).ok()
    }
}
