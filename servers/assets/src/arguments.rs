//! The arguments of a call, which the tools check themselves: what is wrong with them is told like what is wrong with a
//! document.

use std::borrow::Cow;

use latimer_protocol::tape::Node;

use crate::document::quoted;
use crate::reply::{Failure, Problem, Problems};

/// The arguments of a call, an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments<'a>(Node<'a>);

impl<'a> Arguments<'a> {
    /// # Errors
    /// When there is one that the tool does not take.
    pub(crate) fn new(root: Node<'a>, known: &[&str]) -> Result<Self, Failure> {
        let members = root.members().into_iter().flatten();
        let unknown = members.map(|(name, _)| name.decode()).filter(|name| !known.contains(&&**name));
        let mut problems: Vec<_> = unknown
            .map(|name| Problem {
                path: format!("/{}", escaped(&name)),
                schema_path: None,
                msg: match known {
                    [] => "unknown argument; there are none".to_owned(),
                    known => format!("unknown argument; there are {}", known.join(", ")),
                },
            })
            .collect();
        if problems.is_empty() {
            return Ok(Self(root));
        }
        problems.sort_unstable();
        Err(Failure::Invalid(Problems { list: problems, ..Problems::default() }))
    }

    /// An argument; null is none.
    pub(crate) fn get(self, name: &str) -> Option<Node<'a>> {
        self.given(name).filter(|value| !value.is_null())
    }

    /// An argument, be it null.
    pub(crate) fn given(self, name: &str) -> Option<Node<'a>> {
        self.0.get(name)
    }

    /// Text that may be left out.
    pub(crate) fn text(self, name: &str) -> Result<Option<Cow<'a, str>>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || Failure::at(format!("/{name}"), format!("{name} must be a string"));
        value.as_str().map(Some).ok_or_else(wrong)
    }

    /// A boolean that may be left out. Text such as "false" is none.
    pub(crate) fn switch(self, name: &str) -> Result<Option<bool>, Failure> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let wrong = || Failure::at(format!("/{name}"), format!("{name} must be true or false"));
        value.as_bool().map(Some).ok_or_else(wrong)
    }
}

/// A name as a segment of a JSON Pointer.
pub(crate) fn escaped(name: &str) -> Cow<'_, str> {
    if name.contains(['~', '/']) { name.replace('~', "~0").replace('/', "~1").into() } else { name.into() }
}

/// What a caller said, for a message: the beginning of it, in quotes.
pub(crate) fn shown(text: &str) -> String {
    const MOST: usize = 100;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => quoted(&format!("{}…", &text[..end])),
        None => quoted(text),
    }
}
