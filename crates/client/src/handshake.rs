//! What the answers to `server/discover` and `initialize` mean (DET-1, DET-2).

use latimer_protocol::frame::string;
use latimer_protocol::rewrite::member;
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError};

use crate::error::{ClientError, Fault};
use crate::info::{ServerInfo, versions};

/// What the answer to the first modern request says about a server.
#[derive(Debug)]
pub(crate) enum Probed {
    /// It is modern, and this is what it says about itself.
    Modern(ServerInfo),
    /// It understood the question, and speaks these revisions.
    Speaks(Vec<String>),
    /// It is modern, and refuses in a way that `initialize` would not mend.
    Refuses(ClientError),
    /// It is not modern; `initialize` comes next.
    NotModern(ClientError),
    /// Nothing can be said of it: it could not be reached, or wants credentials first.
    Unknown(ClientError),
}

/// Judges the answer to `server/discover`, sent as `asked`.
///
/// No single error code decides: a recognised modern error has the shape that its code promises, as legacy
/// servers answer with all sorts of codes, or not at all.
pub(crate) fn judge(answer: Result<RawJson, ClientError>, asked: Revision) -> Probed {
    let error = match answer {
        Ok(result) => {
            let offered = versions(&result, "supportedVersions");
            return if offered.iter().any(|version| version == asked.as_str()) {
                Probed::Modern(ServerInfo::from_discover(&result, asked))
            } else if offered.is_empty() {
                Probed::NotModern(ClientError::malformed(
                    "the result of server/discover",
                    "it names no supportedVersions",
                ))
            } else {
                Probed::Speaks(offered)
            };
        }
        Err(error) => error,
    };
    let status = error.http_status();
    if let Some(rpc) = error.rpc() {
        if let Some(offered) = unsupported_version(rpc) {
            return Probed::Speaks(offered);
        }
        return match rpc.code {
            _ if is_missing_capability(rpc) => Probed::Refuses(error),
            // Only over HTTP are there headers to disagree about.
            ErrorCode::HEADER_MISMATCH if status == Some(400) => Probed::Refuses(error),
            // Modern, though it does not serve a method that it has to serve.
            ErrorCode::METHOD_NOT_FOUND if status == Some(404) => Probed::Modern(ServerInfo::silent(asked)),
            _ => Probed::NotModern(error),
        };
    }
    match error.fault() {
        Fault::Status { .. }
        | Fault::Malformed { .. }
        | Fault::Timeout { .. }
        | Fault::Lost { .. }
        | Fault::ResultType { .. } => Probed::NotModern(error),
        // A gate that refuses a method it does not know may let `initialize` pass.
        Fault::Unauthorized { status: 403, .. } => Probed::NotModern(error),
        _ => Probed::Unknown(error),
    }
}

/// Reads the result of `initialize`. An older revision than asked for is accepted (VER-L2).
pub(crate) fn initialized(result: &RawJson, asked: Revision) -> Result<ServerInfo, ClientError> {
    let named = member(result.as_str(), "protocolVersion").ok().flatten().and_then(string);
    let Some(named) = named else {
        return Err(ClientError::malformed("the result of initialize", "it names no protocolVersion"));
    };
    match Revision::parse(&named).filter(|revision| !revision.is_modern()) {
        Some(revision) => Ok(ServerInfo::from_initialize(result, revision)),
        None => Err(Fault::Version { offered: named.into_owned(), wanted: Some(asked) }.into()),
    }
}

/// The newest revision that both sides speak.
pub(crate) fn mutual(offered: &[String], era_allows: impl Fn(Revision) -> bool) -> Option<Revision> {
    let known = offered.iter().filter_map(|version| Revision::parse(version));
    known.filter(|revision| era_allows(*revision)).max()
}

/// The revisions that an error about an unsupported one names (VER-3). Servers from before the codes were
/// renumbered are told by the shape of the data (ERR-1); legacy ones may answer `initialize` so (ERR-2).
pub(crate) fn unsupported_version(error: &RpcError) -> Option<Vec<String>> {
    const BEFORE_RENUMBERING: ErrorCode = ErrorCode(-32004);
    let data = error.data.as_ref()?;
    let named = matches!(
        error.code,
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION | BEFORE_RENUMBERING | ErrorCode::INVALID_PARAMS
    );
    Some(versions(data, "supported")).filter(|offered| named && !offered.is_empty())
}

fn is_missing_capability(error: &RpcError) -> bool {
    const BEFORE_RENUMBERING: ErrorCode = ErrorCode(-32003);
    let named = matches!(error.code, ErrorCode::MISSING_CLIENT_CAPABILITY | BEFORE_RENUMBERING);
    let required = |data: &RawJson| {
        let required = member(data.as_str(), "requiredCapabilities").ok().flatten();
        required.is_some_and(|value| value.starts_with('{'))
    };
    named && error.data.as_ref().is_some_and(required)
}

/// The error for revisions among which there is none to agree on.
pub(crate) fn no_mutual(offered: &[String], wanted: Option<Revision>) -> ClientError {
    let mut shown: Vec<&str> = offered.iter().map(String::as_str).take(8).collect();
    if offered.len() > shown.len() {
        shown.push("…");
    }
    Fault::Version { offered: shown.join(", "), wanted }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASKED: Revision = Revision::V2026_07_28;

    fn result(text: &str) -> Result<RawJson, ClientError> {
        Ok(RawJson::parse(text.to_owned()).unwrap())
    }

    fn error(code: i64, data: Option<&str>, status: Option<u16>) -> Result<RawJson, ClientError> {
        let mut error = RpcError::new(ErrorCode(code), "no");
        error.data = data.map(|data| RawJson::parse(data.to_owned()).unwrap());
        Err(Fault::Rpc { method: "server/discover".to_owned(), error, status }.into())
    }

    #[test]
    fn det_1_only_a_discover_result_makes_a_server_modern() {
        assert!(matches!(
            judge(result(r#"{"supportedVersions":["2025-11-25","2026-07-28"]}"#), ASKED),
            Probed::Modern(_)
        ));
        assert!(matches!(judge(result("{}"), ASKED), Probed::NotModern(_)));
        let Probed::Speaks(offered) = judge(result(r#"{"supportedVersions":["2025-11-25"]}"#), ASKED) else {
            panic!()
        };
        assert_eq!(mutual(&offered, |_| true), Some(Revision::V2025_11_25));
    }

    #[test]
    fn det_1_no_single_code_decides() {
        for code in [-32601, -32602, -32600, -32603, -32000, -32022, -32021, -32020, -32004, -32003, 0] {
            for status in [None, Some(200), Some(405)] {
                assert!(
                    matches!(judge(error(code, None, status), ASKED), Probed::NotModern(_)),
                    "{code} {status:?}"
                );
            }
        }
    }

    #[test]
    fn det_1_det_2_recognised_modern_errors_keep_the_era() {
        let supported = Some(r#"{"supported":["2026-07-28","2099-01-01"],"requested":"x"}"#);
        for code in [-32022, -32004] {
            assert!(matches!(judge(error(code, supported, Some(400)), ASKED), Probed::Speaks(_)));
            assert!(matches!(judge(error(code, supported, None), ASKED), Probed::Speaks(_)));
        }
        let required = Some(r#"{"requiredCapabilities":{"sampling":{}}}"#);
        assert!(matches!(judge(error(-32021, required, None), ASKED), Probed::Refuses(_)));
        assert!(matches!(judge(error(-32020, None, Some(400)), ASKED), Probed::Refuses(_)));
        assert!(matches!(judge(error(-32601, None, Some(404)), ASKED), Probed::Modern(_)));
    }

    #[test]
    fn ver_l2_an_older_revision_is_accepted_and_an_unknown_one_is_not() {
        let named = |version: &str| {
            let result = RawJson::parse(format!(r#"{{"protocolVersion":"{version}"}}"#)).unwrap();
            initialized(&result, Revision::LATEST_LEGACY).map(|info| info.revision())
        };
        assert_eq!(named("2024-11-05").unwrap(), Revision::V2024_11_05);
        assert_eq!(named("2025-11-25").unwrap(), Revision::V2025_11_25);
        assert!(named("2099-01-01").is_err());
        assert!(named("2026-07-28").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn det_1_an_error_without_its_data_never_makes_a_server_modern(code in any::<i32>(), status in 200u16..600) {
            let modern_404 = code == -32601 && status == 404;
            let mismatch = code == -32020 && status == 400;
            prop_assume!(!modern_404 && !mismatch);
            for data in [None, Some("{}"), Some(r#"{"supported":[]}"#), Some(r#"{"requiredCapabilities":[]}"#)] {
                prop_assert!(matches!(judge(error(code.into(), data, Some(status)), ASKED), Probed::NotModern(_)));
            }
        }

        #[test]
        fn ver_5_the_newest_common_revision_is_chosen(offered in proptest::collection::vec("20(24-11-05|25-03-26|25-06-18|25-11-25|26-07-28|99-01-01)", 0..6)) {
            let chosen = mutual(&offered, |_| true);
            let known = offered.iter().filter(|version| !version.starts_with("2099")).max();
            prop_assert_eq!(chosen.map(Revision::as_str), known.map(String::as_str));
        }
    }
}
