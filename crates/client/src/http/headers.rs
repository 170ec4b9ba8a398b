//! The headers that repeat a modern request's content (HDR-1, XH-4).

use http::{HeaderMap, HeaderName, HeaderValue};
use latimer_protocol::Revision;
use latimer_protocol::codec::param_header::ParamHeader;
use latimer_protocol::codec::sentinel;
use latimer_protocol::frame::string;
use latimer_protocol::method::{Method, NameParam};
use latimer_protocol::rewrite::member;

use super::{METHOD, NAME, VERSION};
use crate::error::{ClientError, Fault};

/// The headers of a request with these parameters. `mirrored` are the annotations of the tool that it calls.
pub(crate) fn standard(
    revision: Revision,
    method: &str,
    params: &str,
    mirrored: &[ParamHeader],
) -> Result<HeaderMap, ClientError> {
    let mut headers = HeaderMap::new();
    headers.insert(VERSION, HeaderValue::from_static(revision.as_str()));
    put(&mut headers, METHOD, method, method)?;
    let key = Method::named(method).and_then(|row| row.name_param).map(|param| match param {
        NameParam::Name => "name",
        NameParam::Uri => "uri",
        NameParam::TaskId => "taskId",
    });
    let name = key.and_then(|key| member(params, key).ok().flatten()).and_then(string);
    if let Some(name) = &name {
        put(&mut headers, NAME, &sentinel::encode(name), method)?;
    }
    if mirrored.is_empty() {
        return Ok(headers);
    }
    let arguments = member(params, "arguments").ok().flatten().unwrap_or("{}");
    for header in mirrored {
        let named = header.header_name();
        let value = header.value(arguments).map_err(|source| Fault::Argument {
            tool: name.as_deref().unwrap_or_default().to_owned(),
            header: named.clone(),
            source,
        })?;
        if let Some(value) = value {
            let named = HeaderName::from_bytes(named.as_bytes()).map_err(|_| unfit(method))?;
            put(&mut headers, named, &value, method)?;
        }
    }
    Ok(headers)
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: &str, method: &str) -> Result<(), ClientError> {
    let value = HeaderValue::from_str(value).map_err(|_| unfit(method))?;
    headers.insert(name, value);
    Ok(())
}

fn unfit(method: &str) -> ClientError {
    Fault::Params { method: method.to_owned(), reason: "an HTTP header cannot carry what it has to repeat" }
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, params: &str, schema: &str) -> Vec<(String, String)> {
        let mirrored = ParamHeader::extract(schema).unwrap();
        let headers = standard(Revision::V2026_07_28, method, params, &mirrored).unwrap();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let mut all: Vec<_> = headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        all.sort();
        all
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn hdr_1_hdr_3_the_name_is_repeated_and_encoded_where_a_header_cannot_carry_it() {
        assert_eq!(
            of("tools/call", r#"{"name":"w\u00e9","arguments":{}}"#, "{}"),
            pairs(&[
                ("mcp-method", "tools/call"),
                ("mcp-name", "=?base64?d8Op?="),
                ("mcp-protocol-version", "2026-07-28")
            ])
        );
        assert_eq!(of("resources/read", r#"{"uri":"file:///a"}"#, "{}")[1].1, "file:///a");
        assert_eq!(of("tools/list", r#"{"name":"x"}"#, "{}").len(), 2);
    }

    #[test]
    fn xh_4_arguments_are_mirrored_and_null_or_missing_ones_are_not() {
        let schema = r#"{"properties":{"r":{"type":"string","x-mcp-header":"Region"},
            "v":{"type":"boolean","x-mcp-header":"V"},"n":{"type":"integer","x-mcp-header":"N"}}}"#;
        let all = of("tools/call", r#"{"name":"x","arguments":{"r":" a","v":null}}"#, schema);
        assert_eq!(all[3], ("mcp-protocol-version".to_owned(), "2026-07-28".to_owned()));
        assert_eq!(all[2], ("mcp-param-region".to_owned(), "=?base64?IGE=?=".to_owned()));
        assert_eq!(all.len(), 4);
        let mirrored = ParamHeader::extract(schema).unwrap();
        let wrong = r#"{"name":"x","arguments":{"n":1.5}}"#;
        let error = standard(Revision::V2026_07_28, "tools/call", wrong, &mirrored).unwrap_err();
        assert!(error.to_string().starts_with("call the tool x: Mcp-Param-N: "), "{error}");
    }
}
