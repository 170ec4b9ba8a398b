//! What tools return.

use std::borrow::Cow;

use latimer_core::CallError;
use latimer_protocol::RawJson;
use latimer_protocol::wire::{CallToolResult, ContentBlock, ResourceContents};
use schemars::JsonSchema;
use serde::Serialize;

use crate::schema::{self, SchemaFault};

/// What a tool may return.
///
/// Text, numbers and `bool` become one block of text, `()` no content at all. [`Json`] and types that derive
/// `Structured` become structured content, with the same JSON as text for clients that read only text
/// (TOOL-7), and give the tool an output schema. `Result<T, E>` is `T`, or an error: a
/// [`ToolError`](crate::ToolError) is shown to the model, any error of `std` is logged under a reference.
#[diagnostic::on_unimplemented(
    message = "a tool cannot return `{Self}`",
    label = "not a result of a tool",
    note = "return text, a number, content blocks or `Result<_, ToolError>`; for data, return `Json<…>` or derive `Structured`"
)]
pub trait IntoToolResult {
    /// The schema of the structured content, if there is any.
    #[doc(hidden)]
    fn output_schema() -> Option<OutputSchema> {
        None
    }

    /// The result of the call.
    ///
    /// # Errors
    /// When the call failed.
    fn into_tool_result(self) -> Result<CallToolResult, CallError>;
}

/// The schema of a tool's structured content.
#[doc(hidden)]
#[derive(Debug)]
pub struct OutputSchema(pub(crate) Result<RawJson, SchemaFault>);

impl OutputSchema {
    /// The schema of a type.
    pub fn of<T: JsonSchema>() -> Self {
        Self(schema::of_output::<T>())
    }
}

/// A value as JSON: structured content of a tool, the JSON text of a resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn output_schema() -> Option<OutputSchema> {
        Some(OutputSchema::of::<T>())
    }

    fn into_tool_result(self) -> Result<CallToolResult, CallError> {
        Ok(CallToolResult::structured(&self.0)?)
    }
}

impl<T: IntoToolResult, E: Into<CallError>> IntoToolResult for Result<T, E> {
    fn output_schema() -> Option<OutputSchema> {
        T::output_schema()
    }

    fn into_tool_result(self) -> Result<CallToolResult, CallError> {
        self.map_err(Into::into)?.into_tool_result()
    }
}

macro_rules! results {
    ($(|$value:ident: $type:ty| $result:expr;)*) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<CallToolResult, CallError> {
                let $value = self;
                Ok($result)
            }
        }
    )*};
}

results! {
    |result: CallToolResult| result;
    |_nothing: ()| CallToolResult::default();
    |text: String| CallToolResult::text(text);
    |text: Box<str>| CallToolResult::text(text);
    |text: &str| CallToolResult::text(text);
    |text: Cow<'_, str>| CallToolResult::text(text);
    |character: char| CallToolResult::text(character);
    |block: ContentBlock| CallToolResult::new([block]);
    |blocks: Vec<ContentBlock>| CallToolResult { content: blocks, ..CallToolResult::default() };
    |resource: ResourceContents| CallToolResult::new([ContentBlock::resource(resource)]);
}

macro_rules! printed {
    ($($type:ty)*) => {$(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<CallToolResult, CallError> {
                Ok(CallToolResult::text(self.to_string()))
            }
        }
    )*};
}

printed! { bool u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64 }

impl<const N: usize> IntoToolResult for [ContentBlock; N] {
    fn into_tool_result(self) -> Result<CallToolResult, CallError> {
        Ok(CallToolResult::new(self))
    }
}
