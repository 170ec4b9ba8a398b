//! What servers are made of.

use std::fmt;
use std::sync::Arc;

use latimer_core::local::{EntryHandler, EntryKind, LocalEntry};
use latimer_core::states::States;
use latimer_core::{Call, CallError, Operation};

use crate::error::Fault;
use crate::state::{Binder, MissingState};
use crate::{Prompt, Resource, Tool};

/// A tool, a resource or a prompt.
#[derive(Debug)]
#[non_exhaustive]
pub enum Part {
    /// A tool.
    Tool(Tool),
    /// A resource or a resource template.
    Resource(Resource),
    /// A prompt.
    Prompt(Prompt),
}

/// A struct whose methods are tools, resources and prompts: what `#[latimer::tools]` makes of its `impl`
/// block and [`Server::add`](crate::Server::add) takes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no tools, resources or prompts",
    note = "put `#[latimer::tools]` on an `impl {Self}` block and `#[tool]`, `#[resource]` or `#[prompt]` on its methods"
)]
pub trait Parts: Send + Sync + 'static {
    /// One part for each marked method; they share `self`.
    fn parts(self: Arc<Self>) -> Vec<Part>;
}

/// Makes the handler of a part from the states that it needs.
pub(crate) type Bind = Box<dyn FnOnce(&Binder<'_>) -> Result<EntryHandler, MissingState> + Send>;

impl Part {
    /// What the source of the server keeps.
    pub(crate) fn bind(self, states: &States) -> Result<LocalEntry, Fault> {
        let binder = Binder(states);
        match self {
            Self::Tool(tool) => tool.bind(&binder),
            Self::Resource(resource) => resource.bind(&binder),
            Self::Prompt(prompt) => prompt.bind(&binder),
        }
    }
}

impl From<Tool> for Part {
    fn from(tool: Tool) -> Self {
        Self::Tool(tool)
    }
}

impl From<Resource> for Part {
    fn from(resource: Resource) -> Self {
        Self::Resource(resource)
    }
}

impl From<Prompt> for Part {
    fn from(prompt: Prompt) -> Self {
        Self::Prompt(prompt)
    }
}

/// How something is a tool, a resource or a prompt: as a value of that type.
#[doc(hidden)]
#[derive(Debug)]
pub enum Itself {}

/// As what an attribute makes of a function.
#[doc(hidden)]
#[derive(Debug)]
pub enum Marked {}

/// In no way.
#[doc(hidden)]
#[derive(Debug)]
pub enum Neither {}

/// What nothing is. With a second way in which a function might be a tool, the compiler tells of a function
/// without `#[tool]` that it is none, instead of how it differs from what `#[tool]` makes.
#[doc(hidden)]
pub trait Nothing {
    /// Anything.
    fn nothing<T>(self) -> T;
}

/// How messages call an entry.
pub(crate) struct Shown<'a>(pub(crate) EntryKind, pub(crate) &'a str);

impl Shown<'_> {
    /// What to do about two entries of one kind and name.
    pub(crate) fn rename(kind: EntryKind) -> &'static str {
        match kind {
            EntryKind::Tool => "rename one of them, for example with #[tool(name = \"…\")]",
            EntryKind::Resource | EntryKind::Template => "give one of them another URI",
            EntryKind::Prompt => "rename one of them, for example with #[prompt(name = \"…\")]",
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.0 {
            EntryKind::Tool => "tool",
            EntryKind::Resource => "resource",
            EntryKind::Template => "resource template",
            EntryKind::Prompt => "prompt",
        };
        write!(f, "{kind} \"{}\"", self.1)
    }
}

/// A call was handed to a handler of another kind of entry.
pub(crate) fn misdirected(call: &Call) -> CallError {
    #[derive(Debug, thiserror::Error)]
    #[error("the call of \"{0}\" reached a handler of another kind")]
    struct Misdirected(String);
    CallError::Internal(Box::new(Misdirected(Operation::target(&call.operation).to_owned())))
}
