//! Results of the four list methods, from items that were rendered before.

use super::body::ResultBody;
use super::object::ObjectWriter;
use super::rules::Shape;
use crate::raw::RawJson;
use crate::revision::Revision;

/// Which list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ListKind {
    /// `tools/list`
    Tools,
    /// `resources/list`
    Resources,
    /// `resources/templates/list`
    ResourceTemplates,
    /// `prompts/list`
    Prompts,
}

impl ListKind {
    /// The member that holds the list.
    pub const fn member(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Resources => "resources",
            Self::ResourceTemplates => "resourceTemplates",
            Self::Prompts => "prompts",
        }
    }

    /// The shape of one item.
    pub const fn item(self) -> Shape {
        match self {
            Self::Tools => Shape::Tool,
            Self::Resources => Shape::Resource,
            Self::ResourceTemplates => Shape::ResourceTemplate,
            Self::Prompts => Shape::Prompt,
        }
    }

    /// The shape of the whole result.
    pub const fn result(self) -> Shape {
        match self {
            Self::Tools => Shape::ListToolsResult,
            Self::Resources => Shape::ListResourcesResult,
            Self::ResourceTemplates => Shape::ListResourceTemplatesResult,
            Self::Prompts => Shape::ListPromptsResult,
        }
    }
}

/// One page of a list. The items are JSON as the caller's revision knows it: no rule looks at them again.
#[derive(Debug, Clone)]
pub struct ListResult<'a, I> {
    /// Which list it is.
    pub kind: ListKind,
    /// The items' JSON, each through [`downlevel`](super::downlevel) already.
    pub items: I,
    /// Where the next page begins, if there is one (PAG-1).
    pub next_cursor: Option<&'a str>,
}

impl<I> ResultBody for ListResult<'_, I>
where
    I: IntoIterator + Clone,
    I::Item: AsRef<[u8]>,
{
    fn shape(&self) -> Shape {
        self.kind.result()
    }

    fn needs(&self) -> Revision {
        Revision::V2024_11_05
    }

    fn meta(&self) -> Option<&RawJson> {
        None
    }

    fn write_members(&self, object: &mut ObjectWriter<'_>) {
        object
            .array(self.kind.member(), self.items.clone(), |item, out| out.extend_from_slice(item.as_ref()))
            .optional_string("nextCursor", self.next_cursor);
    }
}
