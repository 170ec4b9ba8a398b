//! The fields of a [`Config`], read and shown without knowing their types.

use std::path::Path;

use serde_json::Value as Json;

use super::document::{Node, Span, Value};
use super::setting::{Misfit, Setting};
use super::settings::Config;

/// Why a value was not set.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Completes "must be …".
    pub(crate) expected: String,
    /// What stood there instead, each at its place.
    pub(crate) misfits: Vec<Misfit>,
}

/// A field of [`Config`] as the rest of the reader sees it. `name` is what the user chose for `NAME`.
pub(crate) trait Slot: Sync {
    /// Sets the field from a value of a file; relative paths start at `base`.
    fn set_node(&self, config: &mut Config, name: &str, node: &Node, base: &Path) -> Result<(), Refusal>;
    /// Sets the field from a flag or variable.
    fn set_text(&self, config: &mut Config, name: &str, text: &str) -> Result<(), Refusal>;
    /// The value, or `None` if there is nothing of that name.
    fn show(&self, config: &Config, name: &str) -> Option<Json>;
    /// Whether two configurations have the same value.
    fn same(&self, one: &Config, other: &Config, name: &str) -> bool;
    /// Gives a configuration the value of another one.
    fn copy(&self, to: &mut Config, from: &Config, name: &str);
    /// The JSON Schema of the value.
    fn schema(&self) -> Json;
    /// The least and the greatest value as they are written.
    fn range(&self) -> Option<(&'static str, &'static str)>;
    /// Whether the default, and both ends of the range, are values that the key takes.
    #[cfg(test)]
    fn is_sound(&self, config: &Config) -> bool;
}

/// A field with a range; the bounds are written as a file would have them.
pub(crate) struct Field<T> {
    pub(crate) get: fn(&Config, &str) -> Option<T>,
    pub(crate) put: fn(&mut Config, &str, T),
    /// Makes it what it is where nothing sets it; for fields that `get` may not find.
    pub(crate) clear: fn(&mut Config, &str),
    pub(crate) range: Option<(&'static str, &'static str)>,
}

impl<T: Setting> Field<T> {
    fn fits(&self, value: &T) -> bool {
        let magnitude = |text: &str| T::from_text(text).and_then(|value| value.magnitude());
        match (self.range, value.magnitude()) {
            (Some((least, most)), Some(value)) => {
                magnitude(least).is_none_or(|least| least <= value)
                    && magnitude(most).is_none_or(|most| value <= most)
            }
            _ => true,
        }
    }

    fn refusal(&self, misfits: Vec<Misfit>) -> Refusal {
        let range = self.range.map(|(least, most)| format!(" from {least} to {most}")).unwrap_or_default();
        Refusal { expected: T::expected() + &range, misfits }
    }
}

impl<T: Setting> Slot for Field<T> {
    fn set_node(&self, config: &mut Config, name: &str, node: &Node, base: &Path) -> Result<(), Refusal> {
        let mut value = T::from_node(node).map_err(|misfits| self.refusal(misfits))?;
        if !self.fits(&value) {
            let found = node.value.found();
            let misfit = Misfit { span: node.span, found, hidden: !node.variables.is_empty() };
            return Err(self.refusal(vec![misfit]));
        }
        value.rebase(base);
        (self.put)(config, name, value);
        Ok(())
    }

    fn set_text(&self, config: &mut Config, name: &str, text: &str) -> Result<(), Refusal> {
        match T::from_text(text).filter(|value| self.fits(value)) {
            Some(value) => {
                (self.put)(config, name, value);
                Ok(())
            }
            None => {
                let found = Value::Text(text.to_owned()).found();
                Err(self.refusal(vec![Misfit { span: Span::default(), found, hidden: false }]))
            }
        }
    }

    fn show(&self, config: &Config, name: &str) -> Option<Json> {
        (self.get)(config, name).map(|value| value.show())
    }

    fn same(&self, one: &Config, other: &Config, name: &str) -> bool {
        match ((self.get)(one, name), (self.get)(other, name)) {
            (Some(one), Some(other)) => one.same(&other),
            (None, None) => true,
            _ => false,
        }
    }

    fn copy(&self, to: &mut Config, from: &Config, name: &str) {
        match (self.get)(from, name) {
            Some(value) => (self.put)(to, name, value),
            None => (self.clear)(to, name),
        }
    }

    fn schema(&self) -> Json {
        let mut schema = T::schema();
        let bound = |text: &str| T::from_text(text).and_then(|value| value.magnitude());
        if let (Some((least, most)), Some(types)) = (self.range, schema.get("type").and_then(Json::as_array))
            && types.iter().any(|name| name == "integer")
        {
            if let Some(least) = bound(least) {
                schema["minimum"] = least.into();
            }
            if let Some(most) = bound(most) {
                schema["maximum"] = most.into();
            }
        }
        schema
    }

    fn range(&self) -> Option<(&'static str, &'static str)> {
        self.range
    }

    #[cfg(test)]
    fn is_sound(&self, config: &Config) -> bool {
        let bound = |text: &str| T::from_text(text).and_then(|value| value.magnitude());
        let range = self
            .range
            .is_none_or(|(least, most)| matches!((bound(least), bound(most)), (Some(l), Some(m)) if l <= m));
        range && (self.get)(config, "").is_none_or(|value| self.fits(&value))
    }
}
