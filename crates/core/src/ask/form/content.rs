//! Reading what a form was filled in with.

use std::collections::BTreeMap;

use latimer_protocol::RawJson;
use serde_json::value::RawValue;

use super::field::FormField;

/// What a form was filled in with, by the names of its fields.
#[derive(Debug)]
pub struct FormContent<'c>(BTreeMap<String, &'c RawValue>);

impl<'c> FormContent<'c> {
    /// The content of an answer.
    ///
    /// # Errors
    /// When it is no object.
    pub fn new(content: &'c RawJson) -> Result<Self, String> {
        serde_json::from_str(content.as_str())
            .map(Self)
            .map_err(|error| format!("the content has to be an object: {error}"))
    }

    /// The value of a field.
    ///
    /// # Errors
    /// When it is none, or is missing and must not be.
    pub fn get<T: FormField>(&self, name: &str) -> Result<T, String> {
        match self.0.get(name) {
            Some(value) => read(name, value),
            None => T::absent().ok_or_else(|| format!("/{name}: is missing")),
        }
    }

    /// The value of a field, or its default where it is missing.
    ///
    /// # Errors
    /// When it is none.
    pub fn get_or<T: FormField>(&self, name: &str, default: impl FnOnce() -> T) -> Result<T, String> {
        match self.0.get(name) {
            Some(value) => read(name, value),
            None => Ok(T::absent().unwrap_or_else(default)),
        }
    }
}

fn read<T: FormField>(name: &str, value: &RawValue) -> Result<T, String> {
    T::read(value.get()).map_err(|fault| format!("/{name}: {fault}"))
}
