//! Where the eras meet: which of the two a request belongs to (DUAL-1, DUAL-2).

use http::HeaderMap;
use latimer_core::era::modern;
use latimer_protocol::Revision;
use latimer_protocol::frame::Meta;

use super::service::VERSION;

/// Whether a request belongs to the modern era: because it says so, or because its version header does.
///
/// The method decides nothing: `initialize` with modern `_meta` is a modern request for a method that is
/// gone.
pub(super) fn is_modern(headers: &HeaderMap, meta: &Meta<'_>) -> bool {
    modern::is_declared(meta) || names_modern_version(headers)
}

/// Whether the version header names a modern revision, or one that is still to come.
pub(super) fn names_modern_version(headers: &HeaderMap) -> bool {
    let version = headers.get(VERSION).and_then(|value| value.to_str().ok()).map(str::trim);
    version.is_some_and(|version| is_date(version) && version >= Revision::LATEST_MODERN.as_str())
}

/// The revision in whose form a request is answered that could not be read.
pub(super) fn assumed(headers: &HeaderMap) -> Revision {
    if names_modern_version(headers) { Revision::LATEST_MODERN } else { Revision::LATEST_LEGACY }
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modern_by_header(version: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(VERSION, version.parse().unwrap());
        is_modern(&headers, &Meta::default())
    }

    #[test]
    fn dual_2_the_version_header_alone_selects_the_era() {
        assert!(modern_by_header("2026-07-28") && modern_by_header("2027-01-01"));
        for legacy in ["2025-11-25", "garbage", "", "9999", "2026-07-2x"] {
            assert!(!modern_by_header(legacy), "{legacy}");
        }
        assert!(!is_modern(&HeaderMap::new(), &Meta::default()));
    }

    #[test]
    fn dual_1_so_does_the_declared_version() {
        let meta = Meta { protocol_version: Some("\"v999.0.0\""), ..Meta::default() };
        assert!(is_modern(&HeaderMap::new(), &meta));
    }
}
