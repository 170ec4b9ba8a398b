//! What a field of a form can be.

use latimer_protocol::RawJson;
use serde::Serialize;

use super::schema::{Bounds, Items, Kind, Property};

/// A type that a field of a form can have (EL-2).
#[diagnostic::on_unimplemented(
    message = "a form cannot have a field of type `{Self}`",
    label = "not a field of a form",
    note = "fields are `String`, `bool`, integers of up to 64 bits, `f32`, `f64`, enums that derive `FormChoice`, `Vec`s of such enums, and `Option`s of all these"
)]
pub trait FormField: Sized {
    /// What a default for it is: the type itself, or what is in the `Option`.
    type Value: FormField;

    /// What the user is asked for.
    fn property() -> Property;

    /// Reads a value from its JSON.
    ///
    /// # Errors
    /// With what was expected, for the user.
    fn read(json: &str) -> Result<Self, String>;

    /// A value as JSON; `None` where JSON has no such value.
    fn write(value: &Self::Value) -> Option<RawJson>;

    /// What stands for a field that was left out, where it may be.
    fn absent() -> Option<Self> {
        None
    }
}

/// A field that holds text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not text",
    label = "not text",
    note = "`min_length`, `max_length` and `format` are for fields of type `String` or `Option<String>`"
)]
pub trait TextField: FormField {}

/// A field that holds a number.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a number",
    label = "not a number",
    note = "`minimum` and `maximum` are for fields that are integers, `f32`, `f64`, or an `Option` of these"
)]
pub trait NumberField: FormField {
    /// The number's own type.
    type Number: Serialize;
}

/// A field that holds several values.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a choice of several",
    label = "not a choice of several",
    note = "`min_items` and `max_items` are for fields of type `Vec<…>` or `Option<Vec<…>>`"
)]
pub trait ManyField: FormField {}

/// An enum whose variants a user chooses from. `#[derive(FormChoice)]` of the crate `latimer` makes one of an enum
/// without fields.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something that a user of a form can choose several of",
    label = "not a choice",
    note = "in a form, the items of a `Vec` are an enum that derives `FormChoice`"
)]
pub trait FormChoice: Sized + 'static {
    /// What there is to choose from, in order.
    const CHOICES: &'static [Choice];

    /// The place among the choices.
    fn index(&self) -> usize;

    /// The value at a place.
    fn at(index: usize) -> Option<Self>;
}

/// One of the values to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What goes over the wire.
    pub value: &'static str,
    /// What the user reads, if it is something else.
    pub title: Option<&'static str>,
}

/// What the derive for enums calls.
pub mod choice {
    use super::{FormChoice, RawJson, value_of};
    use crate::ask::form::schema::{Kind, Property};

    /// The field that lets the user choose one.
    pub fn property<T: FormChoice>() -> Property {
        Property::new(Kind::One(T::CHOICES))
    }

    /// Reads a choice.
    ///
    /// # Errors
    /// With the choices that there are.
    pub fn read<T: FormChoice>(json: &str) -> Result<T, String> {
        let value: String = super::from_json(json, "one of the choices")?;
        let at = T::CHOICES.iter().position(|choice| choice.value == value);
        at.and_then(T::at).ok_or_else(|| {
            let values: Vec<_> = T::CHOICES.iter().map(|choice| choice.value).collect();
            format!("expected one of {}", values.join(", "))
        })
    }

    /// A choice as JSON.
    pub fn write<T: FormChoice>(value: &T) -> Option<RawJson> {
        RawJson::from_serialize(value_of(value)).ok()
    }
}

impl FormField for String {
    type Value = Self;

    fn property() -> Property {
        Property::new(Kind::Text)
    }

    fn read(json: &str) -> Result<Self, String> {
        from_json(json, "text")
    }

    fn write(value: &Self) -> Option<RawJson> {
        RawJson::from_serialize(value).ok()
    }
}

impl TextField for String {}

impl FormField for bool {
    type Value = Self;

    fn property() -> Property {
        Property::new(Kind::Switch)
    }

    fn read(json: &str) -> Result<Self, String> {
        from_json(json, "true or false")
    }

    fn write(value: &Self) -> Option<RawJson> {
        RawJson::from_serialize(value).ok()
    }
}

/// The bounds of a type go into the schema only up to 32 bits: beyond, clients that keep numbers as doubles would
/// change them.
macro_rules! integers {
    ($($type:ty: $minimum:expr, $maximum:expr;)*) => {$(
        impl FormField for $type {
            type Value = Self;

            fn property() -> Property {
                Property::new(Kind::Integer(Bounds { minimum: $minimum, maximum: $maximum }))
            }

            fn read(json: &str) -> Result<Self, String> {
                let expected = || format!("expected a whole number from {} to {}", Self::MIN, Self::MAX);
                integer(json).and_then(|number| Self::try_from(number).ok()).ok_or_else(expected)
            }

            fn write(value: &Self) -> Option<RawJson> {
                RawJson::from_serialize(value).ok()
            }
        }

        impl NumberField for $type {
            type Number = Self;
        }
    )*};
}

integers! {
    u8: Some(0), Some(u8::MAX.into());
    u16: Some(0), Some(u16::MAX.into());
    u32: Some(0), Some(u32::MAX.into());
    u64: Some(0), None;
    usize: Some(0), None;
    i8: Some(i8::MIN.into()), Some(i8::MAX.into());
    i16: Some(i16::MIN.into()), Some(i16::MAX.into());
    i32: Some(i32::MIN.into()), Some(i32::MAX.into());
    i64: None, None;
    isize: None, None;
}

macro_rules! floats {
    ($($type:ty)*) => {$(
        impl FormField for $type {
            type Value = Self;

            fn property() -> Property {
                Property::new(Kind::Number)
            }

            fn read(json: &str) -> Result<Self, String> {
                from_json(json, "a number")
            }

            fn write(value: &Self) -> Option<RawJson> {
                value.is_finite().then(|| RawJson::from_serialize(value).ok())?
            }
        }

        impl NumberField for $type {
            type Number = Self;
        }
    )*};
}

floats! { f32 f64 }

impl<T: FormChoice> FormField for Vec<T> {
    type Value = Self;

    fn property() -> Property {
        Property::new(Kind::Several(Items(T::CHOICES)))
    }

    fn read(json: &str) -> Result<Self, String> {
        let values: Vec<&serde_json::value::RawValue> = from_json(json, "a list of choices")?;
        values.into_iter().map(|value| choice::read(value.get())).collect()
    }

    fn write(value: &Self) -> Option<RawJson> {
        let values: Vec<_> = value.iter().map(value_of).collect();
        RawJson::from_serialize(&values).ok()
    }
}

impl<T: FormChoice> ManyField for Vec<T> {}

impl<T: FormField<Value = T>> FormField for Option<T> {
    type Value = T;

    fn property() -> Property {
        T::property().optional()
    }

    fn read(json: &str) -> Result<Self, String> {
        T::read(json).map(Some)
    }

    fn write(value: &T) -> Option<RawJson> {
        T::write(value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: TextField<Value = T>> TextField for Option<T> {}

impl<T: NumberField<Value = T>> NumberField for Option<T> {
    type Number = T::Number;
}

impl<T: ManyField<Value = T>> ManyField for Option<T> {}

fn value_of<T: FormChoice>(value: &T) -> &'static str {
    T::CHOICES.get(value.index()).map_or("", |choice| choice.value)
}

fn from_json<'j, T: serde::Deserialize<'j>>(json: &'j str, expected: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|_| format!("expected {expected}"))
}

/// Reads an integer. `2.0` is one in JSON Schema, and so some clients write it.
fn integer(json: &str) -> Option<i128> {
    if let Ok(number) = json.trim().parse::<i128>() {
        return Some(number);
    }
    let number: f64 = serde_json::from_str(json).ok()?;
    // Up to here every whole number is a double of its own.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it was checked to be whole and small")]
    exact.then_some(number as i128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn el_3_integers_may_be_written_with_a_fraction_and_stay_in_their_range() {
        assert_eq!(u8::read("4.0"), Ok(4));
        assert_eq!(i64::read("-9007199254740993"), Ok(-9_007_199_254_740_993));
        assert_eq!(u64::read("18446744073709551615"), Ok(u64::MAX));
        for wrong in ["4.5", "256", "-1", "\"4\"", "1e300", "null"] {
            assert_eq!(u8::read(wrong), Err("expected a whole number from 0 to 255".to_owned()), "{wrong}");
        }
        assert_eq!(Option::<bool>::read("true"), Ok(Some(true)));
        assert_eq!(f64::write(&f64::NAN), None);
    }
}
