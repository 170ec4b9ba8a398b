//! The trace context of a request's headers (TR-2).

use std::borrow::Cow;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use latimer_core::trace::Trace;

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");
const BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// What the headers say of the trace. A parent that stands twice is none; the other two are lists, which may be
/// spread over several headers (W3C Trace Context §3.3.1).
pub(super) fn of(headers: &HeaderMap) -> Option<Arc<Trace>> {
    let mut parents = headers.get_all(PARENT).iter();
    let parent = parents.next().filter(|_| parents.next().is_none()).and_then(|parent| parent.to_str().ok());
    let baggage = list(headers, &BAGGAGE);
    if parent.is_none() && baggage.is_none() {
        return None;
    }
    let state = list(headers, &STATE);
    Trace::read(parent, state.as_deref(), baggage.as_deref()).map(Arc::new)
}

/// The values of a header that is a list, as one list.
fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter();
    let mut all = Cow::Borrowed(values.next()?.to_str().ok()?);
    for value in values {
        let all = all.to_mut();
        all.push(',');
        all.push_str(value.to_str().ok()?);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn trace(pairs: &[(&HeaderName, &str)]) -> Option<Arc<Trace>> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        of(&headers)
    }

    #[test]
    fn tr_2_lists_may_be_spread_over_headers_and_a_parent_may_not() {
        let whole = trace(&[(&PARENT, ONE), (&STATE, "a=1"), (&STATE, "b=2"), (&BAGGAGE, "x=y")]).unwrap();
        assert_eq!(whole.state.as_ref().unwrap().as_str(), "a=1,b=2");
        assert_eq!(whole.baggage.as_ref().unwrap().as_str(), "x=y");
        assert_eq!(trace(&[(&PARENT, ONE), (&PARENT, ONE)]), None);
        assert_eq!(trace(&[(&PARENT, "garbage"), (&STATE, "a=1")]), None);
        assert_eq!(trace(&[]), None);
    }
}
