//! Finding out which era a server is of, and opening the connection (DET-1 to DET-6).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use latimer_protocol::{ErrorCode, RawJson, Revision};
use url::Url;

use crate::abilities::Abilities;
use crate::connection::Connection;
use crate::envelope::{self, Introduction};
use crate::error::{ClientError, Fault};
use crate::handshake::{self, Probed};
use crate::http::{self, Endpoint, LegacyHttp, ModernHttp, SseHttp};
use crate::info::ServerInfo;
use crate::notification::Notices;
use crate::options::{EraPreference, Options};
use crate::pending::Ticket;
use crate::stream::{Route, StreamConnection, WhenDropped};
use crate::target::Target;
use crate::token;

/// The question that every modern server answers and no legacy one understands. It does nothing, so that it does
/// no harm to servers that serve requests before `initialize` (DET-5).
const PROBE: &str = "server/discover";

/// An open connection.
pub(crate) struct Connected {
    pub(crate) connection: Connection,
    pub(crate) info: ServerInfo,
    /// What goes with every request to a modern server.
    pub(crate) introduction: Option<Introduction>,
}

/// What opening a connection needs besides the server.
pub(crate) struct Opening<'a> {
    pub(crate) options: &'a Options,
    pub(crate) notices: Arc<Notices>,
    pub(crate) ids: Arc<AtomicU64>,
}

impl Opening<'_> {
    pub(crate) async fn connect(&self, target: &Target) -> Result<Connected, ClientError> {
        match target {
            Target::Http(url) => self.http(url).await,
            Target::Stdio(command) => self.stream(Route::Process(command)).await,
            Target::Tcp(address) => self.stream(Route::Tcp(address)).await,
            Target::Unix(address) => self.stream(Route::Unix(address)).await,
        }
    }

    /// DET-2: a modern request first; what is no modern answer to it leads to `initialize`.
    async fn http(&self, url: &Url) -> Result<Connected, ClientError> {
        let endpoint = Arc::new(Endpoint::new(url, self.options)?);
        if let EraPreference::Legacy(revision) = self.options.era {
            return self.http_legacy(endpoint, revision).await;
        }
        let connection = ModernHttp::new(Arc::clone(&endpoint), Arc::clone(&self.notices));
        let mut introduction = self.introduction(Revision::LATEST_MODERN)?;
        let mut rejected = false;
        loop {
            let asked = introduction.revision();
            let answer = self.ask_over_http(&connection, &introduction).await;
            match handshake::judge(answer, asked) {
                Probed::Modern(info) => {
                    let connection = Connection::Modern(connection);
                    return Ok(Connected { connection, info, introduction: Some(introduction) });
                }
                Probed::Refuses(error) | Probed::Unknown(error) => return Err(error),
                Probed::Speaks(offered) => match self.choose(&offered)? {
                    modern if modern.is_modern() && !rejected => {
                        rejected = true;
                        introduction = introduction.at(modern);
                    }
                    modern if modern.is_modern() => {
                        return Err(handshake::no_mutual(&offered, Some(asked)));
                    }
                    legacy => return self.http_legacy(endpoint, legacy).await,
                },
                Probed::NotModern(source) => {
                    self.may_be_legacy(source)?;
                    return self.http_legacy(endpoint, Revision::LATEST_LEGACY).await;
                }
            }
        }
    }

    async fn ask_over_http(
        &self,
        connection: &ModernHttp,
        introduction: &Introduction,
    ) -> Result<RawJson, ClientError> {
        let id = self.next_id();
        let headers = http::standard(introduction.revision(), PROBE, "{}", &[])?;
        let body = envelope::request(id, PROBE, "{}", Some(introduction), false)?;
        let limit = self.options.timeouts.probe;
        match tokio::time::timeout(limit, connection.exchange(id, PROBE, headers, &body)).await {
            Ok(answer) => answer,
            Err(_) => Err(ClientError::timeout(PROBE, limit)),
        }
    }

    async fn http_legacy(
        &self,
        endpoint: Arc<Endpoint>,
        revision: Revision,
    ) -> Result<Connected, ClientError> {
        let open = async |revision| {
            let introduction = self.introduction(revision)?;
            let (notices, ids) = (Arc::clone(&self.notices), Arc::clone(&self.ids));
            let opened = LegacyHttp::open(Arc::clone(&endpoint), notices, introduction, ids);
            let limit = self.options.timeouts.request;
            match tokio::time::timeout(limit, opened).await {
                Ok(opened) => opened,
                Err(_) => Err(ClientError::timeout("initialize", limit)),
            }
        };
        let opened = match open(revision).await {
            Err(error) => match other_legacy(&error, revision) {
                Some(other) => open(other).await,
                None => Err(error),
            },
            opened => opened,
        };
        match opened {
            Ok((connection, info)) => {
                Ok(Connected { connection: Connection::Legacy(connection), info, introduction: None })
            }
            Err(error) if may_be_sse(&error) => self.http_sse(&endpoint, revision, error).await,
            Err(error) => Err(error),
        }
    }

    /// DET-3: what takes no POST may be a server of 2024-11-05. If it is not, the error of the POST stands.
    async fn http_sse(
        &self,
        endpoint: &Endpoint,
        revision: Revision,
        posted: ClientError,
    ) -> Result<Connected, ClientError> {
        tracing::debug!(answer = %posted, "not Streamable HTTP; trying HTTP+SSE");
        let introduction = self.introduction(revision)?;
        let opened = SseHttp::open(endpoint, Arc::clone(&self.notices), &introduction, &self.ids);
        let limit = self.options.timeouts.request;
        match tokio::time::timeout(limit, opened).await {
            Ok(Ok((connection, info))) => {
                Ok(Connected { connection: Connection::Sse(connection), info, introduction: None })
            }
            Ok(Err(error)) if error.http_status().is_some() || error.is_timeout() => {
                tracing::debug!(%error, "not HTTP+SSE either");
                Err(posted)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ClientError::timeout("initialize", limit)),
        }
    }

    /// DET-1: a modern request first; anything but a modern answer, silence included, leads to `initialize`.
    async fn stream(&self, route: Route<'_>) -> Result<Connected, ClientError> {
        let connection = self.open(route).await?;
        if let EraPreference::Legacy(revision) = self.options.era {
            return self.stream_legacy(connection, revision).await;
        }
        let mut introduction = self.introduction(Revision::LATEST_MODERN)?;
        let mut rejected = false;
        loop {
            let asked = introduction.revision();
            let limit = self.options.timeouts.probe;
            let (answer, late) = match self.ask_over_stream(&connection, &introduction).await {
                Ok(mut ticket) => match tokio::time::timeout(limit, ticket.wait()).await {
                    Ok(answer) => (answer, None),
                    Err(_) => (Err(ClientError::timeout(PROBE, limit)), Some(ticket)),
                },
                Err(error) => (Err(error), None),
            };
            let answer = match answer {
                // Some servers end when asked anything before `initialize`.
                Err(error) if error.is_closed() => {
                    self.may_be_legacy(error)?;
                    return self.stream_legacy(self.open(route).await?, Revision::LATEST_LEGACY).await;
                }
                answer => answer,
            };
            match handshake::judge(answer, asked) {
                Probed::Modern(info) => return Ok(stream_modern(connection, info, introduction)),
                Probed::Refuses(error) | Probed::Unknown(error) => return Err(error),
                Probed::Speaks(offered) => match self.choose(&offered)? {
                    modern if modern.is_modern() && !rejected => {
                        rejected = true;
                        introduction = introduction.at(modern);
                    }
                    modern if modern.is_modern() => {
                        return Err(handshake::no_mutual(&offered, Some(asked)));
                    }
                    legacy => return self.stream_legacy(connection, legacy).await,
                },
                Probed::NotModern(source) => {
                    self.may_be_legacy(source)?;
                    return self.stream_after_probe(route, connection, introduction, late).await;
                }
            }
        }
    }

    async fn ask_over_stream(
        &self,
        connection: &StreamConnection,
        introduction: &Introduction,
    ) -> Result<Ticket, ClientError> {
        let id = self.next_id();
        let body = envelope::request(id, PROBE, "{}", Some(introduction), false)?;
        connection.send(id, PROBE, &body).await
    }

    /// `initialize` after a probe without a modern answer. A modern server that was merely slow to start
    /// answers the probe first, and is then taken for what it is.
    async fn stream_after_probe(
        &self,
        route: Route<'_>,
        connection: StreamConnection,
        introduction: Introduction,
        mut late: Option<Ticket>,
    ) -> Result<Connected, ClientError> {
        let answered = {
            let mut opened = std::pin::pin!(self.initialize(&connection, Revision::LATEST_LEGACY));
            loop {
                let answer = tokio::select! {
                    biased;
                    answer = wait(&mut late) => answer,
                    opened = &mut opened => break Ok(opened),
                };
                late = None;
                if let Probed::Modern(info) = handshake::judge(answer, introduction.revision()) {
                    break Err(info);
                }
            }
        };
        match answered {
            Err(info) => Ok(stream_modern(connection, info, introduction)),
            Ok(Ok(info)) => {
                Ok(Connected { connection: Connection::Stream(connection), info, introduction: None })
            }
            // The probe may have been too much for it, only later.
            Ok(Err(error)) if error.is_closed() => {
                self.stream_legacy(self.open(route).await?, Revision::LATEST_LEGACY).await
            }
            Ok(Err(error)) => Err(error),
        }
    }

    async fn stream_legacy(
        &self,
        connection: StreamConnection,
        revision: Revision,
    ) -> Result<Connected, ClientError> {
        let info = self.initialize(&connection, revision).await?;
        Ok(Connected { connection: Connection::Stream(connection), info, introduction: None })
    }

    /// Opens with `initialize` (VER-L1). A server that refuses the revision and names others is asked once more.
    async fn initialize(
        &self,
        connection: &StreamConnection,
        revision: Revision,
    ) -> Result<ServerInfo, ClientError> {
        let ask = async |revision| {
            let id = self.next_id();
            let introduction = self.introduction(revision)?;
            let params = introduction.initialize();
            let params = String::from_utf8_lossy(&params);
            let body = envelope::request(id, "initialize", &params, None, false)?;
            let limit = self.options.timeouts.request;
            let answer = connection.exchange(id, "initialize", &body, WhenDropped::Forget);
            match tokio::time::timeout(limit, answer).await {
                Ok(answer) => handshake::initialized(&answer?, revision),
                Err(_) => Err(ClientError::timeout("initialize", limit)),
            }
        };
        let info = match ask(revision).await {
            Err(error) => match other_legacy(&error, revision) {
                Some(other) => ask(other).await,
                None => Err(error),
            },
            info => info,
        }?;
        connection.write(&envelope::notification("notifications/initialized", None)).await?;
        Ok(info)
    }

    /// An open stream, on which nothing has been said yet but the token, where there is one and a place for it.
    async fn open(&self, route: Route<'_>) -> Result<StreamConnection, ClientError> {
        let connection = StreamConnection::open(route, Arc::clone(&self.notices), self.options).await?;
        if let Some(authorization) = &self.options.authorization {
            token::show(&connection, route, &**authorization, self.next_id(), self.options).await?;
        }
        Ok(connection)
    }

    fn introduction(&self, revision: Revision) -> Result<Introduction, ClientError> {
        let Options { client_info, log_level, .. } = self.options;
        Introduction::new(revision, client_info, *log_level, Abilities::of(self.options))
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// The revision to speak with a server that named those it speaks.
    fn choose(&self, offered: &[String]) -> Result<Revision, ClientError> {
        let modern_only = self.options.era == EraPreference::Modern;
        let wanted = modern_only.then_some(Revision::LATEST_MODERN);
        handshake::mutual(offered, |revision| !modern_only || revision.is_modern())
            .ok_or_else(|| handshake::no_mutual(offered, wanted))
    }

    /// Whether `initialize` may follow an answer that is not modern.
    fn may_be_legacy(&self, source: ClientError) -> Result<(), ClientError> {
        if self.options.era == EraPreference::Modern {
            return Err(Fault::NotModern { source }.into());
        }
        tracing::debug!(answer = %source, "not a modern server; trying initialize");
        Ok(())
    }
}

fn stream_modern(connection: StreamConnection, info: ServerInfo, introduction: Introduction) -> Connected {
    connection.set_modern();
    Connected { connection: Connection::Stream(connection), info, introduction: Some(introduction) }
}

/// The revision to ask for instead of `refused`, if the server named one that it would speak (ERR-2).
fn other_legacy(error: &ClientError, refused: Revision) -> Option<Revision> {
    let offered = handshake::unsupported_version(error.rpc()?)?;
    handshake::mutual(&offered, |revision| !revision.is_modern()).filter(|other| *other != refused)
}

/// Whether an answer to `initialize` is one that a server of 2024-11-05 may give to a POST at its stream's address.
fn may_be_sse(error: &ClientError) -> bool {
    // An error of JSON-RPC that only newer servers have is no such answer (DET-3).
    let is_modern = error.rpc().is_some_and(|rpc| {
        matches!(
            rpc.code,
            ErrorCode::HEADER_MISMATCH
                | ErrorCode::MISSING_CLIENT_CAPABILITY
                | ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
        )
    });
    !is_modern && matches!(error.http_status(), Some(400 | 404 | 405))
}

async fn wait(ticket: &mut Option<Ticket>) -> Result<RawJson, ClientError> {
    match ticket {
        Some(ticket) => ticket.wait().await,
        None => std::future::pending().await,
    }
}
