//! Hides the values of secrets in everything that is shown: logs, events, results on the terminal.
//!
//! What is hidden: each value, its base64 form, each line of a value with several, and the texts in one that is JSON. Values
//! of three bytes and less are not: they would hide half of every text.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value;
use tekton::catalog::Catalog;
use tekton::contents::{Kind, contents};

use crate::event::Happened;

/// What is shown instead.
const STARS: &[u8] = b"***";

/// Values of so many bytes and less are shown.
const SHORT: usize = 3;

/// Longer values are looked for in pieces of this many bytes, which bounds what has to be held back.
const PIECE: usize = 256;

/// The columns at which programs wrap base64.
const WRAPPED: [usize; 2] = [76, 64];

/// Knows what to hide.
#[derive(Default)]
pub struct Mask {
    finder: Option<AhoCorasick>,
    /// In order.
    patterns: Vec<Vec<u8>>,
    longest: usize,
}

impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mask").field("patterns", &self.patterns.len()).finish_non_exhaustive()
    }
}

impl Mask {
    /// Hides the values of all secrets among the objects.
    pub fn of(catalog: &Catalog) -> Self {
        // A value that is not base64 cannot be used, so it cannot be shown.
        let secrets =
            catalog.names("Secret").filter_map(|name| contents(catalog, Kind::Secret, name).ok()?);
        Self::new(secrets.flat_map(|secret| secret.into_values()))
    }

    /// Hides these values.
    pub fn new(values: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut patterns = BTreeSet::new();
        for value in values {
            forms(&value, &mut patterns);
        }
        let patterns: Vec<Vec<u8>> = patterns.into_iter().collect();
        let finder = (!patterns.is_empty())
            .then(|| AhoCorasick::new(&patterns).expect("files are smaller than what it can take"));
        Self { finder, longest: patterns.iter().map(Vec::len).max().unwrap_or(0), patterns }
    }

    /// A text with stars.
    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.finder.as_ref().is_none_or(|finder| !finder.is_match(text)) {
            return Cow::Borrowed(text);
        }
        let (shown, _) = self.cover(text.as_bytes(), text.len(), 0);
        Cow::Owned(String::from_utf8_lossy(&shown).into_owned())
    }

    /// Every text in a value with stars; keys stay.
    pub fn json(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(masked) = self.text(text) {
                    *text = masked;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.json(item)),
            Value::Object(entries) => entries.values_mut().for_each(|entry| self.json(entry)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// An event whose texts have stars.
    pub fn event(&self, mut event: Happened) -> Happened {
        let hide = |text: &mut String| {
            if let Cow::Owned(masked) = self.text(text) {
                *text = masked;
            }
        };
        match &mut event {
            Happened::TaskFinished { message, results, .. } => {
                hide(message);
                results.values_mut().for_each(hide);
            }
            Happened::TaskRetried { message, .. }
            | Happened::Warning { message }
            | Happened::RunFinished { message, .. } => hide(message),
            Happened::TaskSkipped { reason, .. } | Happened::TaskNotCached { reason, .. } => hide(reason),
            Happened::RunStarted { .. }
            | Happened::PipelineStarted { .. }
            | Happened::TasksLeftOut { .. }
            | Happened::Resolved { .. }
            | Happened::TaskReused { .. }
            | Happened::TaskStarted { .. }
            | Happened::ShellOpened { .. }
            | Happened::StepStarted { .. }
            | Happened::StepFinished { .. } => {}
        }
        event
    }

    /// For something that comes in pieces.
    pub fn stream(self: &Arc<Self>) -> Stream {
        Stream { mask: self.clone(), held: Vec::new(), covered: 0 }
    }

    /// `bytes` up to `end` with stars for all that is covered by a value that begins before `end`; the first `covered` bytes
    /// are, and were shown. Also gives how many bytes behind `end` are covered.
    fn cover(&self, bytes: &[u8], end: usize, covered: usize) -> (Vec<u8>, usize) {
        let finder = self.finder.iter();
        let found = finder.flat_map(|f| f.find_overlapping_iter(bytes)).map(|m| (m.start(), m.end()));
        let mut found: Vec<(usize, usize)> = found.filter(|(start, _)| *start < end).collect();
        found.sort_unstable();
        let mut shown = Vec::with_capacity(end);
        // Where the stars that were shown last end; values that overlap are one.
        let mut starred = (covered > 0).then_some(covered);
        for (start, stop) in found {
            match starred {
                Some(until) if start < until => starred = Some(until.max(stop)),
                _ => {
                    shown.extend_from_slice(&bytes[starred.unwrap_or(0)..start]);
                    shown.extend_from_slice(STARS);
                    starred = Some(stop);
                }
            }
        }
        let until = starred.unwrap_or(0);
        if until < end {
            shown.extend_from_slice(&bytes[until..end]);
        }
        (shown, until.saturating_sub(end))
    }

    /// Where in `bytes` the beginning of a value may stand whose rest is still to come.
    fn unfinished(&self, bytes: &[u8]) -> usize {
        let first = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let begins = |start: &usize| {
            let rest = &bytes[*start..];
            let at = self.patterns.partition_point(|p| p.as_slice() < rest);
            // The next one may be the rest itself, which is finished; the one after it then is longer.
            self.patterns[at..].iter().take(2).any(|p| p.len() > rest.len() && p.starts_with(rest))
        };
        (first..bytes.len()).find(begins).unwrap_or(bytes.len())
    }
}

/// Hides values in something that comes in pieces, wherever these are cut. Holds back at most what may be the beginning
/// of a value.
#[derive(Debug)]
pub struct Stream {
    mask: Arc<Mask>,
    held: Vec<u8>,
    /// How many of the held bytes belong to a value that was shown as stars already.
    covered: usize,
}

impl Stream {
    /// Takes the next piece and gives what can be shown.
    pub fn push<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        if self.mask.finder.is_none() {
            return Cow::Borrowed(bytes);
        }
        self.held.extend_from_slice(bytes);
        let end = self.mask.unfinished(&self.held);
        Cow::Owned(self.show(end))
    }

    /// Gives what was held back: nothing comes any more.
    pub fn end(&mut self) -> Vec<u8> {
        self.show(self.held.len())
    }

    fn show(&mut self, end: usize) -> Vec<u8> {
        let (shown, covered) = self.mask.cover(&self.held, end, self.covered.min(end));
        // What was covered beyond the end before is so still.
        self.covered = covered.max(self.covered.saturating_sub(end));
        self.held.drain(..end);
        shown
    }
}

/// All texts that give a value away.
fn forms(value: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    let trimmed = value.trim_ascii();
    if trimmed.len() <= SHORT {
        return;
    }
    for line in value.split(|b| *b == b'\n') {
        pieces(line.trim_ascii(), patterns);
    }
    if let Ok(json @ (Value::Object(_) | Value::Array(_))) = serde_json::from_slice(trimmed) {
        leaves(&json, patterns);
    }
    // Programs encode it with what stands around it, most often a line break: the whole groups are the same then.
    for value in [value, trimmed] {
        for part in [value, &value[..value.len() / 3 * 3]] {
            for encoded in [STANDARD_NO_PAD.encode(part), URL_SAFE_NO_PAD.encode(part)] {
                pieces(encoded.as_bytes(), patterns);
                for columns in WRAPPED.into_iter().filter(|columns| encoded.len() > *columns) {
                    let lines = encoded.as_bytes().chunks(columns).filter(|line| line.len() > 2 * SHORT);
                    patterns.extend(lines.map(<[u8]>::to_vec));
                }
            }
        }
    }
}

fn pieces(text: &[u8], patterns: &mut BTreeSet<Vec<u8>>) {
    if text.len() <= SHORT {
        return;
    }
    patterns.extend(text.chunks(PIECE).filter(|piece| piece.len() > SHORT).map(<[u8]>::to_vec));
    patterns.insert(text[text.len().saturating_sub(PIECE)..].to_vec());
}

fn leaves(value: &Value, patterns: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) => pieces(text.as_bytes(), patterns),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, patterns)),
        Value::Object(entries) => entries.values().for_each(|entry| leaves(entry, patterns)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn mask(values: &[&str]) -> Arc<Mask> {
        Arc::new(Mask::new(values.iter().map(|v| v.as_bytes().to_vec())))
    }

    fn streamed(mask: &Arc<Mask>, pieces: &[&[u8]]) -> String {
        let mut stream = mask.stream();
        let mut shown = Vec::new();
        for piece in pieces {
            shown.extend_from_slice(&stream.push(piece));
        }
        shown.extend(stream.end());
        String::from_utf8(shown).unwrap()
    }

    #[test]
    fn every_form_of_a_value_is_hidden() {
        let key = "-----BEGIN-----\nfirst line\nsecond line\n-----END-----\n";
        let config = r#"{"auths": {"r.io": {"auth": "dXNlcjpwYXNz", "n": 1}}}"#;
        let mask = mask(&["hunter22", key, config, "abc"]);
        for (text, expected) in [
            ("it is hunter22!", "it is ***!"),
            ("aHVudGVyMjI=", "***="),
            // echo hunter22 | base64
            ("aHVudGVyMjIK", "***K"),
            ("  second line of it", "  *** of it"),
            ("the auth dXNlcjpwYXNz", "the auth ***"),
            ("abc is too short", "abc is too short"),
            ("hunter2", "hunter2"),
        ] {
            assert_eq!(mask.text(text), expected, "{text}");
        }
        let mut value = serde_json::json!({"hunter22": ["x hunter22", 1]});
        mask.json(&mut value);
        assert_eq!(value, serde_json::json!({"hunter22": ["x ***", 1]}));
        assert!(!format!("{mask:?}").contains("hunter"));
    }

    #[test]
    fn wrapped_base64_of_a_long_value() {
        let value: String = (0..200).map(|i| char::from(b'a' + (i * 7 % 26) as u8)).collect();
        let mask = mask(&[&value]);
        let encoded = STANDARD_NO_PAD.encode(&value);
        for columns in WRAPPED {
            let lines: Vec<&[u8]> = encoded.as_bytes().chunks(columns).collect();
            let text = String::from_utf8(lines.join(&b'\n')).unwrap();
            assert!(mask.text(&text).split('\n').all(|line| line == "***"), "{}", mask.text(&text));
        }
    }

    #[test]
    fn values_that_overlap_are_hidden_whole() {
        let mask = mask(&["abcd", "cdef", "cdefgh"]);
        assert_eq!(mask.text("-abcdef-"), "-***-");
        assert_eq!(streamed(&mask, &[b"-abc", b"de", b"f-"]), "-***-");
        assert_eq!(streamed(&mask, &[b"-abcd", b"x"]), "-***x");
        assert_eq!(streamed(&mask, &[b"cdefg", b"-"]), "***g-");
    }

    #[test]
    fn what_cannot_be_a_secret_is_shown_at_once() {
        let mut stream = mask(&["hunter22"]).stream();
        assert_eq!(&*stream.push(b"progress: 12% hunt"), b"progress: 12% ");
        assert_eq!(&*stream.push(b"ing\n"), b"hunting\n");
        let mut open = Arc::new(Mask::default()).stream();
        assert_eq!(&*open.push(b"all"), b"all");
    }

    proptest! {
        #[test]
        fn cuts_make_no_difference_and_nothing_leaks(
            values in prop::collection::vec("[ab]{4,7}", 1..4),
            text in "[abc]{0,60}",
            cuts in prop::collection::vec(0_usize..60, 0..6),
        ) {
            let mask = Arc::new(Mask::new(values.iter().map(|v| v.clone().into_bytes())));
            let mut cuts: Vec<usize> = cuts.into_iter().map(|c| c.min(text.len())).collect();
            cuts.push(0);
            cuts.push(text.len());
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &text.as_bytes()[w[0]..w[1]]).collect();
            let shown = streamed(&mask, &pieces);
            prop_assert_eq!(&shown, &mask.text(&text));
            for value in &values {
                prop_assert!(!shown.contains(value.as_str()));
            }
            // What no value covers is there.
            prop_assert_eq!(shown.matches('c').count(), text.matches('c').count());
        }
    }
}
