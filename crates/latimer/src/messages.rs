//! What prompts return.

use std::borrow::Cow;

use latimer_core::CallError;
use latimer_protocol::wire::{GetPromptResult, PromptMessage};

/// What a prompt may return: text becomes one message of the user.
#[diagnostic::on_unimplemented(
    message = "a prompt cannot return `{Self}`",
    label = "not messages of a prompt",
    note = "return text, `PromptMessage`s, `GetPromptResult`, or a `Result` of these"
)]
pub trait IntoMessages {
    /// The messages.
    ///
    /// # Errors
    /// When the prompt cannot be expanded.
    fn into_messages(self) -> Result<GetPromptResult, CallError>;
}

macro_rules! messages {
    ($(|$value:ident: $type:ty| $result:expr;)*) => {$(
        impl IntoMessages for $type {
            fn into_messages(self) -> Result<GetPromptResult, CallError> {
                let $value = self;
                Ok($result)
            }
        }
    )*};
}

messages! {
    |text: String| GetPromptResult::new([PromptMessage::user(text)]);
    |text: &str| GetPromptResult::new([PromptMessage::user(text)]);
    |text: Cow<'_, str>| GetPromptResult::new([PromptMessage::user(text.into_owned())]);
    |message: PromptMessage| GetPromptResult::new([message]);
    |messages: Vec<PromptMessage>| GetPromptResult::new(messages);
    |result: GetPromptResult| result;
}

impl<const N: usize> IntoMessages for [PromptMessage; N] {
    fn into_messages(self) -> Result<GetPromptResult, CallError> {
        Ok(GetPromptResult::new(self))
    }
}

impl<T: IntoMessages, E: Into<CallError>> IntoMessages for Result<T, E> {
    fn into_messages(self) -> Result<GetPromptResult, CallError> {
        self.map_err(Into::into)?.into_messages()
    }
}
