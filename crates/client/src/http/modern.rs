//! Streamable HTTP of 2026-07-28: every request for itself.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use latimer_protocol::RawJson;

use super::answer::{self, Body};
use super::endpoint::Endpoint;
use crate::error::{ClientError, Fault};
use crate::inbound::Inbound;
use crate::notification::Notices;

/// A modern server.
pub(crate) struct ModernHttp {
    endpoint: Arc<Endpoint>,
    notices: Arc<Notices>,
}

impl ModernHttp {
    pub(crate) fn new(endpoint: Arc<Endpoint>, notices: Arc<Notices>) -> Self {
        Self { endpoint, notices }
    }

    /// Sends a request and waits for its answer. Dropping the future closes the stream, which cancels (H-9).
    pub(crate) async fn exchange(
        &self,
        id: u64,
        method: &str,
        headers: HeaderMap,
        body: &Bytes,
    ) -> Result<RawJson, ClientError> {
        let reply = self.endpoint.post(method, headers, body.clone()).await?;
        let status = reply.status;
        let Body::Stream(mut stream) = reply.body else {
            let refusal = reply.refusal();
            let messages = reply.messages(&self.endpoint.limits);
            // A page of an error is no MCP answer, whatever it holds.
            let messages = if status.is_success() { messages? } else { messages.unwrap_or_default() };
            return match self.settle(id, messages) {
                Some(response) => answer::outcome(method, status, response),
                None => Err(refusal),
            };
        };
        while let Some(text) = stream.next().await? {
            let messages = answer::messages(&text, &self.endpoint.limits)?;
            if let Some(response) = self.settle(id, messages) {
                stream.drain();
                return answer::outcome(method, status, response);
            }
        }
        // There is nothing to resume (H-8).
        let detail = "the stream ended before the answer".to_owned();
        Err(Fault::Lost { method: method.to_owned(), detail }.into())
    }

    /// Stands for the credentials of the next request.
    pub(crate) async fn principal(&self) -> Option<u64> {
        self.endpoint.principal().await
    }

    fn settle(&self, id: u64, messages: Vec<Inbound>) -> Option<crate::inbound::Response> {
        let mut found = None;
        for message in messages {
            match message {
                Inbound::Response(response) if response.answers(id) => found = Some(response),
                Inbound::Response(response) => {
                    tracing::warn!(id = ?response.id, "left out an answer to another request");
                }
                Inbound::Notification(notification) => self.notices.deliver(notification),
                Inbound::Request(request) => {
                    tracing::warn!(method = request.method, "left out a request of a modern server (H-7)");
                }
            }
        }
        found
    }
}
