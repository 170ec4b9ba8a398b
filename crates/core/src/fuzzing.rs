//! The seal of `requestState` for fuzz targets: what the engine does with it, without an engine.

use std::time::Duration;

use latimer_protocol::RawJson;
use latimer_store::Timestamp;

use crate::ask::{Answered, Binding, Journal, SealError, SealKeys, Sealed};

/// What a state is bound to.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    /// Who calls.
    pub principal: &'a str,
    /// The method.
    pub method: &'a str,
    /// What is called.
    pub target: &'a str,
    /// The arguments.
    pub arguments: &'a RawJson,
    /// The definition that stands behind it.
    pub definition: &'a RawJson,
}

/// What a state holds.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The name of the call.
    pub chain: String,
    /// How many rounds there were.
    pub rounds: u32,
    /// Answers by their questions' keys.
    pub answers: Vec<(String, RawJson)>,
    /// What the handler remembered.
    pub memo: Vec<(String, RawJson)>,
    /// The keys of open questions.
    pub open: Vec<String>,
}

/// Why a state is not sealed or does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It belongs to something else, or to nothing.
    Foreign,
    /// It is too old.
    Expired,
    /// It is larger than allowed.
    TooLarge,
    /// It cannot be sealed.
    Cipher,
}

/// Seals a state.
///
/// # Errors
/// When it is larger than `most`.
pub fn seal(
    keys: &SealKeys,
    owner: &Owner<'_>,
    state: &State,
    now: Timestamp,
    life: Duration,
    most: usize,
) -> Result<String, Fault> {
    let mut journal = Journal::default();
    for (key, answer) in &state.answers {
        journal.note_answer(key, Answered::Result(answer.clone()));
    }
    for (key, value) in &state.memo {
        journal.note_memo(key, value.clone());
    }
    let mut sealed = Sealed::new(state.chain.clone(), state.rounds, journal);
    sealed.open.clone_from(&state.open);
    keys.seal(&owner.binding(), sealed, now, life, most).map_err(Fault::from)
}

/// Opens a state.
///
/// # Errors
/// When it does not open for this owner at this time.
pub fn open(keys: &SealKeys, owner: &Owner<'_>, text: &str, now: Timestamp) -> Result<Opened, Fault> {
    keys.open(&owner.binding(), text, now).map(Opened).map_err(Fault::from)
}

/// A state that was opened.
#[derive(Debug)]
pub struct Opened(Sealed);

impl Opened {
    /// Whether it holds everything that `state` does.
    pub fn holds(&self, state: &State) -> bool {
        let Self(sealed) = self;
        let answers = state.answers.iter().all(|(key, answer)| {
            matches!(sealed.journal.answer(key), Some(Answered::Result(result)) if result == answer)
        });
        let memo = state.memo.iter().all(|(key, value)| sealed.journal.memo(key) == Some(value));
        let rest = sealed.chain == state.chain && sealed.rounds == state.rounds && sealed.open == state.open;
        answers && memo && rest
    }
}

impl Owner<'_> {
    fn binding(&self) -> Binding {
        Binding::new(self.principal, self.method, self.target, self.arguments, self.definition)
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Foreign => Self::Foreign,
            SealError::Expired => Self::Expired,
            SealError::TooLarge(_) => Self::TooLarge,
            SealError::Cipher => Self::Cipher,
        }
    }
}
