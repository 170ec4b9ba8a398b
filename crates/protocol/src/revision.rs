//! The published revisions of the protocol and the two eras they fall into.

use std::fmt;
use std::str::FromStr;

/// A published revision of the Model Context Protocol, oldest first.
///
/// The order is the order of publication, so `revision >= Revision::V2025_06_18` asks whether a
/// peer knows what that revision introduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// 2024-11-05: the first one; HTTP meant two endpoints with server-sent events.
    V2024_11_05,
    /// 2025-03-26: Streamable HTTP, batches, tool annotations, audio.
    V2025_03_26,
    /// 2025-06-18: structured content, elicitation, resource links; no batches.
    V2025_06_18,
    /// 2025-11-25: icons, tasks, URL elicitation, resumable POST streams. The last with a handshake.
    V2025_11_25,
    /// 2026-07-28: stateless, self-describing requests.
    V2026_07_28,
}

/// How a revision carries context from one request to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize`, then a session (2024-11-05 to 2025-11-25).
    Legacy,
    /// Every request describes itself in `_meta` (from 2026-07-28 on).
    Modern,
}

impl Revision {
    /// Every revision, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V2024_11_05, Self::V2025_03_26, Self::V2025_06_18, Self::V2025_11_25, Self::V2026_07_28];

    /// The newest revision that opens with `initialize`; the answer to a version nobody knows (VER-L2).
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// The newest stateless revision.
    pub const LATEST_MODERN: Self = Self::V2026_07_28;

    /// What a Streamable HTTP request without `MCP-Protocol-Version` is taken for (VER-L4).
    pub const ASSUMED: Self = Self::V2025_03_26;

    /// The revision's name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era the revision belongs to.
    pub const fn era(self) -> Era {
        match self {
            Self::V2026_07_28 => Era::Modern,
            _ => Era::Legacy,
        }
    }

    /// Whether the revision is stateless.
    pub const fn is_modern(self) -> bool {
        matches!(self.era(), Era::Modern)
    }

    /// The revision of this name, if it is one of ours.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == name)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A revision name that is none of [`Revision::ALL`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown protocol revision; the known ones are 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28"
)]
pub struct UnknownRevision;

impl FromStr for Revision {
    type Err = UnknownRevision;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name).ok_or(UnknownRevision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back_as_its_revision_in_order() {
        for pair in Revision::ALL.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].as_str() < pair[1].as_str());
        }
        for revision in Revision::ALL {
            assert_eq!(revision.as_str().parse(), Ok(revision));
        }
        assert_eq!("2099-01-01".parse::<Revision>(), Err(UnknownRevision));
    }

    #[test]
    fn only_2026_07_28_is_modern() {
        let modern: Vec<_> = Revision::ALL.into_iter().filter(|revision| revision.is_modern()).collect();
        assert_eq!(modern, [Revision::V2026_07_28]);
    }
}
