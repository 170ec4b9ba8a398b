//! What each revision knows: the tables.

use std::fmt;

use super::{block, form};
use crate::revision::Revision;
use crate::rewrite::Change;

use Revision::{V2025_03_26 as R03, V2025_06_18 as R06, V2025_11_25 as R11, V2026_07_28 as R26};

/// What kind of value a JSON text is, and so which rules apply to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Shape {
    /// A tool definition.
    Tool,
    /// A resource definition.
    Resource,
    /// A resource template definition.
    ResourceTemplate,
    /// A prompt definition.
    Prompt,
    /// One content block.
    ContentBlock,
    /// The result of `tools/call`.
    CallToolResult,
    /// The result of `resources/read`.
    ReadResourceResult,
    /// The result of `prompts/get`.
    GetPromptResult,
    /// The result of `completion/complete`.
    CompleteResult,
    /// The result of `initialize`.
    InitializeResult,
    /// The result of `server/discover`.
    DiscoverResult,
    /// The result of `tools/list`.
    ListToolsResult,
    /// The result of `resources/list`.
    ListResourcesResult,
    /// The result of `resources/templates/list`.
    ListResourceTemplatesResult,
    /// The result of `prompts/list`.
    ListPromptsResult,
    /// Any other result.
    EmptyResult,
    /// The name and version of a program.
    Implementation,
    /// The capabilities of a server.
    ServerCapabilities,
    /// The parameters of `notifications/progress`.
    ProgressParams,
    /// The parameters of `elicitation/create`, as a form.
    ElicitFormParams,
}

/// One line of a table: from the first to the last of `known`, the value at `path` is as it should be; in any
/// other revision, `otherwise` says what becomes of it. Of several rules for one place, the first that
/// applies counts.
pub(super) struct Rule {
    pub(super) path: &'static [&'static str],
    pub(super) known: (Revision, Revision),
    pub(super) otherwise: Remedy,
}

/// What becomes of a value that a revision does not know.
#[derive(Clone, Copy)]
pub(super) enum Remedy {
    /// The member goes.
    Drop,
    /// The value decides.
    Ask(fn(&str) -> Change),
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}..={}", self.path, self.known.0, self.known.1)
    }
}

/// A table, and where in the value it applies.
pub(super) type Part = (&'static [&'static str], &'static [Rule]);

const fn since(path: &'static [&'static str], first: Revision) -> Rule {
    Rule { path, known: (first, R26), otherwise: Remedy::Drop }
}

const fn only(path: &'static [&'static str], revision: Revision) -> Rule {
    Rule { path, known: (revision, revision), otherwise: Remedy::Drop }
}

const fn ask(path: &'static [&'static str], first: Revision, change: fn(&str) -> Change) -> Rule {
    Rule { path, known: (first, R26), otherwise: Remedy::Ask(change) }
}

impl Shape {
    /// The tables for this kind of value.
    pub(super) const fn parts(self) -> &'static [Part] {
        match self {
            Self::Tool => &[(&[], TOOL)],
            Self::Resource | Self::ResourceTemplate => &[(&[], RESOURCE)],
            Self::Prompt => &[(&[], PROMPT)],
            Self::ContentBlock => &[(&[], BLOCK)],
            Self::CallToolResult => &[(&[], RESULT), (&[], CALL_TOOL), (&["content", "*"], BLOCK)],
            Self::ReadResourceResult => &[(&[], RESULT), (&["contents", "*"], CONTENTS)],
            Self::GetPromptResult => &[(&[], RESULT), (&["messages", "*", "content"], BLOCK)],
            Self::CompleteResult | Self::EmptyResult => &[(&[], RESULT)],
            Self::InitializeResult => {
                &[(&[], RESULT), (&["capabilities"], SERVER_CAPABILITIES), (&["serverInfo"], IMPLEMENTATION)]
            }
            Self::DiscoverResult => &[(&[], RESULT), (&["capabilities"], SERVER_CAPABILITIES)],
            Self::ListToolsResult => &[(&[], RESULT), (&["tools", "*"], TOOL)],
            Self::ListResourcesResult => &[(&[], RESULT), (&["resources", "*"], RESOURCE)],
            Self::ListResourceTemplatesResult => &[(&[], RESULT), (&["resourceTemplates", "*"], RESOURCE)],
            Self::ListPromptsResult => &[(&[], RESULT), (&["prompts", "*"], PROMPT)],
            Self::Implementation => &[(&[], IMPLEMENTATION)],
            Self::ServerCapabilities => &[(&[], SERVER_CAPABILITIES)],
            Self::ProgressParams => &[(&[], PROGRESS)],
            Self::ElicitFormParams => &[(&[], ELICIT_FORM)],
        }
    }

    pub(super) const ALL: [Self; 20] = [
        Self::Tool,
        Self::Resource,
        Self::ResourceTemplate,
        Self::Prompt,
        Self::ContentBlock,
        Self::CallToolResult,
        Self::ReadResourceResult,
        Self::GetPromptResult,
        Self::CompleteResult,
        Self::InitializeResult,
        Self::DiscoverResult,
        Self::ListToolsResult,
        Self::ListResourcesResult,
        Self::ListResourceTemplatesResult,
        Self::ListPromptsResult,
        Self::EmptyResult,
        Self::Implementation,
        Self::ServerCapabilities,
        Self::ProgressParams,
        Self::ElicitFormParams,
    ];
}

/// Every result (GW-8): what only the modern era says about results. The name of the server stands in the
/// handshake of older revisions.
const RESULT: &[Rule] = &[
    since(&["resultType"], R26),
    since(&["ttlMs"], R26),
    since(&["cacheScope"], R26),
    since(&["_meta", "io.modelcontextprotocol/serverInfo"], R26),
];

/// A tool definition (TOOL-2).
const TOOL: &[Rule] = &[
    since(&["title"], R06),
    since(&["icons"], R11),
    since(&["annotations"], R03),
    since(&["outputSchema"], R06),
    ask(&["outputSchema"], R26, drop_unless_object_schema),
    // Older schemas of the protocol want an object for every property; `true` and `false` are newer.
    ask(&["outputSchema", "properties", "*"], R26, boolean_schema_to_object),
    ask(&["inputSchema", "properties", "*"], R26, boolean_schema_to_object),
    only(&["execution"], R11),
    since(&["_meta"], R06),
];

/// A resource or resource template definition (RSC-2).
const RESOURCE: &[Rule] = &[
    since(&["title"], R06),
    since(&["icons"], R11),
    since(&["annotations", "lastModified"], R06),
    since(&["_meta"], R06),
];

/// A prompt definition (PR-1, PR-3).
const PROMPT: &[Rule] = &[
    since(&["title"], R06),
    since(&["icons"], R11),
    since(&["arguments", "*", "title"], R06),
    since(&["_meta"], R06),
];

/// The result of a tool call beside its content (TOOL-7): the text content says the same.
const CALL_TOOL: &[Rule] =
    &[since(&["structuredContent"], R06), ask(&["structuredContent"], R26, drop_unless_object)];

/// One content block (TOOL-6).
const BLOCK: &[Rule] = &[
    ask(&[], R03, block::without_audio_or_link),
    ask(&[], R06, block::without_link),
    since(&["annotations", "lastModified"], R06),
    since(&["icons"], R11),
    since(&["resource", "_meta"], R06),
    since(&["_meta"], R06),
];

/// The contents of a resource.
const CONTENTS: &[Rule] = &[since(&["_meta"], R06)];

/// The name and version of a program.
const IMPLEMENTATION: &[Rule] = &[
    since(&["title"], R06),
    since(&["description"], R11),
    since(&["websiteUrl"], R11),
    since(&["icons"], R11),
];

/// The capabilities of a server. `extensions` is of 2026-07-28, but clients of 2025-11-25 read it already.
const SERVER_CAPABILITIES: &[Rule] =
    &[since(&["completions"], R03), only(&["tasks"], R11), since(&["extensions"], R11)];

/// The parameters of `notifications/progress` (PRG-1).
const PROGRESS: &[Rule] = &[since(&["message"], R03)];

/// A form to be filled in (EL-2). Forms are of 2025-06-18; older clients are not asked.
const ELICIT_FORM: &[Rule] = &[
    since(&["mode"], R11),
    only(&["task"], R11),
    since(&["requestedSchema", "$schema"], R11),
    ask(&["requestedSchema", "properties", "*"], R11, form::to_2025_06_18),
];

fn drop_unless_object(raw: &str) -> Change {
    if raw.starts_with('{') { Change::Keep } else { Change::Remove }
}

/// Before 2026-07-28, the root of an output schema has `"type":"object"`.
fn drop_unless_object_schema(raw: &str) -> Change {
    let object = crate::rewrite::member(raw, "type")
        .ok()
        .flatten()
        .and_then(crate::rewrite::decode_string)
        .is_some_and(|kind| kind == "object");
    if object { Change::Keep } else { Change::Remove }
}

fn boolean_schema_to_object(raw: &str) -> Change {
    match raw {
        "true" => Change::Replace("{}".to_owned()),
        "false" => Change::Replace("{\"not\":{}}".to_owned()),
        _ => Change::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_leaves_some_revision_alone_and_not_all() {
        for shape in Shape::ALL {
            for (_, table) in shape.parts() {
                for rule in *table {
                    let (first, last) = rule.known;
                    assert!(
                        first <= last && (first, last) != (Revision::V2024_11_05, R26),
                        "{shape:?} {rule:?}"
                    );
                }
            }
        }
    }
}
