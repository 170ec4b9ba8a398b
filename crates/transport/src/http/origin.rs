//! Which hosts and origins a request may name (H-2): a page in a browser must not reach a local server
//! through a name that it made point there.

use http::{HeaderMap, Uri, header};

use super::options::HttpOptions;

/// Why a request was refused before anything of it was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error("the request names no host")]
    NoHost,
    #[error("host \"{0}\" is not served here; to allow it, add it to allowed_hosts or set public_url")]
    Host(String),
    #[error("the request goes to \"{target}\" and its Host header names \"{host}\"; name one host")]
    TwoHosts { target: String, host: String },
    #[error("origin \"{0}\" is not allowed; to allow it, add it to allowed_origins")]
    Origin(String),
}

/// An origin that was let in, for CORS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AllowedOrigin(pub(super) String);

/// Checks the host and the origin of a request.
pub(super) fn check(
    options: &HttpOptions,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Option<AllowedOrigin>, Foreign> {
    let mut hosts = headers.get_all(header::HOST).iter().map(|value| value.to_str().unwrap_or("\u{fffd}"));
    let host = hosts.next();
    if let (Some(host), Some(_)) = (host, hosts.next()) {
        return Err(Foreign::Host(shown(host)));
    }
    // HTTP/2 and the absolute form of HTTP/1.1 carry the host in the URI, with or without a header beside it.
    let target = uri.authority().map(http::uri::Authority::as_str);
    if target.or(host).is_none() {
        return Err(Foreign::NoHost);
    }
    if let Some(foreign) = target.into_iter().chain(host).find(|host| !host_is_allowed(options, host)) {
        return Err(Foreign::Host(shown(foreign)));
    }
    if let (Some(target), Some(host)) = (target, host)
        && !names_same_host(uri.scheme_str(), target, host)
    {
        return Err(Foreign::TwoHosts { target: shown(target), host: shown(host) });
    }
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(None) };
    let origin = origin.to_str().unwrap_or("\u{fffd}");
    if !origin_is_allowed(options, origin) || origins.next().is_some() {
        return Err(Foreign::Origin(shown(origin)));
    }
    Ok(Some(AllowedOrigin(origin.to_owned())))
}

/// An origin's scheme, host and port.
pub(super) fn parse(origin: &str) -> Option<(&str, &str, Option<u16>)> {
    let (scheme, authority) = origin.split_once("://")?;
    let (host, port) = split(authority)?;
    let sound = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && !authority.contains(['/', '?', '#', '@', ' ']);
    sound.then_some((scheme, host, port))
}

fn host_is_allowed(options: &HttpOptions, host: &str) -> bool {
    let Some((name, port)) = split(host) else { return false };
    // A loopback name cannot be made to point elsewhere, whatever the port: a forwarded one is fine.
    if is_loopback(name) {
        return true;
    }
    let listed =
        options.allowed_hosts.iter().filter_map(|allowed| split(allowed)).any(|(allowed, allowed_port)| {
            same(allowed, name) && (allowed_port.is_none() || allowed_port == port)
        });
    let public = options.public_url.as_ref().and_then(Uri::host).is_some_and(|public| same(public, name));
    listed || public
}

/// Whether the target and the `Host` header of a request agree, as RFC 9112 section 3.2.2 and RFC 9113 section 8.3.1
/// want it.
fn names_same_host(scheme: Option<&str>, target: &str, host: &str) -> bool {
    let usual = scheme.and_then(default_port);
    split(target).zip(split(host)).is_some_and(|((target, target_port), (host, port))| {
        same(target, host) && target_port.or(usual) == port.or(usual)
    })
}

fn origin_is_allowed(options: &HttpOptions, origin: &str) -> bool {
    let Some((scheme, host, port)) = parse(origin) else { return false };
    let number = port.or_else(|| default_port(scheme));
    if is_loopback(host) && (options.port.is_none() || number == options.port) {
        return true;
    }
    let equal = |other: &str| {
        parse(other).is_some_and(|(other_scheme, other_host, other_port)| {
            other_scheme == scheme
                && same(other_host, host)
                && other_port.or_else(|| default_port(other_scheme)) == number
        })
    };
    if options.allowed_origins.iter().any(|allowed| equal(allowed)) {
        return true;
    }
    options.public_url.as_ref().is_some_and(|url| {
        let public = url
            .scheme_str()
            .zip(url.authority())
            .map(|(scheme, authority)| format!("{scheme}://{authority}"));
        public.is_some_and(|public| equal(&public))
    })
}

fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || matches!(name, "127.0.0.1" | "[::1]")
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Splits `name[:port]`, with an IPv6 address in brackets as the name.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let at = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (name, rest) = authority.split_at(at);
    match rest.strip_prefix(':') {
        None if rest.is_empty() => Some((name, None)),
        None => None,
        Some(port) => port.parse().ok().map(|port| (name, Some(port))),
    }
}

fn shown(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(options: &HttpOptions, host: &str, origin: Option<&str>) -> Result<(), Foreign> {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        check(options, &Uri::from_static("/mcp"), &headers).map(|_| ())
    }

    #[test]
    fn h_2_the_servers_own_origins_pass_and_foreign_ones_do_not() {
        let options = HttpOptions { port: Some(12200), ..HttpOptions::default() };
        for name in ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"] {
            let origin = format!("http://{name}:12200");
            assert_eq!(verdict(&options, &format!("{name}:12200"), Some(&origin)), Ok(()), "{name}");
            assert_eq!(verdict(&options, name, None), Ok(()));
        }
        for origin in [
            "http://evil.example",
            "http://localhost:1",
            "http://localhost",
            "null",
            "http://localhost.evil.example:12200",
            "",
            "http://127.0.0.1:12200/x",
            "http://u@127.0.0.1:12200",
        ] {
            assert!(
                matches!(verdict(&options, "localhost:12200", Some(origin)), Err(Foreign::Origin(_))),
                "{origin}"
            );
        }
        for host in [
            "evil.example",
            "localhost.evil.example:12200",
            "127.0.0.1.evil.example",
            "[::1",
            "127.0.0.1:x",
            "",
        ] {
            assert!(matches!(verdict(&options, host, None), Err(Foreign::Host(_))), "{host}");
        }
    }

    #[test]
    fn hosts_and_origins_are_let_in_by_setting() {
        let options = HttpOptions {
            allowed_hosts: vec!["mcp.example.com".into(), "other.example.com:8443".into()],
            allowed_origins: vec!["https://app.example.com".into()],
            public_url: Some(Uri::from_static("https://public.example.com/mcp")),
            ..HttpOptions::default()
        };
        for host in ["mcp.example.com", "MCP.example.com:99", "other.example.com:8443", "public.example.com"]
        {
            assert_eq!(verdict(&options, host, None), Ok(()), "{host}");
        }
        assert!(verdict(&options, "other.example.com", None).is_err());
        for origin in ["https://app.example.com", "https://app.example.com:443", "https://public.example.com"]
        {
            assert_eq!(verdict(&options, "mcp.example.com", Some(origin)), Ok(()), "{origin}");
        }
        assert!(verdict(&options, "mcp.example.com", Some("http://app.example.com")).is_err());
        assert!(verdict(&options, "mcp.example.com", Some("http://public.example.com")).is_err());
    }

    #[test]
    fn h_2_the_target_and_the_host_header_have_to_agree() {
        let options = HttpOptions { allowed_hosts: vec!["mcp.example.com".into()], ..HttpOptions::default() };
        let verdict = |target: &str, host: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(host) = host {
                headers.insert(header::HOST, host.parse().unwrap());
            }
            check(&options, &target.parse().unwrap(), &headers).map(|_| ())
        };
        for (target, host) in [
            ("http://localhost:1/mcp", None),
            ("http://localhost:1/mcp", Some("LOCALHOST:1")),
            ("http://MCP.example.com/mcp", Some("mcp.example.com")),
            ("http://mcp.example.com/mcp", Some("mcp.example.com:80")),
            ("https://mcp.example.com:443/mcp", Some("mcp.example.com")),
        ] {
            assert_eq!(verdict(target, host), Ok(()), "{target} {host:?}");
        }
        for (target, host) in [
            ("http://evil.example/mcp", None),
            ("http://evil.example/mcp", Some("localhost")),
            ("http://localhost/mcp", Some("evil.example")),
            ("http://u@localhost/mcp", Some("localhost")),
        ] {
            assert!(matches!(verdict(target, host), Err(Foreign::Host(_))), "{target} {host:?}");
        }
        for (target, host) in [
            ("http://localhost/mcp", "mcp.example.com"),
            ("http://localhost/mcp", "127.0.0.1"),
            ("http://localhost:1/mcp", "localhost:2"),
            ("http://localhost/mcp", "localhost:443"),
        ] {
            assert!(matches!(verdict(target, Some(host)), Err(Foreign::TwoHosts { .. })), "{target} {host}");
        }
    }
}
