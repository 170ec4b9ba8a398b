//! Trace context: which trace a call belongs to (TR-1, TR-2).
//!
//! A client may say so in `_meta` (`traceparent`, `tracestate` and `baggage`, in any revision), and over HTTP in the
//! headers of those names; where both do, `_meta` counts. All of it is the client's word: what is malformed or too
//! long is ignored and never a reason to refuse a call, and nothing depends on it but logs and traces.

mod baggage;
mod parent;
mod span;
mod state;

use latimer_protocol::RawJson;
use latimer_protocol::rewrite::{decode_string, member};

pub use baggage::Baggage;
pub use parent::{TraceId, TraceParent};
pub(crate) use span::{of_call, of_task};
pub use state::TraceState;

use crate::context::Context;

/// What a call says of the trace that it belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The trace, and the span of the caller in it.
    pub parent: Option<TraceParent>,
    /// What the vendors of tracing systems say besides; only with a parent.
    pub state: Option<TraceState>,
    /// What the caller hands to everybody who works for it.
    pub baggage: Option<Baggage>,
}

impl Trace {
    /// Reads the three texts, each of which may be missing or malformed. `None` where nothing is left.
    pub fn read(parent: Option<&str>, state: Option<&str>, baggage: Option<&str>) -> Option<Self> {
        let parent = parent.and_then(TraceParent::parse);
        // Without a trace nobody knows whose state it is (W3C Trace Context §3.3).
        let state = parent.and(state).and_then(TraceState::parse);
        let baggage = baggage.and_then(Baggage::parse);
        let trace = Self { parent, state, baggage };
        (trace != Self::default()).then_some(trace)
    }

    /// What `_meta` says, with what the transport says where `_meta` is silent. Parent and state stay together.
    pub(crate) fn of(meta: Option<&RawJson>, transport: Option<&Self>) -> Option<Self> {
        let text =
            |name| meta.and_then(|meta| member(meta.as_str(), name).ok().flatten()).and_then(decode_string);
        let (parent, state, baggage) = (text("traceparent"), text("tracestate"), text("baggage"));
        let said = Self::read(parent.as_deref(), state.as_deref(), baggage.as_deref());
        match (said, transport) {
            (said, None) => said,
            (None, Some(transport)) => Some(transport.clone()),
            (Some(mut said), Some(transport)) => {
                if said.parent.is_none() {
                    said.parent = transport.parent;
                    said.state.clone_from(&transport.state);
                }
                if said.baggage.is_none() {
                    said.baggage.clone_from(&transport.baggage);
                }
                Some(said)
            }
        }
    }
}

impl Context {
    /// The trace that the call belongs to, if its client says so (TR-1). Not to be trusted.
    pub fn trace(&self) -> Option<Trace> {
        Trace::of(self.meta(), self.transport_trace())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const TWO: &str = "00-1af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

    fn of(meta: &str, transport: Option<&Trace>) -> Option<Trace> {
        Trace::of(Some(&RawJson::parse(meta.to_owned()).unwrap()), transport)
    }

    fn parent(trace: Option<Trace>) -> Option<String> {
        Some(trace?.parent?.to_string())
    }

    #[test]
    fn tr_2_meta_wins_and_what_is_malformed_there_counts_as_silence() {
        let header = Trace::read(Some(TWO), Some("b=2"), Some("k=v")).unwrap();
        let meta = format!(r#"{{"traceparent":"{ONE}","tracestate":"a=1"}}"#);
        let trace = of(&meta, Some(&header)).unwrap();
        assert_eq!(trace.parent.unwrap().to_string(), ONE);
        assert_eq!((trace.state.unwrap().as_str(), trace.baggage.unwrap().as_str()), ("a=1", "k=v"));
        for meta in ["{}", r#"{"traceparent":"garbage","tracestate":"a=1"}"#, r#"{"traceparent":7}"#] {
            assert_eq!(of(meta, Some(&header)), Some(header.clone()), "{meta}");
        }
        // The state goes with its own parent, even where it is silent.
        let alone = of(&format!(r#"{{"traceparent":"{ONE}"}}"#), Some(&header)).unwrap();
        assert_eq!(alone.state, None);
        assert_eq!(parent(of(r#"{"baggage":"x=y"}"#, Some(&header))).as_deref(), Some(TWO));
    }

    #[test]
    fn a_state_without_a_parent_is_nobodys() {
        assert_eq!(Trace::read(None, Some("a=1"), None), None);
        assert_eq!(Trace::read(Some("00-0-0-0"), Some("a=1"), Some("=")), None);
        assert_eq!(of("{}", None), None);
    }
}
