//! How the arguments of a call reach the function.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::str::FromStr;

use latimer_core::{CallError, Context, ToolError};
use latimer_protocol::{Arguments, Revision};
use schemars::JsonSchema;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::integral::respelled;
use crate::misread::Misread;

/// All arguments of a tool as one struct.
///
/// ```
/// # use latimer::prelude::*;
/// #[derive(serde::Deserialize, schemars::JsonSchema)]
/// struct Booking {
///     /// How many people come.
///     party: u8,
///     name: Option<String>,
/// }
///
/// /// Books a table.
/// #[tool]
/// async fn book(Args(booking): Args<Booking>) -> String {
///     format!("a table for {}", booking.party)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Args<T>(pub T);

impl<T> Deref for Args<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What an argument of a tool may be: anything that deserialises and has a JSON Schema.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be an argument of a tool",
    label = "not an argument",
    note = "derive `serde::Deserialize` and `schemars::JsonSchema` for it; shared values are taken as `State<{Self}>`"
)]
pub trait Argument: DeserializeOwned + JsonSchema + Send + 'static {}

impl<T: DeserializeOwned + JsonSchema + Send + 'static> Argument for T {}

/// What an argument of a prompt or a variable of a resource template may be: they come as strings, so
/// anything that is read from one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be read from a string",
    label = "not an argument of a prompt or resource",
    note = "arguments of prompts and variables of URI templates are strings: take `String` or a type with `FromStr`"
)]
pub trait TextArgument: Sized + Send + 'static {
    /// Reads it.
    ///
    /// # Errors
    /// When the text is none, in words.
    fn read(text: String) -> Result<Self, Cow<'static, str>>;
}

impl<T> TextArgument for T
where
    T: FromStr<Err: fmt::Display> + Send + 'static,
{
    fn read(text: String) -> Result<Self, Cow<'static, str>> {
        text.parse().map_err(|error: T::Err| error.to_string().into())
    }
}

/// A place for each argument; what `#[tool]` makes of the arguments of a function.
pub trait Slots: Default {
    /// Puts the value of the argument `name` into its place, if there is such an argument.
    ///
    /// # Errors
    /// When the value does not have the argument's type.
    fn put<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads the value of an argument.
///
/// # Errors
/// When it does not have the argument's type.
pub fn value<'de, T: Argument, A: MapAccess<'de>>(map: &mut A) -> Result<T, A::Error> {
    map.next_value()
}

/// Reads the arguments of a call, which already fit the schema: by their index if they have one, otherwise from their
/// text.
///
/// # Errors
/// When a value is not one of its type after all: shown to the model, as other faulty arguments are (TOOL-8).
#[expect(clippy::needless_pass_by_value, reason = "once they are read, nobody holds their index any longer")]
pub fn read_slots<S: Slots>(arguments: Arguments, context: &Context) -> Result<S, CallError> {
    let indexed =
        arguments.tape().map(|tape| tape.root().read(|reader| reader.deserialize_map(Members(PhantomData))));
    if let Some(Ok(slots)) = indexed {
        return Ok(slots);
    }
    read(arguments.as_str(), context, |json| {
        serde_json::Deserializer::from_str(json).deserialize_map(Members(PhantomData))
    })
}

/// As [`read_slots`], for a type that holds all arguments.
///
/// # Errors
/// As [`read_slots`].
#[expect(clippy::needless_pass_by_value, reason = "once they are read, nobody holds their index any longer")]
pub fn read_args<T: DeserializeOwned>(arguments: Arguments, context: &Context) -> Result<Args<T>, CallError> {
    if let Some(Ok(all)) = arguments.tape().map(|tape| tape.root().read(|reader| T::deserialize(reader))) {
        return Ok(Args(all));
    }
    read(arguments.as_str(), context, |json| serde_json::from_str(json)).map(Args)
}

/// The value of an argument that has to be there.
///
/// # Errors
/// When it is not.
pub fn given<T>(value: Option<T>, name: &'static str, context: &Context) -> Result<T, CallError> {
    value.ok_or_else(|| faulty(&Misread::missing(name), context))
}

/// Takes a prompt's argument out of those that were given.
///
/// # Errors
/// When it cannot be read as its type.
pub fn text_argument<T: TextArgument>(
    arguments: &mut Vec<(String, String)>,
    name: &str,
) -> Result<Option<T>, CallError> {
    let Some(text) = take(arguments, name) else { return Ok(None) };
    let wrong = |reason| CallError::invalid_params(format!("argument \"{name}\": {reason}"));
    T::read(text).map(Some).map_err(wrong)
}

/// Takes a prompt's argument that has to be given.
///
/// # Errors
/// When it is not, or cannot be read as its type.
pub fn required_text_argument<T: TextArgument>(
    arguments: &mut Vec<(String, String)>,
    name: &str,
) -> Result<T, CallError> {
    let missing = || CallError::invalid_params(format!("the argument \"{name}\" is missing"));
    text_argument(arguments, name)?.ok_or_else(missing)
}

/// Takes a variable of a URI template out of those of the URI.
///
/// # Errors
/// When it cannot be read as its type: then there is no such resource (RSC-3).
pub fn variable<T: TextArgument>(variables: &mut Vec<(String, String)>, name: &str) -> Result<T, CallError> {
    let text = take(variables, name).ok_or(CallError::NoResource)?;
    T::read(text).map_err(|_| CallError::NoResource)
}

fn take(pairs: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = pairs.iter().position(|(key, _)| key == name)?;
    Some(pairs.swap_remove(at).1)
}

/// Reads arguments from their text, and reads them again with every integer in its plain spelling if they do not fit
/// as they came: `2.0` is an integer for their schema.
fn read<T>(
    json: &str,
    context: &Context,
    typed: impl Fn(&str) -> Result<T, serde_json::Error>,
) -> Result<T, CallError> {
    let error = match typed(json) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let Some(plain) = respelled(json) else { return Err(faulty(&Misread::new(json, &error), context)) };
    typed(&plain).map_err(|error| faulty(&Misread::new(&plain, &error), context))
}

fn faulty(misread: &Misread, context: &Context) -> CallError {
    let message = format!("the arguments do not fit:\n{misread}");
    if context.revision() >= Revision::V2025_11_25 {
        CallError::Tool(ToolError::new(message))
    } else {
        CallError::invalid_params(message)
    }
}

struct Members<S>(PhantomData<S>);

impl<'de, S: Slots> Visitor<'de> for Members<S> {
    type Value = S;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S, A::Error> {
        let mut slots = S::default();
        while let Some(Name(name)) = map.next_key()? {
            if !slots.put(&name, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(slots)
    }
}

/// A key, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}
