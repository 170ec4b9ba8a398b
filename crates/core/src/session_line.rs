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
