//! Which server a command is for: a URL (`http://…`, `tcp://…`, `unix:…`) before the command's own words, or a program behind `--`.
//!
//! ```text
//! latimer call URL TOOL [OPTIONS]
//! latimer call TOOL [OPTIONS] -- PROGRAM [ARGUMENTS]
//! ```

use std::ffi::OsString;
use std::path::Path;

use latimer_client::{Command, Target};
use latimer_host::Failure;

/// Tells the own words of `command`, as many as there are `names`, from the URL before them.
///
/// With a `program` there must be no URL, without one there must be.
///
/// # Errors
/// When a word is missing or too much, or what stands in the URL's place is none.
pub(crate) fn split<const N: usize>(
    command: &'static str,
    words: &[String],
    names: [&'static str; N],
    program: &[OsString],
) -> Result<(Target, [String; N]), TargetError> {
    let none = || TargetError::None { command, words: Words::of(&names) };
    let (target, own) = match (program.split_first(), words.split_first()) {
        (Some(_), Some((url, own))) if own.len() == N && is_url(url) => {
            return Err(TargetError::Both(url.clone()));
        }
        (Some((name, arguments)), _) => (Target::Stdio(Command::new(name).args(arguments)), words),
        (None, Some((url, own))) if is_url(url) => {
            (Target::parse(url).map_err(|error| TargetError::Url(error.to_string()))?, own)
        }
        (None, Some((word, _))) if words.len() > N => return Err(TargetError::NoUrl { word: word.clone() }),
        (None, _) => return Err(none()),
    };
    match (names.get(own.len()), own.get(N)) {
        (Some(missing), _) => Err(TargetError::Missing(missing)),
        (None, Some(extra)) => Err(TargetError::Extra { word: extra.clone() }),
        (None, None) => own.to_vec().try_into().map(|own| (target, own)).map_err(|_| none()),
    }
}

/// Why the words of a command line name no server, or something besides.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    #[error(
        "no server is named; give its URL (latimer {command} http://127.0.0.1:12200/mcp{}), \
         or a program to run (latimer {command}{} -- latimer serve --stdio)",
        words.0, words.0
    )]
    None { command: &'static str, words: Words },
    #[error("two servers are named, {0} and the program behind --; leave one of them out")]
    Both(String),
    #[error("\"{word}\" is no URL{}", did_you_mean(.word))]
    NoUrl { word: String },
    #[error("{0}")]
    Url(String),
    #[error("the {0} is missing; --help has examples")]
    Missing(&'static str),
    #[error("nothing is known to do with \"{word}\"{}", what_it_may_be(.word))]
    Extra { word: String },
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        Self::setup(error)
    }
}

/// The names of a command's own words, a space before each.
#[derive(Debug)]
pub(crate) struct Words(String);

impl Words {
    fn of(names: &[&str]) -> Self {
        Self(names.iter().map(|name| format!(" {name}")).collect())
    }
}

/// What a server's URL begins with.
const SCHEMES: [&str; 5] = ["http://", "https://", "tcp://", "tls://", "unix:"];

fn is_url(word: &str) -> bool {
    SCHEMES.iter().any(|scheme| word.starts_with(scheme))
}

fn did_you_mean(word: &str) -> String {
    let without_slashes = ["http", "https", "tcp", "tls"].iter().find_map(|scheme| {
        let rest = word.strip_prefix(scheme)?.strip_prefix(':')?;
        Some(format!("; did you mean {scheme}://{}?", rest.trim_start_matches('/')))
    });
    if let Some(meant) = without_slashes {
        meant
    } else if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("; did you mean http://127.0.0.1:{word}/mcp, or tcp://127.0.0.1:{word}?")
    } else if word.contains("://") {
        "; it has to begin with http://, https://, tcp://, tls:// or unix:".to_owned()
    } else if word.starts_with('@') || is_socket(word) {
        format!("; did you mean unix:{word}?")
    } else if word.contains(':') || (word.contains('/') && !word.starts_with(['/', '.'])) {
        let line = if word.contains('/') { String::new() } else { format!("/mcp, or tcp://{word}") };
        format!("; did you mean http://{word}{line}?")
    } else {
        "; a program to run as the server stands behind --".to_owned()
    }
}

/// Whether the word is the path of a socket, or at least named like one.
fn is_socket(word: &str) -> bool {
    #[cfg(unix)]
    if let Ok(metadata) = std::fs::metadata(word) {
        return std::os::unix::fs::FileTypeExt::is_socket(&metadata.file_type());
    }
    Path::new(word).extension().is_some_and(|extension| extension == "sock" || extension == "socket")
}

fn what_it_may_be(word: &str) -> &'static str {
    if word.contains('=') { "; an argument is given with --arg NAME=VALUE" } else { "; --help has examples" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(words: &[&str], program: &[&str]) -> Result<(String, [String; 1]), String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let program: Vec<OsString> = program.iter().map(OsString::from).collect();
        let (target, own) = split("call", &words, ["TOOL"], &program).map_err(|error| error.to_string())?;
        let target = match target {
            Target::Http(url) => url.to_string(),
            Target::Stdio(command) => format!("{command:?}"),
            Target::Tcp(address) => address.to_string(),
            Target::Unix(address) => address.to_string(),
        };
        Ok((target, own))
    }

    #[test]
    fn a_url_stands_before_the_words_and_a_program_behind_them() {
        let (target, [tool]) = told(&["http://h:1/mcp", "echo"], &[]).unwrap();
        assert_eq!((target.as_str(), tool.as_str()), ("http://h:1/mcp", "echo"));
        let (target, [tool]) = told(&["echo"], &["prog", "--stdio"]).unwrap();
        assert!(target.contains("prog") && target.contains("--stdio"), "{target}");
        assert_eq!(tool, "echo");
        for url in ["tcp://127.0.0.1:7000", "tls://h:7000", "unix:/run/x.sock", "unix:@x"] {
            assert_eq!(told(&[url, "echo"], &[]), Ok((url.to_owned(), ["echo".to_owned()])));
        }
        // A word that looks like a URL may be a resource's.
        assert_eq!(told(&["https://example.com/x"], &["prog"]).unwrap().1, ["https://example.com/x"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_mend() {
        let cases: &[(&[&str], &[&str], &str)] = &[
            (&[], &[], "no server is named"),
            (&["echo"], &[], "latimer call TOOL -- latimer serve --stdio"),
            (&["http://h/", "echo"], &["prog"], "two servers"),
            (&["localhost:12200/mcp", "echo"], &[], "did you mean http://localhost:12200/mcp?"),
            (&["12200", "echo"], &[], "did you mean http://127.0.0.1:12200/mcp, or tcp://127.0.0.1:12200?"),
            (&["localhost:7000", "echo"], &[], "http://localhost:7000/mcp, or tcp://localhost:7000?"),
            (&["tcp:localhost:7000", "echo"], &[], "did you mean tcp://localhost:7000?"),
            (&["http:/h/mcp", "echo"], &[], "did you mean http://h/mcp?"),
            (&["/run/x.sock", "echo"], &[], "did you mean unix:/run/x.sock?"),
            (&["@latimer", "echo"], &[], "did you mean unix:@latimer?"),
            (&["unix://run/x.sock", "echo"], &[], "as unix:/PATH"),
            (&["tcp://localhost", "echo"], &[], "write it as tcp://HOST:PORT"),
            (&["tcp://h:7000/mcp", "echo"], &[], "only HTTP servers have paths"),
            (&["tcp://h:7000", "--"], &["prog"], "two servers"),
            (&["ftp://h/", "echo"], &[], "tcp://, tls:// or unix:"),
            (&["latimer", "serve"], &[], "behind --"),
            (&["http://h/"], &[], "the TOOL is missing"),
            (&[], &["prog"], "the TOOL is missing"),
            (&["http://h/", "echo", "a=1"], &[], "--arg NAME=VALUE"),
        ];
        for (words, program, part) in cases {
            let error = told(words, program).unwrap_err();
            assert!(error.contains(part), "{words:?}: {error}");
        }
        for url in ["http://user:hunter2@h/", "tcp://user:hunter2@h:1"] {
            let error = told(&[url, "echo"], &[]).unwrap_err();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
