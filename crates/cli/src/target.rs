//! Which server a command is for: a URL before the command's own words, or a program behind `--`.
//!
//! ```text
//! latimer call URL TOOL [OPTIONS]
//! latimer call TOOL [OPTIONS] -- PROGRAM [ARGUMENTS]
//! ```

use std::ffi::OsString;

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
            (Target::http(url).map_err(|error| TargetError::Url(error.to_string()))?, own)
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

fn is_url(word: &str) -> bool {
    word.starts_with("http://") || word.starts_with("https://")
}

fn did_you_mean(word: &str) -> String {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        format!("; did you mean http://127.0.0.1:{word}/mcp?")
    } else if word.contains("://") {
        "; it has to begin with http:// or https://".to_owned()
    } else if word.contains(':') || (word.contains('/') && !word.starts_with(['/', '.'])) {
        format!("; did you mean http://{word}?")
    } else {
        "; a program to run as the server stands behind --".to_owned()
    }
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
            (&["12200", "echo"], &[], "did you mean http://127.0.0.1:12200/mcp?"),
            (&["ftp://h/", "echo"], &[], "http:// or https://"),
            (&["latimer", "serve"], &[], "behind --"),
            (&["http://h/"], &[], "the TOOL is missing"),
            (&[], &["prog"], "the TOOL is missing"),
            (&["http://h/", "echo", "a=1"], &[], "--arg NAME=VALUE"),
        ];
        for (words, program, part) in cases {
            let error = told(words, program).unwrap_err();
            assert!(error.contains(part), "{words:?}: {error}");
        }
        let error = told(&["http://user:hunter2@h/", "echo"], &[]).unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
