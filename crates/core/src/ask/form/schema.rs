//! The schema of a form, as its fields make it up.

use std::fmt;
use std::marker::PhantomData;

use latimer_protocol::RawJson;
use latimer_protocol::encode::{ObjectWriter, write_object};
use latimer_protocol::text::write_string;
use serde::Serialize;

use super::field::{Choice, FormField, ManyField, NumberField, TextField};

/// The schema of a form, field by field.
#[derive(Debug, Default)]
pub struct FormSchema {
    properties: Vec<(String, Property)>,
}

/// What is said of one field of type `T`.
pub struct FieldSchema<T> {
    property: Property,
    field: PhantomData<fn() -> T>,
}

/// What the user is asked for in one field.
#[derive(Clone, Debug)]
pub struct Property {
    required: bool,
    kind: Kind,
    title: Option<String>,
    description: Option<String>,
    /// Restrictions by their names in JSON Schema, as JSON.
    restrictions: Vec<(&'static str, RawJson)>,
    default: Option<RawJson>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Text,
    Switch,
    Integer(Bounds),
    Number,
    One(&'static [Choice]),
    Several(Items),
}

/// What a type holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) minimum: Option<i64>,
    pub(super) maximum: Option<i64>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Items(pub(super) &'static [Choice]);

impl FormSchema {
    /// A form without fields: the user only accepts or declines.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn field<T: FormField>(
        mut self,
        name: &str,
        describe: impl FnOnce(FieldSchema<T>) -> FieldSchema<T>,
    ) -> Self {
        let field = describe(FieldSchema { property: T::property(), field: PhantomData });
        self.properties.push((name.to_owned(), field.property));
        self
    }

    /// The schema as JSON, in the newest form.
    pub fn finish(self) -> RawJson {
        let mut out = Vec::with_capacity(256);
        write_object(&mut out, |schema| {
            schema.string("type", "object").object("properties", |properties| {
                for (name, property) in &self.properties {
                    properties.object(name, |object| property.write(object));
                }
            });
            let required: Vec<_> = self.properties.iter().filter(|(_, property)| property.required).collect();
            if !required.is_empty() {
                schema.array("required", &required, |(name, _), out| {
                    write_string(name, out);
                });
            }
        });
        RawJson::parse_bytes(out.into()).unwrap_or_else(|_| RawJson::empty_object())
    }
}

impl<T: FormField> FieldSchema<T> {
    /// What the field is called, for the user.
    #[must_use]
    pub fn title(mut self, title: &str) -> Self {
        self.property.title = Some(title.to_owned());
        self
    }

    /// What the field is for, for the user.
    #[must_use]
    pub fn description(mut self, description: &str) -> Self {
        self.property.description = Some(description.to_owned());
        self
    }

    /// What the field holds at first. It may be left out then.
    #[must_use]
    pub fn default(mut self, value: &T::Value) -> Self {
        self.property.default = T::write(value);
        self.property.required = false;
        self
    }

    /// The least number of characters.
    #[must_use]
    pub fn min_length(self, characters: u32) -> Self
    where
        T: TextField,
    {
        self.restrict("minLength", &characters)
    }

    /// The greatest number of characters.
    #[must_use]
    pub fn max_length(self, characters: u32) -> Self
    where
        T: TextField,
    {
        self.restrict("maxLength", &characters)
    }

    /// The form of the text: `email`, `uri`, `date` or `date-time`.
    #[must_use]
    pub fn format(self, format: &str) -> Self
    where
        T: TextField,
    {
        self.restrict("format", format)
    }

    /// The least number.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it reads best where a literal is given")]
    pub fn minimum(self, least: T::Number) -> Self
    where
        T: NumberField,
    {
        self.restrict("minimum", &least)
    }

    /// The greatest number.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "it reads best where a literal is given")]
    pub fn maximum(self, greatest: T::Number) -> Self
    where
        T: NumberField,
    {
        self.restrict("maximum", &greatest)
    }

    /// How many have to be chosen at least.
    #[must_use]
    pub fn min_items(self, items: u32) -> Self
    where
        T: ManyField,
    {
        self.restrict("minItems", &items)
    }

    /// How many may be chosen at most.
    #[must_use]
    pub fn max_items(self, items: u32) -> Self
    where
        T: ManyField,
    {
        self.restrict("maxItems", &items)
    }

    fn restrict(mut self, name: &'static str, value: &(impl Serialize + ?Sized)) -> Self {
        // JSON has no NaN and no infinity, and nothing is bounded by them.
        if let Ok(value) = RawJson::from_serialize(value)
            && value != RawJson::null()
        {
            self.property.restrictions.push((name, value));
        }
        self
    }
}

impl Property {
    pub(super) fn new(kind: Kind) -> Self {
        Self { required: true, kind, title: None, description: None, restrictions: Vec::new(), default: None }
    }

    /// The same, that may be left out.
    pub(super) fn optional(mut self) -> Self {
        self.required = false;
        self
    }

    fn write(&self, object: &mut ObjectWriter<'_>) {
        object
            .string("type", self.kind.as_str())
            .optional_string("title", self.title.as_deref())
            .optional_string("description", self.description.as_deref());
        match self.kind {
            Kind::One(choices) => write_choices(object, choices, "oneOf"),
            Kind::Several(Items(choices)) => {
                object.object("items", |items| {
                    // A titled choice has no type of its own (EL-2).
                    if !is_titled(choices) {
                        items.string("type", "string");
                    }
                    write_choices(items, choices, "anyOf");
                });
            }
            _ => {}
        }
        if let Kind::Integer(bounds) = self.kind {
            let said = |name| self.restrictions.iter().any(|(other, _)| *other == name);
            for (name, bound) in [("minimum", bounds.minimum), ("maximum", bounds.maximum)] {
                if let Some(bound) = bound.filter(|_| !said(name)) {
                    object.raw(name, &bound.to_string());
                }
            }
        }
        for (name, value) in &self.restrictions {
            object.raw(name, value.as_str());
        }
        object.optional_raw("default", self.default.as_ref());
    }
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Text | Self::One(_) => "string",
            Self::Switch => "boolean",
            Self::Integer(_) => "integer",
            Self::Number => "number",
            Self::Several(_) => "array",
        }
    }
}

fn is_titled(choices: &[Choice]) -> bool {
    choices.iter().any(|choice| choice.title.is_some())
}

/// Titled choices stand under `titled`, others under `enum`.
fn write_choices(object: &mut ObjectWriter<'_>, choices: &[Choice], titled: &str) {
    if is_titled(choices) {
        object.array(titled, choices, |choice, out| {
            write_object(out, |object| {
                object.string("const", choice.value).string("title", choice.title.unwrap_or(choice.value));
            });
        });
    } else {
        object.array("enum", choices, |choice, out| {
            write_string(choice.value, out);
        });
    }
}

impl<T> fmt::Debug for FieldSchema<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldSchema").field("property", &self.property).finish()
    }
}
