//! Environment files. An input is the text of one.
//!
//! Held: each fault has a line of the file and none quotes what stands there; each assignment could be one of a process;
//! what was read can be written, in either kind of quotes, and is read back.

use latimer_host::env_file::{Assignment, parse};

/// See [`Target::words`](crate::Target::words).
pub const WORDS: &[&str] = &[
    "export ", "A=", "B='", "C=\"", "\\n", "\\\"", "\\$", "\\q", " # c", "\n", "\r\n", "\"", "'", "=",
    "\u{feff}", "\0", "${A}",
];

/// Runs the target once.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let lines = text.matches('\n').count() + 1;
    match parse(&text) {
        Ok(assignments) => {
            for one in &assignments {
                let mut name = one.name.bytes();
                assert!(name.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_'));
                assert!(name.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
                assert!(!one.value.contains('\0'));
                assert!((1..=lines).contains(&(one.line as usize)));
                assert_eq!(format!("{one:?}"), format!("{}=*** (line {})", one.name, one.line));
            }
            assert!(assignments.is_sorted_by(|one, next| one.line < next.line));
            written(&assignments);
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.is_sorted_by(|one, next| one.line < next.line));
            for error in errors {
                assert!((1..=lines).contains(&(error.line as usize)));
                assert_eq!(error.to_string(), format!("line {}: {}", error.line, error.fault));
                assert!(!error.fault.mend().is_empty());
            }
        }
    }
}

/// Writes the assignments and reads them back.
fn written(assignments: &[Assignment]) {
    let mut out = String::new();
    let mut want = Vec::new();
    for one in assignments {
        // A line's end is a line feed, whatever it was.
        let value = one.value.replace('\r', "");
        if value.contains('\'') {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            out += &format!("export {}=\"{escaped}\" # quoted\n", one.name);
        } else {
            out += &format!("{}='{value}'\n", one.name);
        }
        want.push((one.name.clone(), value));
    }
    let read = parse(&out).unwrap_or_else(|errors| panic!("{errors:?}\n{out}"));
    let read: Vec<_> = read.into_iter().map(|one| (one.name, one.value)).collect();
    assert_eq!(read, want);
}
