//! The reader of a tree.

use base::{Diagnostic, Span};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::fault::{Fault, allowed};
use super::{Context, Keys};
use crate::yaml::{Entry, Kind, Node, Number};

/// Reads one node.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    node: &'a Node,
    context: &'a Context<'a>,
    path: Path<'a>,
}

/// The fields on the way to a node, and the struct that holds it.
#[derive(Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    field: &'a str,
    holder: &'static str,
}

impl Path<'_> {
    fn dotted(&self) -> String {
        match self.parent {
            Some(parent) if !parent.field.is_empty() || parent.parent.is_some() => {
                let before = parent.dotted();
                if before.is_empty() { self.field.to_owned() } else { format!("{before}.{}", self.field) }
            }
            _ => self.field.to_owned(),
        }
    }
}

impl<'a> Reader<'a> {
    pub(super) fn root(node: &'a Node, context: &'a Context<'a>) -> Self {
        Self { node, context, path: Path { parent: None, field: "", holder: "" } }
    }

    fn is_go(&self) -> bool {
        self.context.keys == Keys::GoCaseInsensitive
    }

    /// Whether it is null and null stands for the zero value.
    fn is_zero(&self) -> bool {
        self.node.is_null() && self.is_go()
    }

    /// The value as it stands in the text, shortened.
    fn written(&self) -> &str {
        let Span { start, end } = self.node.span;
        let text = self.context.source.text().get(start..end).unwrap_or("");
        text.split('\n').next().map_or("", |line| line.get(..40).unwrap_or(line))
    }

    fn found(&self) -> String {
        let written = self.written();
        match &self.node.kind {
            kind if !self.context.show_values => kind.describe().to_owned(),
            Kind::Bool(_) => format!("the boolean {written}"),
            Kind::Number(_) => format!("the number {written}"),
            Kind::String(s) => format!("the string \"{}\"", s.chars().take(40).collect::<String>()),
            kind => kind.describe().to_owned(),
        }
    }

    /// The failure that something else than `expected` stands here; `go` is Go's name of what is expected.
    fn wrong_type(&self, expected: &str, go: Option<&str>) -> Fault {
        let written = self.written();
        let advice = match &self.node.kind {
            _ if !self.context.show_values => None,
            Kind::Bool(_) | Kind::Number(_) if expected == "a string" => Some(format!("write \"{written}\"")),
            Kind::Bool(_) | Kind::Number(_) | Kind::String(_) if expected == "a list" => {
                Some(format!("write [{written}]"))
            }
            Kind::String(s) if expected == "a number" && s.parse::<f64>().is_ok() => {
                Some(format!("write {s} without quotes"))
            }
            Kind::String(s) if expected == "a boolean" && matches!(s.as_str(), "true" | "false") => {
                Some(format!("write {s} without quotes"))
            }
            _ => None,
        };
        let answer = go.filter(|_| self.is_go()).map(|go| {
            let found = match &self.node.kind {
                Kind::Null => "null",
                Kind::Bool(_) => "bool",
                Kind::Number(_) => "number",
                Kind::String(_) => "string",
                Kind::Sequence(_) => "array",
                Kind::Mapping(_) => "object",
            };
            let target = match self.path.holder {
                "" => "Go value".to_owned(),
                holder => format!("Go struct field {holder}.{}", self.path.dotted()),
            };
            format!("Tekton answers: json: cannot unmarshal {found} into {target} of type {go}")
        });
        let help = [advice, answer].into_iter().flatten().collect::<Vec<_>>().join("\n");
        let message = format!("expected {expected}, found {}", self.found());
        Fault::new("wrong-type", message).help((!help.is_empty()).then_some(help)).within(self.node)
    }

    fn number<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let read = match self.node.kind {
            Kind::Number(Number::Int(n)) => visitor.visit_i64(n),
            Kind::Number(Number::Unsigned(n)) => visitor.visit_u64(n),
            // A float without fraction becomes an integer in JSON.
            Kind::Number(Number::Float(n)) if n.fract() == 0.0 && n.abs() < 9e15 => {
                visitor.visit_i64(n as i64)
            }
            Kind::Number(Number::Float(n)) => visitor.visit_f64(n),
            _ if self.is_zero() => visitor.visit_i64(0),
            _ => return Err(self.wrong_type("a number", None)),
        };
        read.map_err(|fault: Fault| fault.within(self.node))
    }

    fn sequence<'de, V: Visitor<'de>>(self, items: &'a [Node], visitor: V) -> Result<V::Value, Fault> {
        let elements = Elements { items: items.iter(), context: self.context, path: self.path };
        visitor.visit_seq(elements).map_err(|fault| fault.within(self.node))
    }

    fn mapping<'de, V: Visitor<'de>>(self, fields: Fields<'a>, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(fields).map_err(|fault| fault.within(self.node))
    }

    fn fields(self, holder: &'static str) -> Fields<'a> {
        Fields {
            entries: Vec::new().into_iter(),
            value: None,
            context: self.context,
            parent: self.path,
            holder,
        }
    }

    /// The entries of a struct: known, not null, each field once.
    fn struct_entries(&self, fields: &'static [&'static str]) -> Vec<(&'static str, &'a Entry)> {
        let mut found: Vec<(&'static str, &'a Entry)> = Vec::new();
        for entry in self.node.entries() {
            let exact = fields.iter().find(|f| **f == entry.key);
            let folded = || fields.iter().find(|f| self.is_go() && f.eq_ignore_ascii_case(&entry.key));
            match exact.or_else(folded) {
                None => self.unknown_field(entry, fields),
                Some(_) if self.context.is_left_out(&entry.value) => {}
                Some(field) => {
                    found.retain(|(known, _)| known != field);
                    found.push((field, entry));
                }
            }
        }
        found.retain(|(_, entry)| !entry.value.is_null());
        found
    }

    fn unknown_field(&self, entry: &Entry, fields: &[&str]) {
        let mut diagnostic = Diagnostic::error("unknown-field", format!("unknown field \"{}\"", entry.key))
            .at(self.context.source, entry.key_span);
        let Span { start, end } = entry.key_span;
        let written = self.context.source.text().get(start..end).unwrap_or("");
        diagnostic.help = match entry.key.as_str() {
            // YAML 1.1 reads `on:` as the boolean true.
            "true" | "false" if written != entry.key => {
                Some(format!("`{written}` is a boolean in YAML; write \"{written}\""))
            }
            key => allowed(key, fields),
        };
        self.context.report(diagnostic);
    }

    /// A missing field may be one that stands there without a value, or one that failed before.
    fn explain(&self, fault: Fault) -> Fault {
        let entry = fault.missing.and_then(|field| match self.context.keys {
            Keys::GoCaseInsensitive => self.node.entry_ignoring_case(field),
            Keys::Exact => self.node.entry(field),
        });
        let Some(entry) = entry else { return fault };
        if self.context.is_left_out(&entry.value) {
            return Fault { consequence: true, ..fault };
        }
        Fault { message: format!("`{}` has no value", entry.key), place: Some(entry.key_span), ..fault }
    }
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let read = match &self.node.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(b) => visitor.visit_bool(*b),
            Kind::Number(_) => return self.number(visitor),
            Kind::String(s) => visitor.visit_str(s),
            Kind::Sequence(items) => return self.sequence(items, visitor),
            Kind::Mapping(_) => return self.deserialize_map(visitor),
        };
        read.map_err(|fault: Fault| fault.within(self.node))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.node.kind {
            Kind::Bool(b) => visitor.visit_bool(b),
            _ if self.is_zero() => visitor.visit_bool(false),
            _ => Err(self.wrong_type("a boolean", Some("bool"))),
        }
    }

    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_i16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_i32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.number(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::String(s) => visitor.visit_str(s).map_err(|fault: Fault| fault.within(self.node)),
            _ if self.is_zero() => visitor.visit_str(""),
            _ => Err(self.wrong_type("a string", Some("string"))),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.node.is_null() { visitor.visit_unit() } else { Err(self.wrong_type("nothing", None)) }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // In Go such types read themselves and do not know where they stand.
        let path = Path { holder: "", ..self.path };
        visitor.visit_newtype_struct(Self { path, ..self }).map_err(|fault: Fault| fault.within(self.node))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.node.kind {
            Kind::Sequence(items) => self.sequence(items, visitor),
            _ if self.is_zero() => self.sequence(&[], visitor),
            _ => Err(self.wrong_type("a list", None)),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if !matches!(self.node.kind, Kind::Mapping(_)) && !self.is_zero() {
            return Err(self.wrong_type("a mapping", None));
        }
        let entries: Vec<_> = self
            .node
            .entries()
            .iter()
            .filter(|entry| !self.context.is_left_out(&entry.value))
            .map(|entry| (entry.key.as_str(), entry))
            .collect();
        let holder = self.path.holder;
        self.mapping(Fields { entries: entries.into_iter(), ..self.fields(holder) }, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        if !matches!(self.node.kind, Kind::Mapping(_)) && !self.is_zero() {
            return Err(self.wrong_type("a mapping", None));
        }
        let entries: Vec<(&str, &Entry)> = self.struct_entries(fields);
        visitor
            .visit_map(Fields { entries: entries.into_iter(), ..self.fields(name) })
            .map_err(|fault: Fault| self.explain(fault).within(self.node))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let read = match &self.node.kind {
            Kind::String(s) => {
                let unit: StrDeserializer<'_, Fault> = s.as_str().into_deserializer();
                visitor.visit_enum(unit)
            }
            Kind::Mapping(entries) if entries.len() == 1 => {
                visitor.visit_enum(Variant { entry: &entries[0], reader: self })
            }
            Kind::Mapping(_) => {
                let message = format!("expected exactly one of {}", variants.join(", "));
                Err(Fault::new("wrong-value", message))
            }
            _ => Err(self.wrong_type(&format!("one of {}", variants.join(", ")), Some("string"))),
        };
        read.map_err(|fault| fault.within(self.node))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

struct Elements<'a> {
    items: std::slice::Iter<'a, Node>,
    context: &'a Context<'a>,
    path: Path<'a>,
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let context = self.context;
        let Some(node) = self.items.find(|node| !context.is_left_out(node)) else {
            return Ok(None);
        };
        let reader = Reader { node, context, path: self.path };
        seed.deserialize(reader).map(Some).map_err(|fault| fault.of(node))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Fields<'a> {
    entries: std::vec::IntoIter<(&'a str, &'a Entry)>,
    value: Option<(&'a str, &'a Node)>,
    context: &'a Context<'a>,
    parent: Path<'a>,
    holder: &'static str,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((field, entry)) = self.entries.next() else {
            return Ok(None);
        };
        self.value = Some((field, &entry.value));
        let key: StrDeserializer<'_, Fault> = field.into_deserializer();
        seed.deserialize(key).map(Some).map_err(|mut fault| {
            fault.place.get_or_insert(entry.key_span);
            fault.of(&entry.value)
        })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (field, node) = self.value.take().ok_or_else(|| Fault::custom("a value without a key"))?;
        let path = Path { parent: Some(&self.parent), field, holder: self.holder };
        let reader = Reader { node, context: self.context, path };
        seed.deserialize(reader).map_err(|fault| fault.of(node))
    }
}

struct Variant<'a> {
    entry: &'a Entry,
    reader: Reader<'a>,
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Fault;
    type Variant = Reader<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Reader<'a>), Fault> {
        let name: StrDeserializer<'_, Fault> = self.entry.key.as_str().into_deserializer();
        let variant = seed.deserialize(name).map_err(|mut fault| {
            fault.place = Some(self.entry.key_span);
            fault
        })?;
        Ok((variant, Reader { node: &self.entry.value, ..self.reader }))
    }
}

impl<'de> VariantAccess<'de> for Reader<'_> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        if self.node.is_null() { Ok(()) } else { Err(self.wrong_type("nothing", None)) }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        seed.deserialize(self).map_err(|fault| fault.within(self.node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_struct("", fields, visitor)
    }
}
