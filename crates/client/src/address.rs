//! The addresses of servers that listen on sockets.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use url::Url;

use crate::error::{ClientError, Fault};
use crate::target::shown;

/// A TCP port at which a server listens: `tcp://HOST:PORT`, or `tls://HOST:PORT` where it speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TcpAddress {
    /// A name or an IP address, an IPv6 one without brackets.
    host: String,
    port: u16,
    tls: bool,
}

impl TcpAddress {
    /// Takes `tcp://HOST:PORT` or `tls://HOST:PORT`. An IPv6 address stands in brackets.
    ///
    /// # Errors
    /// When the text is anything else, or carries a user name or password (which would end up in logs).
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let fault = |reason| Err(Fault::Url { url: shown(text), reason }.into());
        let Ok(url) = Url::parse(text) else {
            return fault("it is no address; write it as tcp://HOST:PORT");
        };
        let tls = match url.scheme() {
            "tcp" => false,
            "tls" => true,
            _ => return fault("the scheme has to be tcp or tls"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return fault("it carries a password; give a token instead");
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
            return fault("it has no host; write it as tcp://HOST:PORT");
        };
        let Some(port) = url.port().filter(|port| *port != 0) else {
            return fault("it has no port; write it as tcp://HOST:PORT");
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return fault("nothing may stand behind the port; only HTTP servers have paths");
        }
        Ok(Self { host: without_brackets(host).to_owned(), port, tls })
    }

    /// A name or an IP address, an IPv6 one without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server speaks TLS there.
    pub fn is_tls(&self) -> bool {
        self.tls
    }
}

impl fmt::Display for TcpAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "tls" } else { "tcp" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// A Unix socket at which a server listens: `unix:PATH`, or `unix:@NAME` for a name without a file (Linux).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnixAddress {
    /// A file.
    Path(PathBuf),
    /// A name in the abstract namespace, without the `@` that stands before it in messages.
    Abstract(String),
}

impl UnixAddress {
    /// Takes `unix:PATH`, `unix://PATH` with an absolute path, or `unix:@NAME`.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn parse(text: &str) -> Result<Self, ClientError> {
        let fault = |reason| Err(Fault::Url { url: text.to_owned(), reason }.into());
        let Some(rest) = text.strip_prefix("unix:") else {
            return fault("it has to begin with unix:");
        };
        let path = match rest.strip_prefix("//") {
            Some(path) if !path.starts_with('/') => {
                return fault("a host is named; write the path of the socket as unix:/PATH");
            }
            Some(path) => path,
            None => rest,
        };
        match path.strip_prefix('@') {
            _ if path.contains('\0') => fault("no socket has such a name"),
            Some("") => fault("it has no name; write it as unix:@NAME"),
            Some(name) => Ok(Self::Abstract(name.to_owned())),
            None if path.is_empty() => fault("it has no path; write it as unix:/PATH"),
            None => Ok(Self::Path(path.into())),
        }
    }

    /// The path to connect to. A name without a file is one that begins with a zero byte (unix(7)).
    #[cfg(unix)]
    pub(crate) fn to_path(&self) -> PathBuf {
        match self {
            Self::Path(path) => path.clone(),
            Self::Abstract(name) => format!("\0{name}").into(),
        }
    }
}

impl fmt::Display for UnixAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "unix:{}", path.display()),
            Self::Abstract(name) => write!(f, "unix:@{name}"),
        }
    }
}

/// Whether what is sent to this host does not leave the machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    match without_brackets(host).parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost" || host.ends_with(".localhost"),
    }
}

fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_port_is_named_with_its_host_and_nothing_else() {
        for (text, host, port, tls) in [
            ("tcp://127.0.0.1:7000", "127.0.0.1", 7000, false),
            ("tls://example.com:443/", "example.com", 443, true),
            ("tcp://[::1]:80", "::1", 80, false),
        ] {
            let address = TcpAddress::parse(text).unwrap();
            assert_eq!((address.host(), address.port(), address.is_tls()), (host, port, tls), "{text}");
            assert_eq!(address.to_string(), text.trim_end_matches('/'));
        }
        for (text, part) in [
            ("tcp://127.0.0.1", "it has no port"),
            ("tcp://127.0.0.1:0", "it has no port"),
            ("tcp://:7000", "write it as tcp://HOST:PORT"),
            ("tcp:7000", "it has no host"),
            ("tcp://h:7000/mcp", "only HTTP servers have paths"),
            ("tcp://h:7000?x", "only HTTP servers have paths"),
            ("http://h:7000", "the scheme has to be tcp or tls"),
            ("tcp://user:hunter2@h:7000", "give a token instead"),
            ("tcp:user:hunter2@h:7000", "it has no host"),
            ("tcp://h:70000", "write it as tcp://HOST:PORT"),
        ] {
            let error = TcpAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(part) && !error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn a_unix_socket_is_a_path_or_a_name() {
        for (text, address) in [
            ("unix:/run/x.sock", UnixAddress::Path("/run/x.sock".into())),
            ("unix:///run/x.sock", UnixAddress::Path("/run/x.sock".into())),
            ("unix:x.sock", UnixAddress::Path("x.sock".into())),
            ("unix:@x", UnixAddress::Abstract("x".to_owned())),
        ] {
            assert_eq!(UnixAddress::parse(text).unwrap(), address, "{text}");
        }
        for (text, part) in [
            ("unix:", "it has no path"),
            ("unix:@", "it has no name"),
            ("unix://run/x.sock", "write the path of the socket as unix:/PATH"),
            ("unix:/a\0b", "no socket has such a name"),
            ("/run/x.sock", "begin with unix:"),
        ] {
            let error = UnixAddress::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "a.localhost", "127.0.0.2", "::1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "[::2]", "notlocalhost"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_shown_of_an_address_is_read_as_the_same(
            host in "[a-z][a-z0-9-]{0,20}(\\.[a-z]{2,5})?|10\\.[0-9]\\.[1-9]\\.[0-9]|\\[fe80::[1-9a-f]{1,4}\\]",
            port in 1u16..,
            tls in any::<bool>(),
            path in "[^@/\0][^\0]{0,40}|/[^/\0][^\0]{0,40}",
        ) {
            let text = format!("{}://{host}:{port}", if tls { "tls" } else { "tcp" });
            let address = TcpAddress::parse(&text).unwrap();
            prop_assert_eq!(address.to_string(), text);
            prop_assert_eq!((address.host(), address.port(), address.is_tls()), (without_brackets(&host), port, tls));
            for text in [format!("unix:{path}"), format!("unix:@{path}")] {
                let address = UnixAddress::parse(&text).unwrap();
                prop_assert_eq!(address.to_string(), text);
            }
        }

        #[test]
        fn no_text_makes_reading_panic(text in "(tcp|tls|unix)?:?/{0,3}[\\[\\]@:.a-z0-9\\PC]{0,30}") {
            let _ = TcpAddress::parse(&text);
            let _ = UnixAddress::parse(&text);
        }
    }
}
