//! Validation of tool arguments and results against JSON Schema, in bounded memory (TOOL-4).
//!
//! The instance is never turned into a tree: the validator walks over a [tape](latimer_protocol::tape) that borrows the
//! text and costs eight bytes a value. A verdict comes first, without collecting anything; only what fails is looked at
//! again for reasons, and that second look is rationed, so that neither a million errors nor nested alternatives can
//! make it long.

mod bounds;
mod documents;
mod equality;
mod explain;
mod instance;
mod number;
mod preview;
mod schema;
mod suggest;
mod violation;

use std::cell::RefCell;

use latimer_protocol::tape::{Tape, TapeBuffer};

pub use documents::Documents;
pub use schema::{Options, SchemaError};
pub use violation::{Violation, Violations};

/// A compiled schema. Compile it once, share it behind an `Arc`.
#[derive(Debug)]
pub struct Validator {
    compiled: schema::Compiled,
    /// Kept for the property names that an explanation suggests.
    schema: Box<str>,
    /// Where the schema is, if it refers to documents elsewhere.
    base: Option<Box<str>>,
}

impl Validator {
    /// Compiles the JSON Schema in `schema` with the default [`Options`].
    ///
    /// `$schema` chooses 2020-12 (the default), 2019-09 or draft-07. References may lead anywhere within the schema and
    /// nowhere else, unless [`Options::documents`] says otherwise: nothing is fetched. Patterns are matched in linear time; `format` is an annotation.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when the schema is not valid in its dialect, leads outside, or needs what is not supported.
    pub fn compile(schema: &str) -> Result<Self, SchemaError> {
        Self::compile_with(schema, &Options::default())
    }

    /// Compiles the JSON Schema in `schema`.
    ///
    /// # Errors
    ///
    /// As [`Validator::compile`].
    pub fn compile_with(schema: &str, options: &Options) -> Result<Self, SchemaError> {
        Ok(Self {
            compiled: schema::compile(schema, options)?,
            schema: schema.into(),
            base: options.base_of(schema),
        })
    }

    /// Checks the JSON value in `json`.
    ///
    /// # Errors
    ///
    /// [`Violations`] says what is wrong with it in words that a model can act on. Text that is not JSON, nests deeper
    /// than 128, or has two members of one name in an object is an error as well.
    pub fn check(&self, json: &str) -> Result<(), Violations> {
        thread_local! {
            static BUFFER: RefCell<TapeBuffer> = RefCell::default();
        }
        BUFFER.with(|buffer| match buffer.try_borrow_mut() {
            Ok(mut buffer) => {
                let result = self.check_in(&mut buffer, json);
                buffer.trim(KEPT_BYTES);
                result
            }
            Err(_) => self.check_in(&mut TapeBuffer::new(), json),
        })
    }

    /// [`Validator::check`] within a buffer of the caller.
    ///
    /// # Errors
    ///
    /// As [`Validator::check`].
    pub fn check_in(&self, buffer: &mut TapeBuffer, json: &str) -> Result<(), Violations> {
        match Tape::parse_into(buffer, json) {
            Ok(tape) => self.check_tape(tape),
            Err(error) => Err(Violations::unreadable(&error)),
        }
    }

    /// Checks a value that has been indexed already.
    ///
    /// # Errors
    ///
    /// As [`Validator::check`].
    pub fn check_tape(&self, tape: Tape<'_>) -> Result<(), Violations> {
        if self.compiled.is_valid(instance::Subject::new(tape).root()) {
            return Ok(());
        }
        Err(explain::explain(&self.compiled, &self.schema, self.base.as_deref(), tape, Violations::LISTED))
    }

    /// [`Validator::check_tape`] for those who want more than [`Violations::LISTED`] violations: up to `most` are listed,
    /// of up to 4,096.
    ///
    /// # Errors
    ///
    /// As [`Validator::check`].
    pub fn check_listing(&self, tape: Tape<'_>, most: usize) -> Result<(), Violations> {
        if self.compiled.is_valid(instance::Subject::new(tape).root()) {
            return Ok(());
        }
        Err(explain::explain(&self.compiled, &self.schema, self.base.as_deref(), tape, most.min(4_096)))
    }
}

/// What a thread keeps for the next check: enough for the index of most messages.
const KEPT_BYTES: usize = 64 * 1024;
