//! Pages that users open outside their clients (EL-5): those without which a call cannot be done, and how a client
//! learns that one is done with.

use std::fmt;

use bytes::Bytes;
use latimer_protocol::encode::{write_notification, write_object};
use latimer_protocol::wire::{ElicitParams, ElicitUrl};
use latimer_protocol::{ErrorCode, RawJson, Revision, RpcError};

use super::error::AskError;
use super::live::Questions;
use super::question::Question;
use crate::error::{CallError, ToolError};
use crate::inflight::Scope;
use crate::random;

/// Pages that the user has to open before a call can be done: the error of a tool, prompt or resource (EL-5).
///
/// What its caller gets depends on what it understands:
///
/// - in 2026-07-28 it is asked to have the pages opened, and once the user has agreed, the handler is run again;
/// - in 2025-11-25 the request fails with -32042, and is sent again when the pages are done with;
/// - a client of an older revision, or of 2025-11-25 without the capability `elicitation.url`, gets the pages in the
///   text of the error; one of 2026-07-28 without it gets -32021.
///
/// That the user agreed does not mean that what happens on the page is done: the handler looks for itself, and returns
/// the same error again where it is not.
#[derive(Clone, PartialEq, Eq)]
pub struct UrlRequired(Vec<ElicitUrl>);

/// Names a page that a user was asked to open, so that its client can be told when it is done with; see
/// [`Context::ticket`](crate::Context::ticket).
#[derive(Clone, Debug)]
pub struct Ticket {
    pub(super) elicitation_id: String,
    /// Who asked for the page, where they know of such things.
    pub(super) client: Option<(Scope, Questions)>,
}

impl UrlRequired {
    /// One page. `url` must carry no credentials and let nobody in by itself (EL-7).
    pub fn new(message: impl Into<String>, url: impl Into<String>) -> Self {
        Self(Vec::with_capacity(1)).and(message, url)
    }

    /// One more page.
    #[must_use]
    pub fn and(mut self, message: impl Into<String>, url: impl Into<String>) -> Self {
        let elicitation_id = random::hex::<16>();
        self.0.push(ElicitUrl { message: message.into(), url: url.into(), elicitation_id });
        self
    }

    /// Gives the last page the name by which its client is told that it is done with.
    #[must_use]
    pub fn with_ticket(mut self, ticket: &Ticket) -> Self {
        if let Some(page) = self.0.last_mut() {
            page.elicitation_id.clone_from(&ticket.elicitation_id);
        }
        self
    }

    /// The questions that ask for the pages, in rounds.
    pub(crate) fn questions(&self) -> Vec<(String, Question)> {
        let pages = self.0.iter().enumerate();
        pages
            .map(|(at, page)| (format!("{KEY}{at}"), Question::Elicit(ElicitParams::Url(page.clone()))))
            .collect()
    }

    /// -32042, which only 2025-11-25 knows.
    pub(crate) fn to_rpc(&self) -> RpcError {
        let error = RpcError::new(ErrorCode::URL_ELICITATION_REQUIRED, self.to_string());
        let mut data = Vec::new();
        write_object(&mut data, |data| {
            data.array("elicitations", &self.0, |page, out| {
                write_object(out, |object| page.write_members(Revision::V2025_11_25, object));
            });
        });
        match RawJson::parse_bytes(data.into()) {
            Ok(data) => error.with_data(data),
            Err(_) => error,
        }
    }
}

/// What the keys of the questions begin with that come from [`UrlRequired`].
const KEY: &str = "latimer.page.";

/// Whether a question came from [`UrlRequired`] and not from the handler.
pub(crate) fn is_page(key: &str) -> bool {
    key.starts_with(KEY)
}

impl Ticket {
    /// Tells the client that the page is done with, so that it may go on by itself. Only sessions of 2025-11-25 know
    /// of that; for all others nothing happens. A hint: where the client listens nowhere, it is lost.
    pub async fn done(&self) {
        if let Some((scope, questions)) = &self.client
            && let Some(message) = self.message()
        {
            questions.notify(scope, message).await;
        }
    }

    fn message(&self) -> Option<Bytes> {
        let mut params = Vec::new();
        write_object(&mut params, |params| {
            params.string("elicitationId", &self.elicitation_id);
        });
        let mut out = Vec::new();
        let params = std::str::from_utf8(&params).ok();
        write_notification("notifications/elicitation/complete", params, &[], &mut out).ok()?;
        Some(out.into())
    }
}

impl fmt::Display for UrlRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the user has to open a page first, then call again")?;
        self.0.iter().try_for_each(|page| write!(f, "\n{}: {}", page.message, page.url))
    }
}

// As with `CallError`: people read it where `main` prints it.
impl fmt::Debug for UrlRequired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<UrlRequired> for AskError {
    fn from(pages: UrlRequired) -> Self {
        Self::UrlRequired(pages)
    }
}

// Not an error in the sense of `std`, so that `?` keeps what it means instead of hiding it under a reference.
impl From<UrlRequired> for ToolError {
    fn from(pages: UrlRequired) -> Self {
        AskError::from(pages).into()
    }
}

impl From<UrlRequired> for CallError {
    fn from(pages: UrlRequired) -> Self {
        AskError::from(pages).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn el_5_a_client_of_2025_11_25_gets_all_pages_with_their_names() {
        let ticket = Ticket { elicitation_id: "e2".to_owned(), client: None };
        let pages = UrlRequired::new("Sign in", "https://example.com/in")
            .and("Pay", "https://example.com/pay")
            .with_ticket(&ticket);
        let error = pages.to_rpc();
        assert_eq!(error.code.0, -32042);
        let data = error.data.unwrap();
        let first = &pages.0[0].elicitation_id;
        assert_eq!(
            data.as_str(),
            format!(
                r#"{{"elicitations":[{{"mode":"url","message":"Sign in","url":"https://example.com/in","elicitationId":"{first}"}},{{"mode":"url","message":"Pay","url":"https://example.com/pay","elicitationId":"e2"}}]}}"#
            )
        );
        assert_eq!(
            ticket.message().unwrap(),
            r#"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e2"}}"#
        );
    }
}
