//! The span of a call, for whoever records spans; log lines within the call carry its fields.

use latimer_protocol::{Revision, frame};
use tracing::{Level, Span, field};

use super::Trace;
use crate::engine::Request;
use crate::task::TaskCall;

/// The most of a name that a span carries, in characters: the client may have sent a long one.
const MOST_NAME: usize = 128;

/// The span of a call, named by the conventions of OpenTelemetry for MCP. A call that belongs to a trace has one on
/// level `info`, any other on `debug`; where nobody listens there is none, and nothing is read for it.
pub(crate) fn of_call(request: &Request) -> Span {
    if !is_wanted() {
        return Span::none();
    }
    let trace = Trace::of(request.params.meta.raw.as_ref(), request.caller.trace.as_deref());
    let session = request.caller.session.as_ref().map(crate::SessionId::as_str);
    let span = new(trace.as_ref(), request.method.name, request.caller.revision, session);
    if !span.is_disabled() {
        name(&span, request);
    }
    span
}

/// The span of one run of a task: it belongs to the trace of the call that began the task.
pub(crate) fn of_task(call: &TaskCall) -> Span {
    if !is_wanted() {
        return Span::none();
    }
    let trace = Trace::of(call.meta.as_ref(), call.trace().as_ref());
    let span = new(trace.as_ref(), "tools/call", call.revision(), call.session());
    if !span.is_disabled() {
        about(&span, "tools/call", "gen_ai.tool.name", &call.tool);
    }
    span
}

fn is_wanted() -> bool {
    tracing::span_enabled!(target: "latimer::call", Level::INFO)
}

fn new(trace: Option<&Trace>, method: &str, revision: Revision, session: Option<&str>) -> Span {
    let parent = trace.and_then(|trace| trace.parent);
    macro_rules! span {
        ($level:expr) => {
            tracing::span!(
                target: "latimer::call",
                $level,
                "call",
                otel.name = field::Empty,
                otel.kind = "server",
                mcp.method.name = method,
                mcp.protocol.version = revision.as_str(),
                mcp.session.id = session,
                gen_ai.tool.name = field::Empty,
                gen_ai.prompt.name = field::Empty,
                mcp.resource.uri = field::Empty,
                trace_id = parent.map(|parent| field::display(parent.trace())),
                parent_id = parent.map(|parent| field::display(parent.span())),
            )
        };
    }
    if parent.is_some() { span!(Level::INFO) } else { span!(Level::DEBUG) }
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
    about(span, request.method.name, key, &target);
}

fn about(span: &Span, method: &str, key: &'static str, target: &str) {
    let target: String = target.chars().take(MOST_NAME).collect();
    span.record("otel.name", format!("{method} {target}"));
    span.record(key, target);
}
