//! Where the eras meet on a byte stream: each request says which it belongs to (DUAL-4).

use bytestring::ByteString;
use latimer_core::Client;
use latimer_core::engine::{self, Caller, Reply};
use latimer_core::era::legacy::{self, Initialize};
use latimer_core::era::modern;
use latimer_core::session::DEFAULT_LOG_LEVEL;
use latimer_protocol::frame::Request;
use latimer_protocol::wire::LogLevel;
use latimer_protocol::{Method, Revision, RpcError};

use super::connection::Connection;
use super::news::News;

/// What is known of how a connection speaks.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    /// What `initialize` settled, if it was sent.
    settled: Option<Settled>,
    /// Whether any message was one of MCP.
    spoke_mcp: bool,
}

#[derive(Debug)]
struct Settled {
    revision: Revision,
    client: Client,
    log_level: LogLevel,
    /// From when the client is ready for it (VER-L3).
    news: Option<News>,
}

/// A request that may go on.
pub(super) enum Admitted {
    /// It is answered already.
    Reply(Reply),
    /// It is a call.
    Call(Box<engine::Request>),
}

/// A request that may not, and the revision in whose form it is told so.
pub(super) struct Refused {
    pub(super) error: RpcError,
    pub(super) revision: Revision,
}

impl Handshake {
    /// The revision in whose form a message is answered that could not be read.
    pub(super) fn revision(&self) -> Revision {
        self.settled.as_ref().map_or(Revision::LATEST_LEGACY, |settled| settled.revision)
    }

    /// Whether the connection is one of MCP: bare methods are over then.
    pub(super) fn spoke_mcp(&self) -> bool {
        self.spoke_mcp
    }

    /// Takes the connection for one of MCP.
    pub(super) fn speak_mcp(&mut self) {
        self.spoke_mcp = true;
    }

    /// Tells the client what changes, from now on.
    pub(super) fn listen(&mut self, connection: &Connection) {
        if let Some(settled) = &mut self.settled {
            settled.news.get_or_insert_with(|| News::begin(connection));
        }
    }

    /// Tells the client nothing more of what changes.
    pub(super) fn mute(&mut self) {
        if let Some(settled) = &mut self.settled {
            settled.news = None;
        }
    }
}

/// Finds the era of a request and what it means there.
pub(super) fn admit(
    connection: &Connection,
    request: Request<'_>,
    text: &ByteString,
    handshake: &mut Handshake,
) -> Result<Admitted, Refused> {
    // A method that only the modern era has is modern even where it forgot to say so: it is told what is missing.
    let only_modern = Method::named(&request.method).is_some_and(|method| method.since.is_modern());
    if modern::is_declared(&request.params.meta) || only_modern {
        return of_modern(connection, request, text)
            .map_err(|error| Refused { error, revision: Revision::LATEST_MODERN });
    }
    let revision = handshake.revision();
    of_legacy(connection, request, text, handshake).map_err(|error| Refused { error, revision })
}

fn of_modern(connection: &Connection, request: Request<'_>, text: &ByteString) -> Result<Admitted, RpcError> {
    let version = modern::declared_version(&request.params.meta)?;
    let revision = modern::served(&version)?;
    let method = connection.engine.method(&request.method, revision)?;
    let params = request.params.detach(text);
    let (client, log_level) = modern::client(&params.meta)?;
    let caller = caller(connection, revision, client, log_level);
    Ok(Admitted::Call(Box::new(engine::Request { id: request.id.to_owned(), method, params, caller })))
}

fn of_legacy(
    connection: &Connection,
    request: Request<'_>,
    text: &ByteString,
    handshake: &mut Handshake,
) -> Result<Admitted, RpcError> {
    let id = request.id.to_owned();
    let params = request.params.detach(text);
    if request.method == "initialize" {
        let wish = Initialize::read(&params)?;
        let reply = connection.engine.initialize(&id, wish.revision, &connection.principal)?;
        handshake.settled = Some(Settled {
            revision: wish.revision,
            client: wish.client,
            log_level: DEFAULT_LOG_LEVEL,
            news: None,
        });
        return Ok(Admitted::Reply(reply));
    }
    let Some(settled) = &mut handshake.settled else {
        // Before the handshake only pings are answered (VER-L3).
        return match request.method.as_ref() {
            "ping" => Ok(Admitted::Reply(Reply::empty(&id, Revision::LATEST_LEGACY))),
            _ => Err(RpcError::invalid_request(
                "send \"initialize\" first, or describe the request in \"_meta\" as 2026-07-28 wants it",
            )),
        };
    };
    let method = connection.engine.method(&request.method, settled.revision)?;
    if method.name != "ping" {
        // Clients that ask are ready, even if they do not say so first.
        settled.news.get_or_insert_with(|| News::begin(connection));
    }
    if let (Some(news), "resources/subscribe" | "resources/unsubscribe") = (&mut settled.news, method.name) {
        news.change(connection, method.name, &params, settled.revision)?;
        return Ok(Admitted::Reply(Reply::empty(&id, settled.revision)));
    }
    if method.name == "logging/setLevel" {
        settled.log_level = legacy::set_level(&params)?;
        return Ok(Admitted::Reply(Reply::empty(&id, settled.revision)));
    }
    let caller = caller(connection, settled.revision, settled.client.clone(), Some(settled.log_level));
    Ok(Admitted::Call(Box::new(engine::Request { id, method, params, caller })))
}

fn caller(
    connection: &Connection,
    revision: Revision,
    client: Client,
    log_level: Option<LogLevel>,
) -> Caller {
    Caller {
        revision,
        principal: connection.principal.clone(),
        peer: connection.peer,
        session: None,
        scope: Some(connection.scope.clone()),
        client,
        log_level,
        trace: None,
    }
}
