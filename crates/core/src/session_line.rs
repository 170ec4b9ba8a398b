//! What a session is told outside its calls, at the wish of a handler.

use std::fmt;

use bytes::Bytes;
use latimer_protocol::RawJson;
use latimer_protocol::encode::write_notification;
use latimer_protocol::wire::{LogLevel, LogParams};
use serde::Serialize;

use crate::ask::Questions;
use crate::context::{self, Context};
use crate::inflight::Scope;
use crate::log_limit;
use crate::principal::Principal;
use crate::subscription;

/// The line to a session of an older revision, or to a connection that is one: it outlives the call that it was taken
/// from. Everything said on it is a hint, lost where the client listens nowhere.
///
/// 2026-07-28 has no such thing: what a client hears there belongs to one of its requests (LOG-3).
#[derive(Clone)]
pub struct SessionLine {
    scope: Scope,
    questions: Questions,
    principal: Principal,
    /// The least level that the client wanted to hear of when the line was taken.
    level: Option<LogLevel>,
}

impl Context {
    /// The line to the session of the call, for what is said after the call. `None` where there is no session.
    pub fn session_line(&self) -> Option<SessionLine> {
        let (scope, questions) = self.asking().client()?;
        let principal = self.principal().clone();
        Some(SessionLine { scope, questions, principal, level: self.log_level() })
    }
}

impl SessionLine {
    /// Names the session or connection; no two that are open have one name.
    pub fn name(&self) -> String {
        match &self.scope {
            Scope::Session(session) => subscription::line(session),
            Scope::Connection(_) => format!("{:?}", self.scope),
        }
    }

    /// Whether the session still is there. Asking does not keep it alive.
    pub async fn is_open(&self) -> bool {
        self.level_now().await.is_ok()
    }

    /// Sends a log message, if the session wants messages of this level (LOG-2). A connection that is no session over
    /// HTTP gets the level that it wanted when the line was taken. What is too long is cut.
    pub async fn log(&self, level: LogLevel, logger: Option<&str>, data: &(impl Serialize + ?Sized)) {
        let wanted = self.level_now().await.ok().flatten();
        if wanted.is_none_or(|least| level < least) {
            return;
        }
        let Ok(data) = RawJson::from_serialize(data) else { return };
        let most = self.questions.limits().log_bytes;
        let logger = logger.map(|name| log_limit::beginning(name, most).to_owned());
        let params = LogParams { level, logger, data: log_limit::cut(data, most) };
        let message = context::notification("notifications/message", |out| params.write(out));
        self.questions.notify(&self.scope, message).await;
    }

    /// Sends a notification of any method; `params` is an object.
    pub async fn notify(&self, method: &str, params: &(impl Serialize + ?Sized)) {
        let Ok(params) = RawJson::from_serialize(params) else { return };
        let mut out = Vec::new();
        match write_notification(method, Some(params.as_str()), &[], &mut out) {
            Ok(()) => self.questions.notify(&self.scope, Bytes::from(out)).await,
            Err(error) => tracing::warn!(%error, method, "a notification could not be written"),
        }
    }

    /// Tells the session that every resource that it subscribed to has other contents, and tells nobody else. Where its
    /// stream is on another process, it hears nothing.
    pub fn updated(&self) {
        self.questions.changes().updated_in_line(&self.name());
    }

    /// The least level that the session wants to hear of.
    async fn level_now(&self) -> Result<Option<LogLevel>, Gone> {
        match &self.scope {
            Scope::Session(id) => {
                let session = self.questions.sessions().peek(id, &self.principal).await;
                session.map(|session| Some(session.log_level)).map_err(|_| Gone)
            }
            Scope::Connection(_) => {
                let is_there = self.questions.changes().has_line(&self.name());
                is_there.then_some(self.level).ok_or(Gone)
            }
        }
    }
}

/// The session is no longer there.
struct Gone;

impl fmt::Debug for SessionLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionLine").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Poll;

    use latimer_protocol::wire::{CallToolResult, Tool};
    use latimer_protocol::{Frame, Message, Revision};
    use latimer_store::Signal;
    use parking_lot::Mutex;

    use super::*;
    use crate::call::Answer;
    use crate::context::Client;
    use crate::engine::{Caller, Engine, Request};
    use crate::local::{LocalEntry, LocalSource};
    use crate::principal::Peer;
    use crate::session::Session;

    /// An engine with a tool that keeps the lines of its callers.
    async fn engine() -> (Engine, Arc<Mutex<Vec<Option<SessionLine>>>>) {
        let (engine, lines) = (Engine::builder().build(), Arc::<Mutex<Vec<_>>>::default());
        let source = LocalSource::new("source");
        let tool = Tool::new("keeps", RawJson::parse(r#"{"type":"object"}"#).unwrap());
        let kept = lines.clone();
        let keeps = Arc::new(move |call: crate::Call| {
            kept.lock().push(call.context.session_line());
            Box::pin(async { Ok(Answer::Tool(CallToolResult::text("kept"))) }) as crate::BoxFuture<'static, _>
        });
        source.insert(LocalEntry::tool(&tool, keeps).unwrap()).unwrap();
        engine.catalog().load(Arc::new(source)).await.unwrap();
        (engine, lines)
    }

    async fn call(engine: &Engine, revision: Revision, session: Option<&Session>) {
        let meta = format!(
            r#""_meta":{{"io.modelcontextprotocol/protocolVersion":"{revision}","io.modelcontextprotocol/clientCapabilities":{{}}}},"#
        );
        let meta = if revision.is_modern() { meta.as_str() } else { "" };
        let text = format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{{meta}"name":"keeps","arguments":{{}}}}}}"#
        );
        let text = bytestring::ByteString::from(text);
        let frame = Frame::decode(&text, &engine.limits().json).unwrap();
        let Frame::Message(Message::Request(request)) = frame else { panic!("no request") };
        let caller = Caller {
            revision,
            principal: Principal::anonymous(),
            peer: Peer::Local,
            session: session.map(|session| session.id.clone()),
            scope: session.map(|session| Scope::Session(session.id.clone())),
            client: Client::default(),
            log_level: None,
            trace: None,
        };
        let method = engine.method(&request.method, revision).unwrap();
        let params = request.params.detach(&text);
        let id = latimer_protocol::RequestId::from(1_u64);
        engine.begin(Request { id, method, params, caller }).await.unwrap();
    }

    #[tokio::test]
    async fn log_2_what_is_said_later_reaches_the_session_as_it_wants_it() {
        let (engine, lines) = engine().await;
        let nobody = Principal::anonymous();
        let sessions = engine.sessions();
        let open = || sessions.open(&nobody, Peer::Local, Revision::V2025_11_25, Client::default());
        let (session, other) = (open().await.unwrap(), open().await.unwrap());
        let mut heard = engine.notices(&session.id).await.unwrap();
        let mut elsewhere = engine.notices(&other.id).await.unwrap();
        call(&engine, Revision::V2025_11_25, Some(&session)).await;
        let line = lines.lock().pop().flatten().unwrap();

        sessions.set_log_level(&session, &nobody, LogLevel::Error).await.unwrap();
        line.log(LogLevel::Info, None, "too little").await;
        line.log(LogLevel::Error, Some("x"), "enough").await;
        line.notify("notifications/stderr", &serde_json::json!({ "content": "a line" })).await;
        for expected in [
            r#"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"error","logger":"x","data":"enough"}}"#,
            r#"{"jsonrpc":"2.0","method":"notifications/stderr","params":{"content":"a line"}}"#,
        ] {
            let Some(Signal::Message(message)) = heard.recv().await else { panic!("nothing was heard") };
            assert_eq!(message, expected);
        }
        let nothing = std::pin::pin!(elsewhere.recv());
        assert!(matches!(futures_util::poll!(nothing), Poll::Pending));

        assert!(line.is_open().await);
        sessions.close(&session.id, &nobody).await.unwrap();
        assert!(!line.is_open().await);
        line.log(LogLevel::Emergency, None, "to nobody").await;
        let nothing = std::pin::pin!(heard.recv());
        assert!(matches!(futures_util::poll!(nothing), Poll::Pending));
    }

    #[tokio::test]
    async fn log_3_there_is_no_line_in_2026_07_28() {
        let (engine, lines) = engine().await;
        call(&engine, Revision::LATEST_MODERN, None).await;
        assert!(lines.lock().pop().unwrap().is_none());
    }
}
