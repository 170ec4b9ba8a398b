//! What is wrong with an instance, in words that a model can act on.

use std::fmt;

use latimer_protocol::scan::ScanError;

/// One thing that is wrong with an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub(super) pointer: Box<str>,
    pub(super) schema_pointer: Box<str>,
    pub(super) message: Box<str>,
}

impl Violation {
    /// Where in the instance, as a JSON Pointer (RFC 6901): `""` for the whole of it.
    #[must_use]
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// Which keyword of the schema it does not satisfy, as a JSON Pointer that goes on where each `$ref` on the way leads to:
    /// `/properties/price/$ref/properties/amount/type`.
    #[must_use]
    pub fn schema_pointer(&self) -> &str {
        &self.schema_pointer
    }

    /// What was expected there, and what was found: a fragment of a sentence, with at most about 80 characters of the
    /// instance.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Violation {
    /// `/age: expected integer, got "abc"`. The whole instance is shown as `/`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.pointer.is_empty() { "/" } else { &self.pointer };
        write!(f, "{place}: {}", self.message)
    }
}

/// Everything that is wrong with an instance, as far as it was looked for: at least one and, unless more were asked for, at
/// most [`Violations::LISTED`] violations, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violations {
    pub(super) list: Vec<Violation>,
    pub(super) total: usize,
    pub(super) complete: bool,
}

impl Violations {
    /// How many violations are listed unless more are asked for.
    pub const LISTED: usize = 10;

    /// The listed violations, in the order in which the schema found them.
    #[must_use]
    pub fn list(&self) -> &[Violation] {
        &self.list
    }

    /// How many violations were found, listed or not.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total
    }

    /// Whether [`Violations::total`] is all there is. The search ends after 64 errors, or four times what was asked for.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }

    pub(super) fn one(pointer: &str, message: impl Into<Box<str>>) -> Self {
        let violation =
            Violation { pointer: pointer.into(), schema_pointer: "".into(), message: message.into() };
        Self { list: vec![violation], total: 1, complete: true }
    }

    pub(super) fn unreadable(error: &ScanError) -> Self {
        Self::one("", error.to_string())
    }
}

impl fmt::Display for Violations {
    /// One violation a line, and a last line for those that are not listed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            violation.fmt(f)?;
        }
        let unlisted = self.total.saturating_sub(self.list.len());
        match (unlisted, self.complete) {
            (0, true) => Ok(()),
            (0, false) => f.write_str("\n… and possibly more"),
            (count, true) => write!(f, "\n… and {count} more"),
            (count, false) => write!(f, "\n… and at least {count} more"),
        }
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_one_line_for_each_violation_and_one_for_the_rest() {
        let mut violations = Violations::one("", "missing required property \"name\"");
        assert_eq!(violations.to_string(), "/: missing required property \"name\"");
        violations.list.push(Violation {
            pointer: "/age".into(),
            schema_pointer: "/properties/age/type".into(),
            message: "expected integer, got \"x\"".into(),
        });
        violations.total = 5;
        assert_eq!(
            violations.to_string(),
            "/: missing required property \"name\"\n/age: expected integer, got \"x\"\n… and 3 more"
        );
        violations.complete = false;
        assert!(violations.to_string().ends_with("\n… and at least 3 more"));
        violations.total = 2;
        assert!(violations.to_string().ends_with("\n… and possibly more"));
    }
}
