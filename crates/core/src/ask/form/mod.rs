//! Forms that are Rust structs (EL-2, EL-3): their schema, and reading what the user filled in.

mod content;
mod field;
mod schema;

use latimer_protocol::RawJson;

pub use content::FormContent;
pub use field::{Choice, FormChoice, FormField, ManyField, NumberField, TextField, choice};
pub use schema::{FieldSchema, FormSchema, Property};

/// A form that a user fills in. `#[derive(Form)]` of the crate `latimer` makes one of a struct.
///
/// Never ask for secrets with a form: they would pass through the client and its model. Have the user open a page
/// for them, with [`Context::elicit_url`](crate::Context::elicit_url) (EL-4).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a form",
    label = "not a form",
    note = "put `#[derive(Form)]` on the struct: its fields are those of the form"
)]
pub trait Form: Sized {
    /// The form as an object schema with flat properties, in the newest form (EL-2).
    fn schema() -> RawJson;

    /// Reads what the user filled in, which fits the schema.
    ///
    /// # Errors
    /// With what is wrong, for the user: the form is put again with it.
    fn read(content: &RawJson) -> Result<Self, String>;

    /// What no schema can say. `#[form(check = …)]` on the struct names the function that does it.
    ///
    /// # Errors
    /// With what is wrong, for the user: the form is put again with it.
    fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

/// What became of a form (EL-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elicited<T> {
    /// The user filled it in.
    Accepted(T),
    /// The user said no.
    Declined,
    /// The user turned away without an answer.
    Cancelled,
}

impl<T> Elicited<T> {
    /// What the user filled in, if so.
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accepted(form) => Some(form),
            Self::Declined | Self::Cancelled => None,
        }
    }
}

/// Reads and checks the content of a form.
pub(crate) fn read<T: Form>(content: &RawJson) -> Result<T, String> {
    let form = T::read(content)?;
    form.check()?;
    Ok(form)
}
