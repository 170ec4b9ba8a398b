//! What a call knows of its client's extensions.

use latimer_protocol::{ErrorCode, RawJson, RpcError};

use super::ui;
use crate::context::Context;
use crate::error::CallError;

impl Context {
    /// The client's settings of an extension, an object, if it declared the extension (VER-10).
    pub fn extension(&self, id: &str) -> Option<RawJson> {
        let capabilities = &self.client().capabilities;
        capabilities.extension(id).and_then(|settings| capabilities.as_raw().slice(settings).ok())
    }

    /// The same, for what makes no sense without.
    ///
    /// # Errors
    /// -32021 with what is required, where the client did not declare the extension (VER-7); -32602 in the older
    /// revisions, which have no error of their own for it.
    pub fn require_extension(&self, id: &str) -> Result<RawJson, CallError> {
        self.extension(id).ok_or_else(|| CallError::Rpc(missing(self, id)))
    }

    /// Whether the client shows MCP Apps (APP-1): it declared `io.modelcontextprotocol/ui` with the type of their pages.
    ///
    /// A tool with a page answers in words, too, whatever this says; this tells how many.
    pub fn has_ui(&self) -> bool {
        self.client().capabilities.extension(ui::ID).is_some_and(ui::shows_pages)
    }
}

fn missing(context: &Context, id: &str) -> RpcError {
    let message = format!("this needs the extension {id}, which the client did not declare");
    if !context.revision().is_modern() {
        return RpcError::invalid_params(message);
    }
    let mut required = b"{\"requiredCapabilities\":{\"extensions\":{".to_vec();
    latimer_protocol::text::write_string(id, &mut required);
    required.extend_from_slice(b":{}}}}");
    let error = RpcError::new(ErrorCode::MISSING_CLIENT_CAPABILITY, message);
    match RawJson::parse_bytes(required.into()) {
        Ok(required) => error.with_data(required),
        Err(_) => error,
    }
}
