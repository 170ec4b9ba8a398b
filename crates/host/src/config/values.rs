//! The types of single values: each is made by `FromStr` and holds only what is allowed.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use latimer_core::ask::SealKeys;

use super::secret::Secret;

/// Text is not what its key takes. The key's documentation and [`Problem`](crate::diagnostics::Problem) say what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not {0}")]
pub struct ValueError(pub(crate) &'static str);

/// A way in which clients reach the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// HTTP: Streamable HTTP of every revision.
    Http,
    /// Standard input and output, one client.
    Stdio,
    /// Newline-delimited JSON over TCP.
    Tcp,
    /// Newline-delimited JSON over a Unix socket.
    Unix,
}

impl Transport {
    pub(crate) const EXPECTED: &str = "http, stdio, tcp or unix";
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Stdio => "stdio",
            Self::Tcp => "tcp",
            Self::Unix => "unix",
        })
    }
}

impl FromStr for Transport {
    type Err = ValueError;

    /// Also takes the words of other servers: `streamable-http`, `stdio://`, `socket` and `unix-domain`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim().to_ascii_lowercase().as_str() {
            "http" | "streamable-http" | "streamable_http" => Ok(Self::Http),
            "stdio" | "stdio://" => Ok(Self::Stdio),
            "tcp" => Ok(Self::Tcp),
            "unix" | "socket" | "unix-domain" => Ok(Self::Unix),
            _ => Err(ValueError(Self::EXPECTED)),
        }
    }
}

/// The ways in which clients reach the server: at least one, and each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transports(Vec<Transport>);

impl Transports {
    pub(crate) const EXPECTED: &str = "http, stdio, tcp or unix, or a list of them with each once";

    /// These ones, if there is any, and none of them twice.
    #[must_use]
    pub fn new(transports: Vec<Transport>) -> Option<Self> {
        let twice = transports.iter().enumerate().any(|(index, one)| transports[..index].contains(one));
        (!transports.is_empty() && !twice).then_some(Self(transports))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn has(&self, transport: Transport) -> bool {
        self.0.contains(&transport)
    }

    /// All of them, in the order named.
    pub fn iter(&self) -> impl Iterator<Item = Transport> {
        self.0.iter().copied()
    }

    /// Whether `MCP_HOST` and `MCP_PORT` mean TCP.
    pub(crate) fn is_tcp_before_http(&self) -> bool {
        self.has(Transport::Tcp) && !self.has(Transport::Http)
    }
}

impl Default for Transports {
    /// HTTP alone.
    fn default() -> Self {
        Self(vec![Transport::Http])
    }
}

impl FromStr for Transports {
    type Err = ValueError;

    /// Separated by commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let all = text.split(',').map(str::parse).collect::<Result<Vec<_>, ValueError>>();
        all.ok().and_then(Self::new).ok_or(ValueError(Self::EXPECTED))
    }
}

/// The address of a Unix socket: a path, or `@NAME` for one without a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SocketPath(String);

impl SocketPath {
    pub(crate) const EXPECTED: &str = "the path of a socket, or @NAME";

    /// The path, or `@NAME`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of its file, if it has one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        (!self.0.starts_with('@')).then(|| Path::new(&self.0))
    }

    /// This path, starting at `base` if it is relative.
    pub(crate) fn at(self, base: &Path) -> Self {
        match self.file().filter(|path| path.is_relative()).map(|path| base.join(path)) {
            // A folder that is not UTF-8 cannot be named to the listener.
            Some(path) => path.to_str().map_or(self, |path| Self(path.to_owned())),
            None => self,
        }
    }
}

impl fmt::Display for SocketPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SocketPath {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = !matches!(text, "" | "@") && !text.contains('\0') && !text.ends_with('/');
        if fits { Ok(Self(text.to_owned())) } else { Err(ValueError(Self::EXPECTED)) }
    }
}

/// The permissions of a socket's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(u32);

impl SocketMode {
    pub(crate) const EXPECTED: &str = "octal digits in quotes, such as \"0600\" or \"0660\", up to \"0777\"";

    /// The permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl Default for SocketMode {
    /// The owner alone.
    fn default() -> Self {
        Self(0o600)
    }
}

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl FromStr for SocketMode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.trim();
        let digits = digits.strip_prefix("0o").unwrap_or(digits);
        let octal =
            (3..=4).contains(&digits.len()) && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
        let bits = octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten();
        bits.filter(|bits| *bits <= 0o777).map(Self).ok_or(ValueError(Self::EXPECTED))
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(u64);

impl ByteSize {
    pub(crate) const EXPECTED: &str = "a size such as 512KiB, 1MiB or 1048576";
    const UNITS: [(&'static str, u64); 7] = [
        ("gib", 1 << 30),
        ("mib", 1 << 20),
        ("kib", 1 << 10),
        ("gb", 1_000_000_000),
        ("mb", 1_000_000),
        ("kb", 1_000),
        ("b", 1),
    ];

    /// `bytes` bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self(bytes)
    }

    /// The number of bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }

    /// The number of bytes as a length in memory; the largest length where it does not fit.
    #[must_use]
    pub fn to_len(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            bytes if bytes == 0 || bytes % (1 << 10) != 0 => write!(f, "{bytes}"),
            bytes if bytes % (1 << 20) != 0 => write!(f, "{}KiB", bytes >> 10),
            bytes if bytes % (1 << 30) != 0 => write!(f, "{}MiB", bytes >> 20),
            bytes => write!(f, "{}GiB", bytes >> 30),
        }
    }
}

impl FromStr for ByteSize {
    type Err = ValueError;

    /// A whole number and a unit in any case, a blank between them allowed: `B`, `KiB`, `MiB`, `GiB` by 1,024; `kB`,
    /// `MB`, `GB` by 1,000; no unit means bytes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let lower = text.trim().to_ascii_lowercase();
        let unit = Self::UNITS.iter().find(|(unit, _)| lower.ends_with(unit));
        let (number, factor) = unit.map_or((lower.as_str(), 1), |(unit, factor)| {
            (lower.strip_suffix(unit).unwrap_or_default().trim_end(), *factor)
        });
        let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let bytes = digits.then(|| number.parse::<u64>().ok()?.checked_mul(factor)).flatten();
        bytes.map(Self).ok_or(ValueError(Self::EXPECTED))
    }
}

/// A key that seals `requestState`. `Debug` and `Display` show `***`.
#[derive(Debug, Clone)]
pub struct SealKey(Secret<String>);

impl SealKey {
    pub(crate) const EXPECTED: &str = "32 random bytes in base64, as `openssl rand -base64 32` makes them";

    /// The key itself, in base64.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl fmt::Display for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SealKey {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match SealKeys::new([text]) {
            Ok(_) => Ok(Self(Secret::new(text.to_owned()))),
            Err(_) => Err(ValueError(Self::EXPECTED)),
        }
    }
}

/// Declares a type that holds text in a form that `$parse` has checked and brought to its normal form.
macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $expected:literal, $parse:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub(crate) const EXPECTED: &str = $expected;

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ValueError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let parse: fn(&str) -> Option<String> = $parse;
                parse(text).map(Self).ok_or(ValueError(Self::EXPECTED))
            }
        }
    };
}

text_value!(
    /// The name that a server gives itself: 1 to 128 characters, none of them a control character.
    ServerName,
    "a name of 1 to 128 printable characters",
    |text| {
        let fits = !text.trim().is_empty() && text.chars().count() <= 128 && !text.chars().any(char::is_control);
        fits.then(|| text.to_owned())
    }
);

text_value!(
    /// The name of a plugin or of a token's owner: 1 to 128 of `A-Z a-z 0-9 _ - .`
    PluginName,
    "a name of 1 to 128 of the characters A-Z a-z 0-9 _ - .",
    |text| is_name(text).then(|| text.to_owned())
);

text_value!(
    /// The address to listen on: an IP address, or a name that resolves to one; no port.
    BindHost,
    "an IP address or host name without a port",
    |text| {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match bare.parse::<std::net::IpAddr>() {
            Ok(address) => Some(address.to_string()),
            Err(_) => host_name(text),
        }
    }
);

impl BindHost {
    /// Whether only this machine can reach it.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.0
            .parse::<std::net::IpAddr>()
            .map_or_else(|_| self.0 == "localhost", |address| address.is_loopback())
    }
}

text_value!(
    /// The path of the MCP endpoint: begins with `/`; no query, fragment, blank or `..`; neither `/` nor one that begins
    /// with `/health`, which have their own meaning.
    EndpointPath,
    "a path such as /mcp, neither / nor one that begins with /health",
    |text| {
        let plain = |c: char| c.is_ascii_graphic() && !"?#\\%{}\"<>".contains(c);
        let fits = text.len() > 1
            && text.starts_with('/')
            && !text.starts_with("//")
            && !text.starts_with("/health")
            && text.len() <= 1024
            && text.chars().all(plain)
            && !text.split('/').any(|part| part == "." || part == "..");
        fits.then(|| text.to_owned())
    }
);

text_value!(
    /// A host as clients name it in `Host`: a name or IP address, with or without a port, in lower case.
    Authority,
    "a host such as mcp.example.org or mcp.example.org:8443",
    |text| {
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => format!("[{}]", address.parse::<std::net::Ipv6Addr>().ok()?),
            None => host.parse::<std::net::Ipv4Addr>().map_or_else(|_| host_name(host), |ip| Some(ip.to_string()))?,
        };
        match port {
            Some(port) => Some(format!("{host}:{}", port.parse::<u16>().ok()?)),
            None => Some(host),
        }
    }
);

text_value!(
    /// An origin (RFC 6454) as browsers send it: http or https, host, and a port that is not the scheme's own.
    WebOrigin,
    "an origin such as https://app.example.org",
    |text| {
        let url = url::Url::parse(text).ok()?;
        let bare = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        let host = url.host_str().filter(|host| bare && !host.is_empty() && !host.contains('*'))?;
        Some(url.port().map_or_else(
            || format!("{}://{host}", url.scheme()),
            |port| format!("{}://{host}:{port}", url.scheme()),
        ))
    }
);

text_value!(
    /// The URL under which clients reach the endpoint: `http` or `https`; no query, fragment or credentials.
    PublicUrl,
    "an address such as https://mcp.example.org/mcp",
    |text| {
        let url = url::Url::parse(text).ok()?;
        let fits = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        fits.then(|| url.to_string())
    }
);

text_value!(
    /// An OAuth scope (RFC 6749 §3.3): printable ASCII without blank, `"` and `\`.
    Scope,
    "a scope without blanks, such as mcp:tools",
    |text| {
        let fits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b'"' && b != b'\\');
        fits.then(|| text.to_owned())
    }
);

/// Whether `text` can name a plugin or a token's owner.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

/// A DNS name in lower case.
fn host_name(text: &str) -> Option<String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // What ends in a number is an address, and was not a well-formed one (WHATWG URL §3.5).
    let ends_in_number = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    (text.len() <= 253 && !ends_in_number && text.split('.').all(label)).then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<T: FromStr + fmt::Display>(good: &[(&str, &str)], bad: &[&str]) {
        for (text, shown) in good {
            assert_eq!(
                text.parse::<T>().ok().map(|value| value.to_string()).as_deref(),
                Some(*shown),
                "{text}"
            );
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn values_are_brought_to_one_form_or_refused() {
        check::<Transport>(
            &[
                ("stdio", "stdio"),
                ("HTTP", "http"),
                ("streamable-http", "http"),
                ("stdio://", "stdio"),
                (" TCP ", "tcp"),
                ("socket", "unix"),
                ("Unix-Domain", "unix"),
            ],
            &["sse", "", "udp", "tcp://"],
        );
        check::<SocketPath>(
            &[("/run/a.sock", "/run/a.sock"), ("@a", "@a"), ("a", "a")],
            &["", "@", "a\0", "/run/"],
        );
        check::<SocketMode>(
            &[("0600", "0600"), ("600", "0600"), ("0o660", "0660"), (" 0777 ", "0777")],
            &["", "0", "77", "0888", "1777", "-600", "+600", "rw", "00600"],
        );
        check::<ByteSize>(
            &[
                ("0", "0"),
                ("1MiB", "1MiB"),
                ("512 kib", "512KiB"),
                ("1048576", "1MiB"),
                ("1MB", "1000000"),
                ("7B", "7"),
                ("2GiB", "2GiB"),
            ],
            &["", "MiB", "-1", "+1", "1.5MiB", "1 M", "1Mi", "99999999999GiB", "1 2"],
        );
        check::<ServerName>(&[("My server", "My server")], &["", "  ", "a\nb", &"x".repeat(129)]);
        check::<PluginName>(&[("a.b-c_1", "a.b-c_1")], &["", "a b", "a/b", "ä"]);
        check::<BindHost>(
            &[("0.0.0.0", "0.0.0.0"), ("[::1]", "::1"), ("::", "::"), ("LocalHost", "localhost")],
            &["", "localhost:80", "http://a", "256.1.1.1", "a..b", "*", "a b"],
        );
        check::<EndpointPath>(
            &[("/m", "/m"), ("/a/mcp", "/a/mcp")],
            &["", "mcp", "//a", "/a?b", "/a b", "/../a", "/", "/health/x"],
        );
        check::<Authority>(
            &[
                ("A.Example:80", "a.example:80"),
                ("[::1]:80", "[::1]:80"),
                ("[::1]", "[::1]"),
                ("10.0.0.1", "10.0.0.1"),
            ],
            &["", "https://a", "a/b", "a:", "a:99999", "::1", "*.example.org", "a@b"],
        );
        check::<WebOrigin>(
            &[
                ("https://A.example/", "https://a.example"),
                ("https://a.example:443", "https://a.example"),
                ("http://localhost:6274", "http://localhost:6274"),
            ],
            &[
                "*",
                "null",
                "a.example",
                "https://a/b",
                "https://a?b",
                "https://u@a",
                "https://*.a",
                "data:x",
                "ftp://a",
            ],
        );
        check::<PublicUrl>(
            &[("https://A.example/mcp", "https://a.example/mcp"), ("http://a:8080", "http://a:8080/")],
            &["a.example", "ftp://a", "https://a?b", "https://a#b", "https://u:p@a", "/mcp"],
        );
        check::<Scope>(&[("mcp:tools", "mcp:tools")], &["", "a b", "a\"b", "ä"]);
    }

    #[test]
    fn transports_are_one_or_several_and_each_once() {
        let read = |text: &str| text.parse::<Transports>().ok().map(|all| all.iter().collect::<Vec<_>>());
        assert_eq!(read("tcp"), Some(vec![Transport::Tcp]));
        assert_eq!(read("stdio, http"), Some(vec![Transport::Stdio, Transport::Http]));
        for bad in ["", ",", "http,http", "unix,socket", "http,", "sse"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_path_of_a_socket_starts_at_the_file_that_names_it_unless_it_has_no_file() {
        let at = |text: &str| text.parse::<SocketPath>().map(|path| path.at(Path::new("/etc/l")).to_string());
        assert_eq!(at("a.sock"), Ok("/etc/l/a.sock".into()));
        assert_eq!(at("/run/a.sock"), Ok("/run/a.sock".into()));
        assert_eq!(at("@a"), Ok("@a".into()));
    }

    #[test]
    fn loopback_is_told_from_the_rest() {
        let is = |text: &str| text.parse::<BindHost>().expect("a host").is_loopback();
        assert!(is("127.0.0.1") && is("127.9.9.9") && is("::1") && is("localhost"));
        assert!(!is("0.0.0.0") && !is("::") && !is("10.0.0.1") && !is("example.org"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn a_size_reads_back_as_it_is_shown(bytes in any::<u64>(), shift in 0u32..40) {
            let size = ByteSize::new(bytes >> shift << (shift / 2));
            prop_assert_eq!(size.to_string().parse(), Ok(size));
        }
    }
}
