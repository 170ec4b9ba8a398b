//! Changes inputs, as fuzzers do, without knowing what they cover.

use crate::random::Random;

/// The longest input that mutations make, in bytes.
pub const LONGEST: usize = 16 << 10;

/// How many changes one mutation makes at most.
const CHANGES: usize = 6;

/// Bytes at which readers change their mind.
const BYTES: &[u8] = b"\0\t\n\r \"#$%'*+,-./0:;<=>?@[\\]^_`{|}~\x7f\x80\xc0\xe2\xed\xf4\xff";

/// Numbers around which readers break.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "-1",
    "1.0",
    "1.5",
    "1e3",
    "1E-2",
    "127",
    "128",
    "129",
    "255",
    "256",
    "65535",
    "65536",
    "65537",
    "2147483647",
    "4294967296",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "1e999999999",
    "-1e-99999999999999999999",
    "0.1e-400",
    "00",
    "01",
];

/// Text that is longer, shorter or other than it looks.
const TEXTS: &[&str] = &[
    "\u{0}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "é",
    "e\u{301}",
    "ß",
    "İ",
    "\u{200b}",
    "\u{2028}",
    "\u{202e}",
    "\u{fffd}",
    "\u{feff}",
    "\u{ffff}",
    "世",
    "🌍",
    "\\u0000",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud83d",
    "\\ude00",
    "\\",
    "\\\\",
    "\\\"",
    "\r\n",
    "\n\n",
];

/// What nests.
const PAIRS: &[(&str, &str)] =
    &[("[", "]"), ("{", "}"), ("\"", "\""), ("{\"a\":", "}"), ("'", "'"), ("${", "}")];

/// Makes inputs out of inputs.
#[derive(Debug)]
pub struct Mutator {
    random: Random,
    words: &'static [&'static str],
}

impl Mutator {
    /// A mutator of this seed that also inserts these words.
    pub fn new(seed: u64, words: &'static [&'static str]) -> Self {
        Self { random: Random::new(seed), words }
    }

    /// Its random numbers, for whoever chooses the inputs.
    pub fn random(&mut self) -> &mut Random {
        &mut self.random
    }

    /// Changes `input` in one or several ways; `other` is where parts may come from.
    pub fn mutate(&mut self, input: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.random.below(CHANGES) {
            self.change(&mut bytes, other);
            bytes.truncate(LONGEST);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        match self.random.below(16) {
            0 => self.overwrite(bytes, |random, byte| byte ^ (1 << random.below(8))),
            1 => self.overwrite(bytes, |random, _| random.byte()),
            2 | 3 => self.overwrite(bytes, |random, byte| random.choose(BYTES).copied().unwrap_or(byte)),
            4 => {
                let byte = self.random.choose(BYTES).copied().unwrap_or_default();
                self.insert(bytes, &[byte]);
            }
            5 => {
                let (start, end) = self.range(bytes.len(), 64);
                bytes.drain(start..end);
            }
            6 => bytes.truncate(self.random.below(bytes.len() + 1)),
            7 => {
                let (start, end) = self.range(bytes.len(), 64);
                let part = bytes[start..end].to_vec();
                self.insert(bytes, &part);
            }
            8 => self.repeat(bytes),
            9 => {
                let (start, end) = self.range(other.len(), 256);
                self.insert(bytes, &other[start..end]);
            }
            10 => {
                // The beginning of one and the end of the other.
                bytes.truncate(self.random.below(bytes.len() + 1));
                bytes.extend_from_slice(&other[self.random.below(other.len() + 1)..]);
            }
            11 => self.number(bytes),
            12 => self.text(bytes, TEXTS),
            13 | 14 => self.text(bytes, self.words),
            _ => self.nest(bytes),
        }
    }

    fn overwrite(&mut self, bytes: &mut [u8], change: impl FnOnce(&mut Random, u8) -> u8) {
        let at = self.random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(at) {
            *byte = change(&mut self.random, *byte);
        }
    }

    fn insert(&mut self, bytes: &mut Vec<u8>, part: &[u8]) {
        let at = self.random.below(bytes.len() + 1);
        bytes.splice(at..at, part.iter().copied());
    }

    fn text(&mut self, bytes: &mut Vec<u8>, choices: &[&str]) {
        if let Some(text) = self.random.choose(choices).copied() {
            self.insert(bytes, text.as_bytes());
        }
    }

    /// Repeats a part in its place, up to some thousand times.
    fn repeat(&mut self, bytes: &mut Vec<u8>) {
        let (start, end) = self.range(bytes.len(), 16);
        let part = bytes[start..end].to_vec();
        let times = 1 << self.random.below(13);
        let room = LONGEST.saturating_sub(bytes.len()) / part.len().max(1);
        let repeated = part.repeat(times.min(room));
        bytes.splice(start..start, repeated);
    }

    /// Puts another number in the place of one.
    fn number(&mut self, bytes: &mut Vec<u8>) {
        let Some(number) = self.random.choose(NUMBERS).copied() else { return };
        let from = self.random.below(bytes.len());
        let start = bytes.iter().skip(from).position(u8::is_ascii_digit).map(|at| from + at);
        let Some(start) = start else { return self.insert(bytes, number.as_bytes()) };
        let length = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        bytes.splice(start..start + length, number.bytes());
    }

    /// Puts brackets or quotes around a part, up to some hundred times.
    fn nest(&mut self, bytes: &mut Vec<u8>) {
        let Some((open, close)) = self.random.choose(PAIRS).copied() else { return };
        let times = 1 << self.random.below(9);
        let (start, end) = self.range(bytes.len(), 64);
        bytes.splice(end..end, close.repeat(times).into_bytes());
        bytes.splice(start..start, open.repeat(times).into_bytes());
    }

    /// A range within `length` of at most `most`.
    fn range(&mut self, length: usize, most: usize) -> (usize, usize) {
        let start = self.random.below(length);
        let end = start + self.random.below((length - start).min(most) + 1);
        (start.min(length), end.min(length))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        let made = |seed| {
            let mut mutator = Mutator::new(seed, &["word"]);
            (0..100).map(|_| mutator.mutate(b"{\"a\":12}", b"other")).collect::<Vec<_>>()
        };
        assert_eq!(made(3), made(3));
        assert_ne!(made(3), made(4));
    }

    #[test]
    fn inputs_are_many_and_none_is_too_long() {
        let mut mutator = Mutator::new(1, &["word"]);
        let made: BTreeSet<_> = (0..1000).map(|_| mutator.mutate(b"[1,{\"a\":true}]", b"x")).collect();
        assert!(made.len() > 900, "{}", made.len());
        assert!(made.iter().all(|bytes| bytes.len() <= LONGEST));
        assert!(made.iter().any(|bytes| bytes.len() > 1024));
    }

    #[test]
    fn nothing_can_be_mutated_too() {
        let mut mutator = Mutator::new(9, &[]);
        let made: BTreeSet<_> = (0..1000).map(|_| mutator.mutate(b"", b"")).collect();
        assert!(made.len() > 10);
    }
}
