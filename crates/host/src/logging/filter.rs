//! What is logged, and in which form.

use std::fmt;
use std::str::FromStr;

use tracing::Level;
use tracing_subscriber::filter::Targets;

/// How a line of the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people; in colour on a terminal unless `NO_COLOR` is set.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl FromStr for LogFormat {
    type Err = LogSettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.to_ascii_lowercase().as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogSettingError::Format),
        }
    }
}

/// Which events are logged: a level, or a level for each part of the program.
///
/// Written `LEVEL`, or `LEVEL,TARGET=LEVEL,…`. Levels are `error`, `warn`, `info`, `debug` and `trace` in any case, and
/// Python's `WARNING`, `CRITICAL` and `FATAL`. A target is a module path or the beginning of one; the longest that fits
/// decides. Without a plain level everything that no target names is logged from `info` on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter {
    level: Level,
    targets: Vec<(String, Level)>,
}

impl LogFilter {
    /// The level of everything that no target names.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    pub(super) fn to_targets(&self) -> Targets {
        self.targets.iter().fold(Targets::new().with_default(self.level), |all, (target, level)| {
            all.with_target(target, *level)
        })
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self { level: Level::INFO, targets: Vec::new() }
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(level_name(self.level))?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={}", level_name(*level)))
    }
}

impl FromStr for LogFilter {
    type Err = LogSettingError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut filter = Self::default();
        let mut plain = false;
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                Some((target, level)) => {
                    let target = target.trim();
                    let known = |c: char| c.is_ascii_alphanumeric() || "_:-.".contains(c);
                    if target.is_empty() || !target.chars().all(known) {
                        return Err(LogSettingError::Target);
                    }
                    filter.targets.push((target.to_owned(), level_of(level.trim())?));
                }
                None if plain => return Err(LogSettingError::TwoLevels),
                None => {
                    filter.level = level_of(part)?;
                    plain = true;
                }
            }
        }
        Ok(filter)
    }
}

/// Why a level or format is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogSettingError {
    /// Not a level.
    #[error("not a log level; use error, warn, info, debug or trace")]
    Level,
    /// Two plain levels.
    #[error("two levels without a target; keep one")]
    TwoLevels,
    /// The part before `=` is no module path.
    #[error("not a target; use a module path such as latimer_transport::http")]
    Target,
    /// Not a format.
    #[error("not a log format; use text or json")]
    Format,
}

fn level_of(text: &str) -> Result<Level, LogSettingError> {
    match text.to_ascii_lowercase().as_str() {
        "error" | "critical" | "fatal" => Ok(Level::ERROR),
        "warn" | "warning" => Ok(Level::WARN),
        "info" => Ok(Level::INFO),
        "debug" => Ok(Level::DEBUG),
        "trace" => Ok(Level::TRACE),
        _ => Err(LogSettingError::Level),
    }
}

/// The level as it is written in filters and in JSON.
pub(super) fn level_name(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_read_in_the_words_of_rust_and_python() {
        for (text, shown) in [
            ("WARNING", "warn"),
            ("Critical", "error"),
            ("debug", "debug"),
            ("a::b=TRACE", "info,a::b=trace"),
            (" debug , hyper = warn ", "debug,hyper=warn"),
        ] {
            assert_eq!(
                text.parse::<LogFilter>().map(|filter| filter.to_string()),
                Ok(shown.into()),
                "{text}"
            );
        }
        for text in ["", "debgu", "info,debug", "=info", "a b=info", "a=", "off"] {
            assert!(text.parse::<LogFilter>().is_err(), "{text}");
        }
    }
}
