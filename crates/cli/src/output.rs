//! Standard output and standard error.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};

use latimer_host::{Failure, standard_error};

/// Writes data to standard output, and ends the line if it has not ended.
///
/// On a terminal, what could steer it is shown as an escape. A reader that has gone away wanted no more: that is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let text = if io::stdout().is_terminal() { visible(text) } else { Cow::Borrowed(text) };
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    write(&[text.as_bytes(), end.as_bytes()])
}

/// Writes bytes to standard output as they are.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    write(&[bytes])
}

/// Whether standard output is a terminal.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a line to standard error. What could steer a terminal is shown as an escape.
pub(crate) fn note(line: &str) {
    let line = self::line(line);
    // It comes after what was logged before.
    standard_error::flush();
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(line.as_bytes());
}

/// A line as it is written to standard error.
pub(crate) fn line(text: &str) -> String {
    format!("{}\n", visible(text))
}

/// Writes a question to standard error, without ending the line.
pub(crate) fn question(text: &str) {
    let mut out = io::stderr().lock();
    // Nobody is left to ask when standard error is closed.
    let _ = out.write_all(visible(text).as_bytes()).and_then(|()| out.flush());
}

fn write(parts: &[&[u8]]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = parts.iter().try_for_each(|part| out.write_all(part)).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::runtime(format_args!("write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// `text` with control characters but line ends and tabs, and the marks that reverse text, as escapes.
fn visible(text: &str) -> Cow<'_, str> {
    let steers = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\r' if rest.peek() == Some(&'\n') => {}
            c if steers(c) => {
                let _ = write!(shown, "{}", c.escape_default());
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::visible;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_text_is_not() {
        assert_eq!(visible("Łódź\t1\nzwei\n"), "Łódź\t1\nzwei\n");
        assert_eq!(visible("a\r\nb"), "a\nb");
        assert_eq!(visible("\u{1b}[31mred\u{9b}2J\r\u{202e}"), "\\u{1b}[31mred\\u{9b}2J\\r\\u{202e}");
    }
}
