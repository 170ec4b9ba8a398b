//! What can be wrong, and how each is mended.

use std::fmt;

/// How a message names a value that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Only its kind: `a list`.
    Kind(&'static str),
    /// A value that is shown as it is: `the number 3`, `true`.
    Token(String),
    /// Text that is shown in quotes, shortened.
    Text(String),
}

impl Found {
    /// The same without the value, for secrets and for what came out of a variable.
    #[must_use]
    pub fn hidden(self) -> Self {
        match self {
            Self::Kind(kind) => Self::Kind(kind),
            Self::Token(_) => Self::Kind("another kind of value"),
            Self::Text(_) => Self::Kind("other text"),
        }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind(kind) => f.write_str(kind),
            Self::Token(token) => f.write_str(token),
            Self::Text(text) => write!(f, "{:?}", shortened(text)),
        }
    }
}

/// What is wrong. `Display` says it in one line without the mend; [`Problem::mend`] says what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that was named, or found, cannot be read.
    #[error("cannot read the file: {0}")]
    Unreadable(std::io::ErrorKind),
    /// A file is larger than the bound.
    #[error("the file has more than {limit} bytes")]
    TooLarge {
        /// The bound in bytes.
        limit: usize,
    },
    /// A file or variable is not UTF-8.
    #[error("not UTF-8 text")]
    NotUtf8,
    /// The file's extension names no notation.
    #[error("the file's name does not tell its notation")]
    UnknownFormat,
    /// Several configuration files stand side by side.
    #[error("more than one configuration file: {}", files.join(", "))]
    SeveralFiles {
        /// Their names.
        files: Vec<String>,
    },
    /// The parser gave up.
    #[error("not readable as {format}: {reason}")]
    Syntax {
        /// The notation.
        format: &'static str,
        /// What the parser says.
        reason: String,
        /// Whether the line holds a `${` that may need quotes.
        bare_reference: bool,
    },
    /// An environment file has a line that is no assignment.
    #[error("not readable as an environment file: {0}")]
    EnvFile(crate::env_file::EnvFileFault),
    /// A key that does not exist.
    #[error("unknown key `{}`", shortened(key))]
    UnknownKey {
        /// The key with its path.
        key: String,
        /// The known key that is most like it.
        nearest: Option<String>,
        /// The keys that exist at this place.
        known: Vec<String>,
    },
    /// A key stands twice in one table.
    #[error("key `{}` stands here again; line {first_line} has it first", shortened(key))]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first.
        first_line: u32,
    },
    /// A value is of the wrong type, malformed, or out of its range.
    #[error("`{key}` must be {expected}, not {found}")]
    BadValue {
        /// The key with its path.
        key: String,
        /// What it takes.
        expected: String,
        /// What stands there.
        found: Found,
        /// How to write it.
        mend: String,
    },
    /// A key is written without a value.
    #[error("`{key}` has no value")]
    NoValue {
        /// The key with its path.
        key: String,
    },
    /// The name of a plugin or token holds characters that it may not.
    #[error("`{}` cannot be a name in `{table}`", shortened(name))]
    BadName {
        /// The table.
        table: String,
        /// The name.
        name: String,
    },
    /// `${VAR}` names a variable that is not set.
    #[error("`{}` needs the environment variable {variable}, which is not set", shortened(key))]
    UnsetVariable {
        /// The key with its path.
        key: String,
        /// The variable.
        variable: String,
    },
    /// A `$` that is not understood.
    #[error("`{}` holds {fault}", shortened(key))]
    BadReference {
        /// The key with its path.
        key: String,
        /// What is wrong with it.
        fault: crate::interpolate::ReferenceFault,
    },
    /// A token has no `token`.
    #[error("`tokens.{name}` has no token")]
    TokenMissing {
        /// The principal's name.
        name: String,
    },
    /// Two principals have one token.
    #[error("`tokens.{name}` has the same token as `tokens.{other}`")]
    TokenShared {
        /// One principal.
        name: String,
        /// The other.
        other: String,
    },
    /// Of two keys that belong together one is missing.
    #[error("`{present}` is set without `{missing}`")]
    HalfOfPair {
        /// The key that is set.
        present: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// A limit is above the one that contains it.
    #[error("`{smaller}` is more than `{larger}`")]
    Contradiction {
        /// The key that must not be larger.
        smaller: &'static str,
        /// The key that bounds it.
        larger: &'static str,
    },
    /// A secret was given on the command line.
    #[error("`{key}` is a secret and cannot be given as a flag")]
    SecretFlag {
        /// The key with its path.
        key: String,
    },
    /// A Unix socket is to be served, and nothing says where.
    #[error(
        "`transport` has unix, `unix.path` is not set, and there is no XDG_RUNTIME_DIR to put the socket in"
    )]
    NoSocketPath,
    /// A flag is about a transport that is not served.
    #[error("`{key}` is about {transport}, which `transport` does not have")]
    NotServed {
        /// The key.
        key: &'static str,
        /// The transport.
        transport: &'static str,
    },
    /// Warning: tokens cross the network as they are.
    #[error(
        "`{key}` {host} is reachable from other machines and there is no TLS: tokens can be read on the way"
    )]
    InTheClear {
        /// The key of the address.
        key: &'static str,
        /// The address.
        host: String,
    },
    /// Warning: a variable looks like ours and is none.
    #[error("{variable} is not a variable that Latimer reads")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The known variable that is most like it.
        nearest: Option<String>,
    },
    /// Warning: a plugin is to be loaded at start and is disabled.
    #[error("`autoload` names {plugin}, which `plugins.{plugin}.enabled` switches off")]
    AutoloadDisabled {
        /// The plugin.
        plugin: String,
    },
    /// Warning: anybody who reaches the machine may call.
    #[error("`{key}` {host} is reachable from other machines and `tokens` is empty: every caller is let in")]
    OpenToAll {
        /// The key of the address.
        key: &'static str,
        /// The address.
        host: String,
    },
}

impl Problem {
    /// Whether it is a key that is wrong, whatever its value.
    pub(crate) fn is_about_a_key(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::DuplicateKey { .. } | Self::BadName { .. })
    }

    /// What to do about it, as an order that fits behind a semicolon.
    #[must_use]
    pub fn mend(&self) -> String {
        match self {
            Self::Unreadable(std::io::ErrorKind::NotFound) => "check the path, or create the file".into(),
            Self::Unreadable(std::io::ErrorKind::IsADirectory) => "name a file, not a directory".into(),
            Self::Unreadable(_) => "check the path and its permissions".into(),
            Self::TooLarge { .. } => "a configuration is far smaller; check that this is the right file".into(),
            Self::NotUtf8 => "save it as UTF-8".into(),
            Self::UnknownFormat => "name it *.yaml, *.yml, *.toml or *.json".into(),
            Self::SeveralFiles { .. } => "keep one, or name the one to use".into(),
            Self::Syntax { bare_reference: true, .. } => {
                "inside `{…}`, `[…]` and in JSON a reference needs quotes: \"${VAR}\"".into()
            }
            Self::Syntax { reason, .. } if reason.contains("duplicate key") => "keep one of the two".into(),
            Self::Syntax { .. } => "correct the text at this place".into(),
            Self::EnvFile(fault) => fault.mend().into(),
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { known, .. } if known.is_empty() => "remove it".into(),
            Self::UnknownKey { known, .. } => format!("known here: {}", known.join(", ")),
            Self::DuplicateKey { .. } => "keep one of the two".into(),
            Self::BadValue { mend, .. } => mend.clone(),
            Self::NoValue { .. } => "write a value, or remove the line for the default".into(),
            Self::BadName { .. } => "use 1 to 128 of the characters A-Z a-z 0-9 _ - .".into(),
            Self::UnsetVariable { variable, .. } => {
                format!("set {variable}, or give a default: ${{{variable}:-…}}")
            }
            Self::BadReference { fault, .. } => fault.mend().into(),
            Self::TokenMissing { name } => {
                format!("write `token: \"${{VAR}}\"` below `{name}` and set that variable")
            }
            Self::TokenShared { .. } => "give each principal a token of its own".into(),
            Self::HalfOfPair { missing, .. } => format!("set `{missing}` too, or neither"),
            Self::Contradiction { smaller, larger } => format!("lower `{smaller}` or raise `{larger}`"),
            Self::SecretFlag { .. } => {
                "other users of the machine can read flags; write \"${VAR}\" in the file and set that variable".into()
            }
            Self::UnknownVariable { nearest: Some(nearest), .. } => format!("did you mean {nearest}?"),
            Self::UnknownVariable { .. } => "unset it if it was meant for Latimer".into(),
            Self::AutoloadDisabled { plugin } => format!("remove {plugin} from one of the two"),
            Self::OpenToAll { key, .. } => format!("set `tokens`, or `{key}: 127.0.0.1`"),
            Self::NoSocketPath => "set `unix.path`, in a folder that only its user may write to".into(),
            Self::NotServed { transport, .. } => format!("add {transport} to `transport`, or leave the flag out"),
            Self::InTheClear { key, .. } => format!("set `tls_cert` and `tls_key`, or `{key}: 127.0.0.1`"),
        }
    }
}

/// `text` without control characters, cut after 64 characters.
fn shortened(text: &str) -> String {
    let mut out: String =
        text.chars().take(64).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(64).is_some() {
        out.push('…');
    }
    out
}
