//! What resources return.

use std::borrow::Cow;

use bytes::Bytes;
use latimer_core::CallError;
use latimer_protocol::RawJson;
use latimer_protocol::wire::{ReadResourceResult, ResourceContents};
use serde::Serialize;

use crate::output::Json;

/// What a resource may return.
///
/// Text and bytes get the URI that was asked for and the resource's MIME type; [`Json`] is JSON text. With
/// `None` there is no such resource.
#[diagnostic::on_unimplemented(
    message = "a resource cannot return `{Self}`",
    label = "not the contents of a resource",
    note = "return text, bytes (`Vec<u8>`), `Json<…>`, `ResourceContents`, or an `Option` or `Result` of these"
)]
pub trait IntoContents {
    /// The contents of the resource at `uri`.
    ///
    /// # Errors
    /// When it cannot be read.
    fn into_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult, CallError>;
}

macro_rules! contents {
    ($(|$value:ident: $type:ty, $uri:ident| $contents:expr;)*) => {$(
        impl IntoContents for $type {
            fn into_contents(self, $uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult, CallError> {
                let $value = self;
                let mut contents = $contents;
                contents.mime_type = mime_type.map(ToOwned::to_owned);
                Ok(contents.into())
            }
        }
    )*};
}

contents! {
    |text: String, uri| ResourceContents::text(uri, text);
    |text: &str, uri| ResourceContents::text(uri, text);
    |text: Cow<'_, str>, uri| ResourceContents::text(uri, text);
    |bytes: Vec<u8>, uri| ResourceContents::blob(uri, bytes);
    |bytes: &[u8], uri| ResourceContents::blob(uri, bytes);
    |bytes: Bytes, uri| ResourceContents::blob(uri, bytes);
}

impl<T: Serialize> IntoContents for Json<T> {
    fn into_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult, CallError> {
        let text = RawJson::from_serialize(&self.0)?;
        let mime_type = mime_type.unwrap_or("application/json");
        Ok(ResourceContents::text(uri, text.as_str()).with_mime_type(mime_type).into())
    }
}

impl IntoContents for ResourceContents {
    fn into_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult, CallError> {
        Ok(self.into())
    }
}

impl IntoContents for Vec<ResourceContents> {
    fn into_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult, CallError> {
        Ok(ReadResourceResult::new(self))
    }
}

impl IntoContents for ReadResourceResult {
    fn into_contents(self, _: &str, _: Option<&str>) -> Result<ReadResourceResult, CallError> {
        Ok(self)
    }
}

impl<T: IntoContents> IntoContents for Option<T> {
    fn into_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult, CallError> {
        self.ok_or(CallError::NoResource)?.into_contents(uri, mime_type)
    }
}

impl<T: IntoContents, E: Into<CallError>> IntoContents for Result<T, E> {
    fn into_contents(self, uri: &str, mime_type: Option<&str>) -> Result<ReadResourceResult, CallError> {
        self.map_err(Into::into)?.into_contents(uri, mime_type)
    }
}
