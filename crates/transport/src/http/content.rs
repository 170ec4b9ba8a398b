//! Content negotiation (H-3).

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::refusal::Refusal;

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(super) const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Refuses a POST whose body is not JSON.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = value.and_then(|value| value.split(';').next()).map(str::trim);
    if media.is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        Ok(())
    } else {
        Err(Refusal::envelope(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send \"Content-Type: application/json\""))
    }
}

/// Refuses a client that cannot read both forms of an answer.
pub(super) fn check_accept_both(headers: &HeaderMap) -> Result<(), Refusal> {
    // Word for word what most clients send.
    let as_written =
        headers.get(header::ACCEPT).is_some_and(|value| value == "application/json, text/event-stream");
    if as_written || accepts(headers, "application", "json") && accepts(headers, "text", "event-stream") {
        Ok(())
    } else {
        Err(not_acceptable("send \"Accept: application/json, text/event-stream\""))
    }
}

/// Refuses a client that cannot read event streams.
pub(super) fn check_accept_events(headers: &HeaderMap) -> Result<(), Refusal> {
    if accepts(headers, "text", "event-stream") {
        Ok(())
    } else {
        Err(not_acceptable("send \"Accept: text/event-stream\""))
    }
}

fn not_acceptable(mend: &'static str) -> Refusal {
    Refusal::envelope(StatusCode::NOT_ACCEPTABLE, mend)
}

fn accepts(headers: &HeaderMap, kind: &str, subtype: &str) -> bool {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';');
        let media = parts.next().unwrap_or_default().trim();
        let refused = parts.any(|parameter| {
            let parameter = parameter.trim();
            let weight = parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q="));
            weight.and_then(|weight| weight.parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0)
        });
        let Some((range_kind, range_subtype)) = media.split_once('/') else { return false };
        let fits = |range: &str, wanted: &str| range == "*" || range.eq_ignore_ascii_case(wanted);
        !refused && fits(range_kind, kind) && fits(range_subtype, subtype)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn h_3_both_forms_have_to_be_accepted() {
        for good in [
            "application/json, text/event-stream",
            "text/event-stream,application/json;q=0.5",
            "*/*",
            "text/*, application/*",
            "Application/JSON, TEXT/Event-Stream",
        ] {
            assert!(check_accept_both(&headers(header::ACCEPT, good)).is_ok(), "{good}");
        }
        for bad in [
            "",
            "application/json",
            "text/event-stream",
            "text/html, */json",
            "application/json, text/event-stream;q=0",
        ] {
            assert!(check_accept_both(&headers(header::ACCEPT, bad)).is_err(), "{bad}");
        }
        assert!(check_accept_both(&HeaderMap::new()).is_err());
    }

    #[test]
    fn only_json_is_a_message() {
        for good in ["application/json", "application/json; charset=utf-8", "APPLICATION/JSON"] {
            assert!(check_content_type(&headers(header::CONTENT_TYPE, good)).is_ok(), "{good}");
        }
        for bad in ["text/plain", "application/jsonx", "application/x-www-form-urlencoded", ""] {
            assert!(check_content_type(&headers(header::CONTENT_TYPE, bad)).is_err(), "{bad}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }
}
