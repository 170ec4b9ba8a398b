//! The span of a call, for whoever records spans; log lines within the call carry its fields.

use latimer_protocol::frame;
use tracing::{Level, Span, field};

use super::Trace;
use crate::engine::Request;

/// The most of a name that a span carries, in characters: the client may have sent a long one.
const MOST_NAME: usize = 128;

/// The span of a call, named by the conventions of OpenTelemetry for MCP. A call that belongs to a trace has one on
/// level `info`, any other on `debug`; where nobody listens there is none, and nothing is read for it.
pub(crate) fn of_call(request: &Request) -> Span {
    if !tracing::span_enabled!(target: "latimer::call", Level::INFO) {
        return Span::none();
    }
    let trace = Trace::of(request.params.meta.raw.as_ref(), request.caller.trace.as_deref());
    let parent = trace.and_then(|trace| trace.parent);
    let version = request.caller.revision.as_str();
    let method = request.method.name;
    macro_rules! span {
        ($level:expr) => {
            tracing::span!(
                target: "latimer::call",
                $level,
                "call",
                otel.name = field::Empty,
                otel.kind = "server",
                mcp.method.name = method,
                mcp.protocol.version = version,
                mcp.session.id = request.caller.session.as_ref().map(crate::SessionId::as_str),
                gen_ai.tool.name = field::Empty,
                gen_ai.prompt.name = field::Empty,
                mcp.resource.uri = field::Empty,
                trace_id = parent.map(|parent| field::display(parent.trace())),
                parent_id = parent.map(|parent| field::display(parent.span())),
            )
        };
    }
    let span = if parent.is_some() { span!(Level::INFO) } else { span!(Level::DEBUG) };
    if !span.is_disabled() {
        name(&span, request);
    }
    span
}

/// Says what the call is about.
fn name(span: &Span, request: &Request) {
    let params = &request.params;
    let (key, target) = match request.method.name {
        "tools/call" => ("gen_ai.tool.name", params.name.as_ref()),
        "prompts/get" => ("gen_ai.prompt.name", params.name.as_ref()),
        "resources/read" => ("mcp.resource.uri", params.uri.as_ref()),
        method => {
            span.record("otel.name", method);
            return;
        }
    };
    let target = target.and_then(|target| frame::string(target.as_str())).unwrap_or_default();
    let target: String = target.chars().take(MOST_NAME).collect();
    span.record("otel.name", format!("{} {target}", request.method.name));
    span.record(key, target);
}
