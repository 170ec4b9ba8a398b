//! `requestState`: what a call has learnt, sealed into the client's hands (MRTR-5).
//!
//! The seal is XChaCha20-Poly1305, whose nonces may be random however many instances share a key. What a state
//! belongs to (principal, method, target, arguments, definition) is authenticated with it, so that it opens for
//! nothing else. A state may be shown again by its owner as long as it lives; see [`Context::once`].
//!
//! [`Context::once`]: crate::Context::once

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use latimer_protocol::RawJson;
use latimer_store::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::journal::Journal;

/// The form of the sealed text: the first byte of every state.
const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 24;

/// The keys that seal: the first one seals, all of them open. Instances that share traffic share them.
///
/// To change keys, put the new one in front and keep the old one until the states sealed with it have expired.
pub struct SealKeys {
    keys: Vec<SealKey>,
    /// Whether the key was made up by this process, which is worth a warning once it matters.
    unshared: AtomicBool,
}

/// One key: 32 bytes that nobody can guess.
struct SealKey {
    id: [u8; KEY_ID],
    cipher: XChaCha20Poly1305,
}

/// Why text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealKeyError {
    /// There has to be one.
    #[error("no key is given; make one with: openssl rand -base64 32")]
    Empty,
    /// It is not 32 bytes.
    #[error("a seal key is 32 random bytes in base64; make one with: openssl rand -base64 32")]
    Length,
}

/// What a state is bound to: it opens only for the same.
#[derive(Clone, Debug)]
pub(crate) struct Binding([u8; 32]);

/// What a state holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Names the call through all its rounds.
    #[serde(rename = "c")]
    pub(crate) chain: String,
    /// When it ceases to open, in milliseconds since the epoch.
    #[serde(rename = "x")]
    expires: u64,
    /// How many rounds there were.
    #[serde(rename = "n")]
    pub(crate) rounds: u32,
    /// What was learnt.
    #[serde(rename = "j", default)]
    pub(crate) journal: Journal,
    /// The keys of the questions that are open.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) open: Vec<String>,
    /// Answers to earlier questions that the handler had not come to again when it asked something else.
    #[serde(rename = "l", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) kept: BTreeMap<String, RawJson>,
}

/// Why a state does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    #[error("requestState does not belong to this request; send it back unchanged, with the same parameters")]
    Foreign,
    #[error("requestState has expired; call again without it")]
    Expired,
    #[error("what the call has learnt is larger than {0} bytes, more than a client can be asked to carry")]
    TooLarge(usize),
    #[error("requestState cannot be sealed")]
    Cipher,
}

impl SealKeys {
    /// Keys in base64 (standard or URL-safe, with or without padding), the one that seals first.
    ///
    /// # Errors
    /// When there is none, or one is not 32 bytes.
    pub fn new<'a>(keys: impl IntoIterator<Item = &'a str>) -> Result<Self, SealKeyError> {
        let keys = keys.into_iter().map(|text| SealKey::read(text).ok_or(SealKeyError::Length));
        let keys = keys.collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() {
            return Err(SealKeyError::Empty);
        }
        Ok(Self { keys, unshared: AtomicBool::new(false) })
    }

    /// A key of this process alone: what it seals, no other process and no later one opens.
    pub fn of_process() -> Self {
        Self { keys: vec![SealKey::new(&crate::random::bytes())], unshared: AtomicBool::new(true) }
    }

    /// Seals what a call has learnt. The text is at most `most` bytes long.
    pub(crate) fn seal(
        &self,
        binding: &Binding,
        mut sealed: Sealed,
        now: Timestamp,
        life: Duration,
        most: usize,
    ) -> Result<String, SealError> {
        if self.unshared.swap(false, Ordering::Relaxed) {
            tracing::warn!(
                "requestState is sealed with a key of this process: it opens on no other instance and after no \
                 restart; set seal_keys to change that"
            );
        }
        sealed.expires = now.saturating_add(life).as_millis();
        let text = serde_json::to_vec(&sealed).map_err(|_| SealError::Cipher)?;
        let text = self.encrypt(&binding.0, &text).ok_or(SealError::Cipher)?;
        if text.len() > most { Err(SealError::TooLarge(most)) } else { Ok(text) }
    }

    /// Opens a state that a client sent back.
    pub(crate) fn open(&self, binding: &Binding, text: &str, now: Timestamp) -> Result<Sealed, SealError> {
        let text = self.decrypt(&binding.0, text).ok_or(SealError::Foreign)?;
        let sealed: Sealed = serde_json::from_slice(&text).map_err(|_| SealError::Foreign)?;
        if now.as_millis() >= sealed.expires { Err(SealError::Expired) } else { Ok(sealed) }
    }
}

impl SealKeys {
    /// Seals a short text for a purpose: it opens for no other.
    pub(crate) fn seal_text(&self, purpose: &str, text: &str) -> Option<String> {
        self.encrypt(purpose.as_bytes(), text.as_bytes())
    }

    /// Opens a text that was sealed for a purpose.
    pub(crate) fn open_text(&self, purpose: &str, sealed: &str) -> Option<String> {
        String::from_utf8(self.decrypt(purpose.as_bytes(), sealed)?).ok()
    }

    fn encrypt(&self, aad: &[u8], msg: &[u8]) -> Option<String> {
        let key = self.keys.first()?;
        let nonce: [u8; NONCE] = crate::random::bytes();
        let sealed = key.cipher.encrypt(&XNonce::from(nonce), Payload { msg, aad }).ok()?;
        let mut bytes = Vec::with_capacity(1 + KEY_ID + NONCE + sealed.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&key.id);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&sealed);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    fn decrypt(&self, aad: &[u8], text: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&version, rest) = bytes.split_first()?;
        if version != VERSION || rest.len() < KEY_ID + NONCE {
            return None;
        }
        let (id, rest) = rest.split_at(KEY_ID);
        let (nonce, msg) = rest.split_at(NONCE);
        let nonce = XNonce::try_from(nonce).ok()?;
        let mut keys = self.keys.iter().filter(|key| bool::from(key.id.ct_eq(id)));
        keys.find_map(|key| key.cipher.decrypt(&nonce, Payload { msg, aad }).ok())
    }
}

impl SealKey {
    fn read(text: &str) -> Option<Self> {
        let text: String = text
            .trim()
            .trim_end_matches('=')
            .chars()
            .map(|c| match c {
                '+' => '-',
                '/' => '_',
                c => c,
            })
            .collect();
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        Some(Self::new(&bytes))
    }

    fn new(key: &[u8; 32]) -> Self {
        // Not the key itself, and no help in finding it: which key it was.
        let digest: [u8; 32] =
            Sha256::new().chain_update(b"latimer seal key id").chain_update(key).finalize().into();
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&digest[..KEY_ID]);
        Self { id, cipher: XChaCha20Poly1305::new(key.into()) }
    }
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealKeys").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Sealed {
    pub(crate) fn new(chain: String, rounds: u32, journal: Journal) -> Self {
        Self { chain, expires: 0, rounds, journal, open: Vec::new(), kept: BTreeMap::new() }
    }
}

impl Binding {
    /// Binds to whoever calls, what they call, with which arguments, and to the definition that stands behind it.
    /// White space, the order of members and the writing of strings in the arguments do not count: a client may
    /// write them anew.
    pub(crate) fn new(
        principal: &str,
        method: &str,
        target: &str,
        arguments: &RawJson,
        definition: &RawJson,
    ) -> Self {
        let arguments = canonical(arguments.as_str());
        let mut digest = Sha256::new();
        digest.update(b"latimer request state 1");
        for part in [principal, method, target, &arguments, definition.as_str()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part.as_bytes());
        }
        Self(digest.finalize().into())
    }
}

/// The same JSON in one writing: members sorted, no white space. Numbers keep their text.
fn canonical(text: &str) -> String {
    use serde_json::value::RawValue;

    fn write(text: &str, out: &mut String, depth: usize) {
        // Deeper than any message that was let in.
        if depth > 256 {
            return out.push_str(text);
        }
        if text.starts_with('{')
            && let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text)
        {
            out.push('{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(name).unwrap_or_default());
                out.push(':');
                write(value.get(), out, depth + 1);
            }
            out.push('}');
        } else if text.starts_with('[')
            && let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text)
        {
            out.push('[');
            for (at, value) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write(value.get(), out, depth + 1);
            }
            out.push(']');
        } else if text.starts_with('"')
            && let Ok(string) = serde_json::from_str::<String>(text)
        {
            out.push_str(&serde_json::to_string(&string).unwrap_or_default());
        } else {
            out.push_str(text);
        }
    }

    let mut out = String::with_capacity(text.len());
    write(text.trim(), &mut out, 0);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LIFE: Duration = Duration::from_secs(600);

    fn raw(text: &str) -> RawJson {
        RawJson::parse(text.to_owned()).unwrap()
    }

    fn binding(principal: &str, target: &str, arguments: &str, definition: &str) -> Binding {
        Binding::new(principal, "tools/call", target, &raw(arguments), &raw(definition))
    }

    fn sealed() -> Sealed {
        let mut journal = Journal::default();
        journal.note_memo("m", raw("[1]"));
        Sealed::new("chain".to_owned(), 1, journal)
    }

    #[test]
    fn mrtr_5_a_state_opens_for_its_request_alone() {
        let keys = SealKeys::of_process();
        let own = binding("user:a", "t", r#"{"x":1,"y":[true]}"#, r#"{"name":"t"}"#);
        let text = keys.seal(&own, sealed(), NOW, LIFE, 4096).unwrap();
        assert_eq!(keys.open(&own, &text, NOW).unwrap().journal, sealed().journal);
        let rewritten = binding("user:a", "t", " { \"\\u0079\": [ true ] , \"x\": 1 }", r#"{"name":"t"}"#);
        assert!(keys.open(&rewritten, &text, NOW).is_ok());
        for other in [
            binding("user:b", "t", r#"{"x":1,"y":[true]}"#, r#"{"name":"t"}"#),
            binding("user:a", "u", r#"{"x":1,"y":[true]}"#, r#"{"name":"t"}"#),
            binding("user:a", "t", r#"{"x":1,"y":[false]}"#, r#"{"name":"t"}"#),
            binding("user:a", "t", r#"{"x":1,"y":[true]}"#, r#"{"name":"t","title":"new"}"#),
        ] {
            assert_eq!(keys.open(&other, &text, NOW), Err(SealError::Foreign));
        }
        assert_eq!(SealKeys::of_process().open(&own, &text, NOW), Err(SealError::Foreign));
    }

    #[test]
    fn mrtr_5_a_state_expires_and_a_large_one_is_not_made() {
        let keys = SealKeys::of_process();
        let own = binding("anonymous", "t", "{}", "{}");
        let text = keys.seal(&own, sealed(), NOW, LIFE, 4096).unwrap();
        assert_eq!(keys.open(&own, &text, NOW.saturating_add(LIFE)), Err(SealError::Expired));
        assert_eq!(keys.seal(&own, sealed(), NOW, LIFE, 10), Err(SealError::TooLarge(10)));
    }

    #[test]
    fn keys_are_rotated_by_putting_the_new_one_in_front() {
        let (old, new) =
            (URL_SAFE_NO_PAD.encode([1; 32]), "Agg+/AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxw=".to_owned());
        let own = binding("anonymous", "t", "{}", "{}");
        let text = SealKeys::new([&*old]).unwrap().seal(&own, sealed(), NOW, LIFE, 4096).unwrap();
        assert!(SealKeys::new([&*new, &*old]).unwrap().open(&own, &text, NOW).is_ok());
        assert_eq!(SealKeys::new([&*new]).unwrap().open(&own, &text, NOW), Err(SealError::Foreign));
        assert_eq!(SealKeys::new([]).unwrap_err(), SealKeyError::Empty);
        assert_eq!(SealKeys::new(["c2hvcnQ="]).unwrap_err(), SealKeyError::Length);
    }

    proptest::proptest! {
        #[test]
        fn mrtr_5_no_change_of_a_state_opens(at in 0_usize..200, flip in 1_u8..=255, cut in 0_usize..200) {
            let keys = SealKeys::of_process();
            let own = binding("anonymous", "t", "{}", "{}");
            let text = keys.seal(&own, sealed(), NOW, LIFE, 4096).unwrap();
            let mut bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
            let place = at % bytes.len();
            bytes[place] ^= flip;
            proptest::prop_assert!(keys.open(&own, &URL_SAFE_NO_PAD.encode(&bytes), NOW).is_err());
            let end = cut % text.len();
            proptest::prop_assert!(keys.open(&own, &text[..end], NOW).is_err());
        }
    }
}
