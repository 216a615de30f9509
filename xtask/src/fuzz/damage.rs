//! From a seed and a number to an input.

use std::ops::Range;

/// The most bytes of an input: enough for work that grows with the square of the input to be felt.
pub const LARGEST: usize = 128 << 10;

/// Numbers made of a number (SplitMix64).
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// The beginning of a sequence.
    pub fn new(number: u64) -> Self {
        Self(number.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next one.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Less than `bound`, which is at least one.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % bound.max(1) as u64).unwrap_or_default()
    }

    fn one<'t, T>(&mut self, of: &'t [T]) -> Option<&'t T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }

    /// A part of something of this length, mostly a short one.
    fn range(&mut self, length: usize) -> Range<usize> {
        let start = self.below(length + 1);
        let longest = if self.below(4) == 0 { length } else { 32 };
        start..(start + self.below(longest + 1)).min(length)
    }
}

/// A seed with damage. `words` are what the format is made of.
pub fn damaged(seeds: &[Vec<u8>], words: &[&[u8]], number: u64) -> Vec<u8> {
    let mut chance = Chance::new(number);
    let mut input = chance.one(seeds).cloned().unwrap_or_default();
    for _ in 0..1 + chance.below(6) {
        once(&mut input, seeds, words, &mut chance);
        input.truncate(LARGEST);
    }
    input
}

fn once(input: &mut Vec<u8>, seeds: &[Vec<u8>], words: &[&[u8]], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    let range = chance.range(input.len());
    match chance.below(10) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << (at % 8);
            }
        }
        1 => {
            let byte = u8::try_from(chance.below(256)).unwrap_or_default();
            input.insert(at, byte);
        }
        2 => drop(input.drain(range)),
        3 => {
            let copy = input[range].to_vec();
            input.splice(at..at, copy);
        }
        4 | 5 => {
            let word = chance.one(words).copied().unwrap_or_default();
            input.splice(at..at, word.iter().copied());
        }
        6 => {
            let word = chance.one(words).copied().unwrap_or_default();
            input.splice(range, word.iter().copied());
        }
        7 => {
            // One word very often: what nests, and what is looked through again and again.
            let word = chance.one(words).copied().unwrap_or_default();
            let times = 1 << chance.below(14);
            let many = word.repeat(times.min(LARGEST / word.len().max(1)));
            input.splice(at..at, many);
        }
        8 => {
            // A part of another seed.
            let other = chance.one(seeds).cloned().unwrap_or_default();
            let part = chance.range(other.len());
            input.splice(at..at, other[part].iter().copied());
        }
        _ => {
            // A part of itself, often.
            let copy = input[range].to_vec();
            let times = (1 << chance.below(10)).min(LARGEST / copy.len().max(1));
            input.splice(at..at, copy.repeat(times));
        }
    }
}
