//! What the two eras demand of a request, whatever the transport.

pub mod legacy;
pub mod modern;

use latimer_protocol::wire::LogLevel;
use latimer_protocol::{RawJson, RpcError, frame};

/// Reads the name of a log level (LOG-2, LOG-3).
fn log_level(text: &RawJson) -> Result<LogLevel, RpcError> {
    let name = frame::string(text.as_str());
    name.and_then(|name| name.parse().ok()).ok_or_else(|| {
        RpcError::invalid_params(
            "unknown log level; use debug, info, notice, warning, error, critical, alert or emergency",
        )
    })
}
