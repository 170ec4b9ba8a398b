//! The line that a message is about.

use std::fmt;

/// One line of a file with a mark below a stretch of it.
#[derive(Debug, Clone)]
pub(crate) struct Excerpt {
    line: u32,
    text: String,
    column: u32,
    width: u32,
}

impl Excerpt {
    /// The longest piece of a line that is shown.
    const WIDTH: usize = 100;
    /// The longest line of which a piece is shown, in bytes: it has to be searched for secrets as a whole.
    const LONGEST: usize = 16 << 10;

    /// The line with number `line` of `source`, or `None` if it does not exist or may hold a secret.
    pub(crate) fn of(source: &str, line: u32, column: u32, width: u32) -> Option<Self> {
        let text = source.lines().nth((line as usize).checked_sub(1)?)?;
        if text.len() > Self::LONGEST || mentions_secret(text) {
            return None;
        }
        let start = (column as usize).saturating_sub(Self::WIDTH / 2);
        let shown: String = text
            .chars()
            .skip(start)
            .take(Self::WIDTH)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let column = column.saturating_sub(u32::try_from(start).unwrap_or(u32::MAX)).max(1);
        Some(Self { line, text: shown, column, width })
    }
}

impl Excerpt {
    /// The same without what stands behind the mark: the value of a key that is not known may be a secret.
    pub(crate) fn up_to_mark(mut self) -> Self {
        let end = (self.column as usize).saturating_sub(1).saturating_add(self.width as usize);
        if let Some((at, _)) = self.text.char_indices().nth(end) {
            self.text.truncate(at);
            self.text.push_str(" …");
        }
        self
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gutter = self.line.to_string().len();
        let indent = (self.column as usize).saturating_sub(1).min(Self::WIDTH);
        let width = (self.width as usize).clamp(1, Self::WIDTH.saturating_sub(indent).max(1));
        writeln!(f, "{:gutter$} |", "")?;
        writeln!(f, "{} | {}", self.line, self.text)?;
        write!(f, "{:gutter$} | {:indent$}{}", "", "", "^".repeat(width))
    }
}

/// Whether a secret may stand in `text`.
pub(crate) fn mentions_secret(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["tok", "seal_key", "secret", "passw", "bearer"].iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_bounded_and_free_of_control_characters() {
        let source = format!("{}\u{1b}[31mx", "a".repeat(5_000));
        let shown = Excerpt::of(&source, 1, 5_001, 50_000).expect("an excerpt").to_string();
        assert!(shown.len() < 400, "{}", shown.len());
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn a_line_that_may_hold_a_secret_is_not_shown() {
        assert!(Excerpt::of("alice: { tokn: abc }", 1, 1, 1).is_none());
    }
}
