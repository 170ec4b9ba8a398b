//! The flags of `serve`, which every author's program has too.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::config::{Loaded, Loader};
use crate::diagnostics::ConfigErrors;

/// Where and how to serve. Flags win over the environment and the configuration file.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ServeArgs {
    /// The configuration file (YAML, TOML or JSON); without it, latimer.yaml, .yml, .toml or .json of the
    /// working directory, if there is one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// A file of KEY=VALUE lines to add to the environment, before the configuration is read; may be repeated
    #[arg(long, value_name = "FILE")]
    pub env_file: Vec<PathBuf>,

    /// Serve standard input and output; beside other transports, the end of the input ends them too
    #[arg(long)]
    pub stdio: bool,

    /// Serve HTTP at an address, or at a port of 127.0.0.1; port 0 takes any that is free
    #[arg(long, value_name = "ADDR|PORT")]
    pub http: Option<String>,

    /// Serve newline-delimited JSON over TCP at an address, or at a port of 127.0.0.1; port 0 takes any that is free
    #[arg(long, value_name = "ADDR|PORT")]
    pub tcp: Option<String>,

    /// Serve newline-delimited JSON over a Unix socket; `@NAME` is one without a file
    #[arg(long, value_name = "PATH")]
    pub unix: Option<String>,

    /// Serve HTTP+SSE of 2024-11-05 besides, at /sse and /message
    #[arg(long)]
    pub http_sse: bool,

    /// The certificate chain (PEM) for TLS
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<String>,

    /// The private key (PEM) for TLS
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<String>,

    /// A file that is there while the server can be reached
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<String>,

    /// The name that the server introduces itself with
    #[arg(long, value_name = "NAME")]
    pub server_name: Option<String>,

    /// How much the log says: error, warn, info, debug or trace, or a filter such as latimer=debug
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,

    /// How the log is written: text, or json with one object a line
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// A flag that stands for a configuration key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FlagValue {
    flag: &'static str,
    key: &'static str,
    text: String,
}

impl ServeArgs {
    /// Loads the configuration that these flags, the environment and the file make together.
    ///
    /// # Errors
    /// When the working directory cannot be found, or the configuration is faulty; all faults are named.
    pub fn load(&self) -> Result<Loaded, LoadError> {
        let loader = Loader::from_process().map_err(LoadError::Directory)?;
        self.apply(loader).load().map_err(LoadError::Config)
    }

    /// Adds these flags to a loader.
    pub fn apply(&self, mut loader: Loader) -> Loader {
        if let Some(file) = &self.config {
            loader = loader.file(file);
        }
        for file in &self.env_file {
            loader = loader.env_file(file);
        }
        for value in self.values() {
            loader = loader.flag(value.flag, value.key, value.text);
        }
        loader
    }

    /// The words of a command line that are read as these flags.
    #[must_use]
    pub fn to_words(&self) -> Vec<OsString> {
        let Self {
            config,
            env_file,
            stdio,
            http,
            tcp,
            unix,
            http_sse,
            tls_cert,
            tls_key,
            ready_file,
            server_name,
            log_level,
            log_format,
        } = self;
        // One word each, so that no value is taken for a flag.
        let word = |flag: &str, value: &OsStr| {
            let mut word = OsString::from(flag);
            word.push("=");
            word.push(value);
            word
        };
        let mut words: Vec<OsString> = Vec::new();
        words.extend(config.iter().map(|file| word("--config", file.as_os_str())));
        words.extend(env_file.iter().map(|file| word("--env-file", file.as_os_str())));
        words.extend(stdio.then(|| "--stdio".into()));
        words.extend(http_sse.then(|| "--http-sse".into()));
        for (flag, value) in [
            ("--http", http),
            ("--tcp", tcp),
            ("--unix", unix),
            ("--tls-cert", tls_cert),
            ("--tls-key", tls_key),
            ("--ready-file", ready_file),
            ("--server-name", server_name),
            ("--log-level", log_level),
            ("--log-format", log_format),
        ] {
            words.extend(value.iter().map(|value| word(flag, value.as_ref())));
        }
        words
    }

    fn values(&self) -> Vec<FlagValue> {
        let mut values = Vec::new();
        let mut add = |flag, key, text: &str| values.push(FlagValue { flag, key, text: text.to_owned() });
        let transports = [
            (self.http.is_some(), "--http", "http"),
            (self.stdio, "--stdio", "stdio"),
            (self.tcp.is_some(), "--tcp", "tcp"),
            (self.unix.is_some(), "--unix", "unix"),
        ];
        let chosen: Vec<_> = transports.into_iter().filter(|(chosen, ..)| *chosen).collect();
        if let Some((_, flag, _)) = chosen.first() {
            let words: Vec<&str> = chosen.iter().map(|(.., word)| *word).collect();
            add(flag, "transport", &words.join(","));
        }
        let addresses =
            [("--http", &self.http, "host", "port"), ("--tcp", &self.tcp, "tcp.host", "tcp.port")];
        for (flag, text, host_key, port_key) in addresses {
            let (host, port) = text.as_deref().map_or((None, None), address);
            if let Some(host) = host {
                add(flag, host_key, host);
            }
            if let Some(port) = port {
                add(flag, port_key, port);
            }
        }
        if self.http_sse {
            add("--http-sse", "http_sse", "true");
        }
        for (flag, key, text) in [
            ("--unix", "unix.path", &self.unix),
            ("--ready-file", "ready_file", &self.ready_file),
            ("--tls-cert", "tls_cert", &self.tls_cert),
            ("--tls-key", "tls_key", &self.tls_key),
            ("--server-name", "server_name", &self.server_name),
            ("--log-level", "log_level", &self.log_level),
            ("--log-format", "log_format", &self.log_format),
        ] {
            if let Some(text) = text {
                add(flag, key, text);
            }
        }
        values
    }
}

/// Why the configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The working directory.
    #[error("find the working directory: {0}")]
    Directory(std::io::Error),
    /// The configuration.
    #[error("{}", .0.render())]
    Config(ConfigErrors),
}

/// Splits `HOST:PORT`, `HOST` or `PORT`. What is neither is left to the checks of the keys.
fn address(text: &str) -> (Option<&str>, Option<&str>) {
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_port(text) {
        return (None, Some(text));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => {
            (host, Some(port))
        }
        _ => (text, None),
    };
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    ((!host.is_empty()).then_some(host), port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_flags_are_read_as_the_same_flags() {
        use clap::{Args as _, FromArgMatches as _};

        let text = |text: &str| Some(text.to_owned());
        let all = ServeArgs {
            config: Some("-c.yaml".into()),
            env_file: vec!["a=b".into(), "c".into()],
            stdio: true,
            http: text("0"),
            tcp: text("[::1]:1"),
            unix: text("@a b"),
            http_sse: true,
            tls_cert: text("c"),
            tls_key: text("k"),
            ready_file: text("r"),
            server_name: text("--x"),
            log_level: text("warn"),
            log_format: text("json"),
        };
        for args in [all, ServeArgs::default()] {
            let command = ServeArgs::augment_args(clap::Command::new("x"));
            let words = std::iter::once("x".into()).chain(args.to_words());
            let read = ServeArgs::from_arg_matches(&command.get_matches_from(words)).expect("flags");
            assert_eq!(format!("{read:?}"), format!("{args:?}"));
        }
    }

    #[test]
    fn an_address_is_a_host_a_port_or_both() {
        assert_eq!(address("8080"), (None, Some("8080")));
        assert_eq!(address("127.0.0.1:0"), (Some("127.0.0.1"), Some("0")));
        assert_eq!(address("[::1]:80"), (Some("::1"), Some("80")));
        assert_eq!(address("::1"), (Some("::1"), None));
        assert_eq!(address("localhost"), (Some("localhost"), None));
        assert_eq!(address(":80"), (None, Some("80")));
    }
}
