//! Agent skills over the Model Context Protocol: the extension `io.modelcontextprotocol/skills` (SEP-2640).
//!
//! A skill is a folder with a `SKILL.md` and whatever that needs. [`Skills`] holds the files of many, from a
//! folder ([`Skills::directory`]) or from the program itself ([`Skill`]), and serves them: `skills/list` and
//! `skills/get` name every file with its digest, `resources/directory/read` lists folders, and the files
//! themselves are resources at `skill://` URIs.
//!
//! Everything is read and checked once, before anything is served: what a digest promises is what is sent.
//!
//! ```
//! use latimer_skills::{Skill, Skills};
//!
//! let refunds = Skill::new("refunds", "Handles refunds by the book.", "Read `policy.md` first.")
//!     .under("acme/billing")
//!     .file("policy.md", "Refunds within 14 days.");
//! let skills = Skills::new().with(refunds)?;
//! assert_eq!(skills.uris().collect::<Vec<_>>(), ["skill://acme/billing/refunds/SKILL.md"]);
//! # Ok::<(), latimer_skills::SkillsError>(())
//! ```

mod cursor;
mod directory;
mod error;
mod file;
mod frontmatter;
mod mime;
mod path;
mod served;
mod set;
mod skill;
mod yaml;

pub use error::SkillsError;
pub use served::Served;
pub use set::Skills;
pub use skill::Skill;

/// The extension's identifier.
pub const ID: &str = "io.modelcontextprotocol/skills";

/// The most files that a skill has, `SKILL.md` and those of skills inside it included.
pub const MOST_FILES: usize = 512;

/// The most bytes that the files of a skill have together: 16 MiB.
pub const MOST_BYTES: u64 = 16 << 20;

/// The most skills of a server.
pub const MOST_SKILLS: usize = 1024;

/// The most bytes that the files of all skills have together, which are kept in memory: 128 MiB.
pub const MOST_BYTES_IN_ALL: u64 = 128 << 20;
