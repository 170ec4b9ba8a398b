//! Which server a client talks to.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use crate::address::{TcpAddress, UnixAddress};
use crate::error::{ClientError, Fault};

/// A server: an address, or a program to run.
#[derive(Clone, Debug)]
pub enum Target {
    /// The MCP endpoint of a server that listens, `http` or `https`.
    Http(Url),
    /// A child process that speaks over its stdin and stdout.
    Stdio(Command),
    /// A TCP port where every message is a line, as on stdio.
    Tcp(TcpAddress),
    /// A Unix socket where every message is a line, as on stdio.
    Unix(UnixAddress),
}

impl Target {
    /// Takes an address of any kind: `http://…`, `https://…`, `tcp://HOST:PORT`, `tls://HOST:PORT`, `unix:PATH` or `unix:@NAME`.
    ///
    /// # Errors
    /// When the text is no such address, or carries a user name or password (which would end up in logs).
    pub fn parse(address: &str) -> Result<Self, ClientError> {
        match address.split_once(':').map(|(scheme, _)| scheme) {
            Some("http" | "https") => Self::http(address),
            Some("tcp" | "tls") => TcpAddress::parse(address).map(Self::Tcp),
            Some("unix") => UnixAddress::parse(address).map(Self::Unix),
            _ => {
                let reason = "it has to begin with http://, https://, tcp://, tls:// or unix:";
                Err(Fault::Url { url: shown(address), reason }.into())
            }
        }
    }

    /// Takes an `http` or `https` URL.
    ///
    /// # Errors
    /// When the text is no URL, has another scheme, or carries a user name or password (which would end up in logs).
    pub fn http(url: &str) -> Result<Self, ClientError> {
        let fault = |reason| ClientError::from(Fault::Url { url: shown(url), reason });
        let parsed = Url::parse(url).map_err(|_| fault("it is no URL; write it as http://HOST:PORT/mcp"))?;
        check(&parsed)?;
        Ok(Self::Http(parsed))
    }
}

/// Refuses what the client cannot connect to, or should not.
pub(crate) fn check(url: &Url) -> Result<(), ClientError> {
    let reason = if !matches!(url.scheme(), "http" | "https") {
        "the scheme has to be http or https"
    } else if url.host_str().is_none() {
        "it has no host"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it carries a password; give a token instead"
    } else {
        return Ok(());
    };
    Err(Fault::Url { url: shown(url.as_str()), reason }.into())
}

/// The address without what stands before an `@`.
pub(crate) fn shown(url: &str) -> String {
    let parts = url.split_once("://").map(|parts| (parts, "://"));
    let Some(((scheme, rest), between)) = parts.or(url.split_once(':').map(|parts| (parts, ":"))) else {
        return url.to_owned();
    };
    match rest.split_once('@') {
        Some((_, host)) => format!("{scheme}{between}…@{host}"),
        None => url.to_owned(),
    }
}

impl From<Url> for Target {
    fn from(url: Url) -> Self {
        Self::Http(url)
    }
}

impl From<Command> for Target {
    fn from(command: Command) -> Self {
        Self::Stdio(command)
    }
}

impl From<TcpAddress> for Target {
    fn from(address: TcpAddress) -> Self {
        Self::Tcp(address)
    }
}

impl From<UnixAddress> for Target {
    fn from(address: UnixAddress) -> Self {
        Self::Unix(address)
    }
}

/// A program to run as a server, and how.
///
/// It inherits the environment of this process, and becomes the leader of a process group of its own
/// (Unix), so that what it starts ends with it.
#[derive(Clone, Debug)]
pub struct Command {
    pub(crate) program: OsString,
    pub(crate) args: Vec<OsString>,
    pub(crate) envs: Vec<(OsString, OsString)>,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) stderr: Stderr,
}

/// Where a server's stderr goes. It holds logs, not errors (STDIO-1).
#[derive(Clone, Default)]
pub enum Stderr {
    /// To this process's stderr.
    #[default]
    Inherit,
    /// Nowhere.
    Discard,
    /// Line by line to a function. A line of more than 64 KiB is left out.
    Lines(Arc<dyn Fn(&str) + Send + Sync>),
}

impl Command {
    /// A program without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            folder: None,
            stderr: Stderr::default(),
        }
    }

    /// The same with one more argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// The same with more arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The same with an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// The same, run in this folder.
    #[must_use]
    pub fn current_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The same with another place for its stderr.
    #[must_use]
    pub fn stderr(mut self, stderr: Stderr) -> Self {
        self.stderr = stderr;
        self
    }
}

impl fmt::Debug for Stderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inherit => "Inherit",
            Self::Discard => "Discard",
            Self::Lines(_) => "Lines(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_addresses_without_a_password_are_taken() {
        for good in ["http://127.0.0.1:1/mcp", "https://example.com"] {
            assert!(Target::http(good).is_ok(), "{good}");
        }
        for bad in ["ftp://host/", "mcp", "unix:/tmp/x", "http://user:secret@host/"] {
            let error = Target::http(bad).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_scheme_says_what_kind_of_address_it_is() {
        assert!(matches!(Target::parse("https://h/mcp"), Ok(Target::Http(_))));
        assert!(matches!(Target::parse("tls://h:1"), Ok(Target::Tcp(_))));
        assert!(matches!(Target::parse("unix:/x"), Ok(Target::Unix(_))));
        for bad in ["h:1", "ws://user:secret@h/", "", "/x"] {
            let error = Target::parse(bad).unwrap_err().to_string();
            assert!(error.contains("tcp://") && !error.contains("secret"), "{error}");
        }
    }
}
