//! Saying who one is on a connection that shows nothing of it: the first message is `auth` with a token.

use std::pin::Pin;
use std::time::Duration;

use bytestring::ByteString;
use latimer_core::identify::{Credentials, Unidentified};
use latimer_protocol::codec::line::LineEvent;
use latimer_protocol::frame::{Request, string};
use latimer_protocol::{Frame, Message, RequestId, Revision, RpcError, rewrite};
use tokio::time::Sleep;

use latimer_core::engine::Reply;

use super::connection::Connection;

/// How long a connection may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a message from whoever has not said who they are.
const MESSAGE_BYTES: usize = 16 << 10;

/// Stands before the first message of a connection.
pub(super) struct Gate {
    is_open: bool,
    /// Until when it has to be passed; `None` where it can be passed by.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What the first message came to.
pub(super) enum Passage {
    /// It said who its sender is.
    Said,
    /// It is another one, and may be.
    Unsaid(LineEvent),
    /// Its sender may not go on.
    Refused,
}

impl Gate {
    pub(super) fn new(must_identify: bool) -> Self {
        let deadline = must_identify.then(|| Box::pin(tokio::time::sleep(PATIENCE)));
        Self { is_open: false, deadline }
    }

    /// Whether the first message has passed.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// How large messages may be before it is passed, where that is less than usual.
    pub(super) fn message_bytes(&self) -> Option<usize> {
        self.deadline.is_some().then_some(MESSAGE_BYTES)
    }

    /// Ends when it took too long.
    pub(super) async fn impatient(&mut self) {
        match &mut self.deadline {
            Some(deadline) => deadline.as_mut().await,
            None => std::future::pending().await,
        }
    }

    /// Tells the client that it took too long.
    pub(super) fn late(&self, connection: &Connection) {
        let error = RpcError::invalid_request(format!(
            "nobody said who this is within {} seconds; {HOW}",
            PATIENCE.as_secs()
        ));
        connection.refuse(None, &error, Revision::LATEST_LEGACY);
    }

    /// Takes the first message.
    pub(super) async fn pass(&mut self, connection: &mut Connection, event: LineEvent) -> Passage {
        let refused = match self.attempt(connection, &event).await {
            Attempt::Passed(id) => {
                self.open();
                connection.reply(Reply::empty(&id, Revision::LATEST_LEGACY));
                return Passage::Said;
            }
            Attempt::Other(_) if self.deadline.is_none() => {
                self.open();
                return Passage::Unsaid(event);
            }
            Attempt::Other(id) => {
                (id, RpcError::invalid_request(format!("the server wants to know who this is; {HOW}")))
            }
            Attempt::Failed(id, error) => (Some(id), error),
        };
        let (id, error) = refused;
        connection.refuse(id.as_ref(), &error, Revision::LATEST_LEGACY);
        Passage::Refused
    }

    fn open(&mut self) {
        self.is_open = true;
        self.deadline = None;
    }

    async fn attempt(&self, connection: &mut Connection, event: &LineEvent) -> Attempt {
        let LineEvent::Line(line) = event else { return Attempt::Other(None) };
        let Ok(text) = ByteString::try_from(line.clone()) else { return Attempt::Other(None) };
        let request = match Frame::decode(&text, &connection.engine.limits().json) {
            Ok(Frame::Message(Message::Request(request))) => request,
            Err(error) => return Attempt::Other(error.id),
            Ok(_) => return Attempt::Other(None),
        };
        let id = request.id.to_owned();
        if request.method != "auth" {
            return Attempt::Other(Some(id));
        }
        let Some(token) = token(&request) else {
            return Attempt::Failed(id, RpcError::invalid_params(format!("params.token is missing; {HOW}")));
        };
        let authorization = format!("Bearer {token}");
        let credentials = Credentials { authorization: Some(&authorization) };
        match connection.engine.identify().identify(credentials).await {
            // Where nobody is known by a token, whoever is known otherwise stays who they are.
            Ok(principal) if principal.is_anonymous() => Attempt::Passed(id),
            Ok(principal) => {
                connection.principal = principal;
                Attempt::Passed(id)
            }
            Err(Unidentified::Missing | Unidentified::Invalid) => {
                Attempt::Failed(id, RpcError::invalid_request(format!("the token is not valid; {HOW}")))
            }
        }
    }
}

enum Attempt {
    Passed(RequestId),
    Failed(RequestId, RpcError),
    Other(Option<RequestId>),
}

const HOW: &str = "send {\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"auth\",\"params\":{\"token\":\"…\"}} first, \
                   with a token of this server";

fn token(request: &Request<'_>) -> Option<String> {
    let token = rewrite::member(request.params.raw?, "token").ok().flatten().and_then(string)?;
    (!token.is_empty()).then(|| token.into_owned())
}
