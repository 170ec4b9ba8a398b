//! `requestState`, sealed into a client's hands (MRTR-5). The parts of an input stand between lines of three hyphens:
//! a principal, a target, its arguments, other arguments, an answer, where and how to tamper, and a state that a client
//! might send.
//!
//! Held: nothing that this process did not seal opens; what it sealed opens for the same principal, method, target,
//! arguments and definition, before its end, under a key that is still known, and otherwise not; arguments that say the
//! same are the same, those that do not are not; no change of a state opens; a state is never longer than allowed.

use std::time::Duration;

use latimer_core::ask::SealKeys;
use latimer_core::fuzzing::{Fault, Owner, State, open, seal};
use latimer_protocol::RawJson;
use latimer_store::Timestamp;

use crate::json::{Document, Strings};
use crate::script;

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "\n---\n",
    "user:alice",
    "anonymous",
    "{\"a\":1}",
    "{\"b\":[true],\"a\":1.0}",
    "\\u0061",
    "AQ",
    "_-",
    "=",
    "A",
    "{}",
];

const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE";
const NEW: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI";
const NOW: Timestamp = Timestamp::from_millis(1_785_196_800_000);
const LIFE: Duration = Duration::from_secs(600);
const MOST: usize = 1 << 20;
const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Runs the target once.
pub fn run(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let [principal, target, arguments, others, answer, tamper, hostile] = script::parts(&input);
    let json = |text: &str| RawJson::parse(text.to_owned()).unwrap_or(RawJson::empty_object());
    // States in the corpus are sealed with these keys for principals without this prefix.
    let principal = format!("fuzz:{principal}");
    let (arguments, others, answer) = (json(arguments), json(others), json(answer));
    let definition = json(r#"{"name":"t"}"#);
    let owner = Owner {
        principal: &principal,
        method: "tools/call",
        target,
        arguments: &arguments,
        definition: &definition,
    };
    let keys = SealKeys::new([OLD]).unwrap();
    assert_eq!(open(&keys, &owner, hostile, NOW).map(drop), Err(Fault::Foreign));

    let state = State {
        chain: target.to_owned(),
        rounds: u32::try_from(data.len()).unwrap(),
        answers: vec![(principal.clone(), answer.clone())],
        memo: vec![(tamper.to_owned(), answer)],
        open: vec![hostile.to_owned()],
    };
    let text = seal(&keys, &owner, &state, NOW, LIFE, MOST).unwrap();
    assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
    let opened =
        |keys: &SealKeys, owner: &Owner<'_>, at| open(keys, owner, &text, at).map(|open| open.holds(&state));
    assert_eq!(opened(&keys, &owner, NOW), Ok(true));
    ends(&keys, &owner, &state, text.len(), opened);
    bound(&owner, &others, |owner| opened(&keys, owner, NOW));
    tampered(&text, tamper, |text| open(&keys, &owner, text, NOW).is_ok());
}

/// A state ends, keys change, and there is a length that it may not pass.
fn ends(
    keys: &SealKeys,
    owner: &Owner<'_>,
    state: &State,
    length: usize,
    opened: impl Fn(&SealKeys, &Owner<'_>, Timestamp) -> Result<bool, Fault>,
) {
    let end = NOW.saturating_add(LIFE);
    assert_eq!(opened(keys, owner, Timestamp::from_millis(end.as_millis() - 1)), Ok(true));
    assert_eq!(opened(keys, owner, end), Err(Fault::Expired));
    assert_eq!(opened(keys, owner, Timestamp::MAX), Err(Fault::Expired));
    assert_eq!(opened(&SealKeys::new([NEW, OLD]).unwrap(), owner, NOW), Ok(true));
    assert_eq!(opened(&SealKeys::new([NEW]).unwrap(), owner, NOW), Err(Fault::Foreign));
    assert!(seal(keys, owner, state, NOW, LIFE, length).is_ok());
    assert_eq!(seal(keys, owner, state, NOW, LIFE, length - 1), Err(Fault::TooLarge));
}

/// A state opens for whom it was sealed and for nobody else.
fn bound(owner: &Owner<'_>, others: &RawJson, opened: impl Fn(&Owner<'_>) -> Result<bool, Fault>) {
    let principal = format!("{}{}", owner.principal, owner.method);
    let cut = &owner.principal[..owner.principal.char_indices().last().unwrap().0];
    let shifted = format!("{}{}", &owner.principal[cut.len()..], owner.method);
    let target = format!("{}x", owner.target);
    let definition = RawJson::parse(r#"{"name":"t","title":"new"}"#).unwrap();
    for other in [
        Owner { principal: &principal, method: "", ..owner.clone() },
        Owner { principal: cut, ..owner.clone() },
        // The same bytes in a row, divided in another way.
        Owner { principal: cut, method: &shifted, ..owner.clone() },
        Owner { method: "prompts/get", ..owner.clone() },
        Owner { target: &target, ..owner.clone() },
        Owner { definition: &definition, ..owner.clone() },
        Owner { target: owner.method, method: &target, ..owner.clone() },
    ] {
        assert_eq!(opened(&other), Err(Fault::Foreign), "it opens for {other:?}");
    }
    let read = |json: &'_ RawJson| json.as_str().to_owned();
    let (ours, theirs) = (read(owner.arguments), read(others));
    let ours = Document::read(&ours, Strings::Sound).unwrap().value;
    let theirs = Document::read(&theirs, Strings::Sound).unwrap().value;
    let want = if ours.says(&theirs) { Ok(true) } else { Err(Fault::Foreign) };
    assert_eq!(opened(&Owner { arguments: others, ..owner.clone() }), want);
    let reworded = RawJson::parse(ours.reworded()).unwrap();
    assert_eq!(opened(&Owner { arguments: &reworded, ..owner.clone() }), Ok(true));
}

/// No change of a state opens.
fn tampered(text: &str, tamper: &str, opens: impl Fn(&str) -> bool) {
    for (at, byte) in tamper.bytes().enumerate().take(8) {
        let at = (usize::from(byte) * 31 + at) % text.len();
        let mut bytes = text.as_bytes().to_vec();
        let letter = ALPHABET[usize::from(byte) % ALPHABET.len()];
        if bytes[at] != letter {
            bytes[at] = letter;
            assert!(!opens(std::str::from_utf8(&bytes).unwrap()), "it opens with another letter at {at}");
        }
        assert!(!opens(&text[..at]), "the first {at} letters open");
        assert!(!opens(&text[at + 1..]), "the letters after {at} open");
    }
    for end in ["A", "=", "==", "\n", " ", tamper] {
        assert!(end.is_empty() || !opens(&format!("{text}{end}")), "it opens with {end:?} behind it");
    }
}
