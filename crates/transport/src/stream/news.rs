//! What a connection of the older revisions is told of changes, between the answers to its calls (RSC-5, TOOL-10).

use std::collections::HashSet;

use latimer_core::engine::Hearing;
use latimer_core::subscription::MOST_URI_BYTES;
use latimer_protocol::{OwnedParams, Revision, RpcError};
use tokio::task::AbortHandle;

use super::connection::Connection;

/// The news of a connection, which is a session by itself. Dropping it ends them.
#[derive(Debug)]
pub(super) struct News {
    /// Its name among those who listen.
    line: String,
    watched: HashSet<String>,
    /// What is said to it outside its calls, besides changes.
    _hearing: Hearing,
    task: AbortHandle,
}

impl News {
    /// Tells what changes from now on. While the reader is slow, changes wait, and merge.
    pub(super) fn begin(connection: &Connection) -> Self {
        let line = format!("{:?}", connection.scope);
        let mut news = connection.engine.news(&line, &connection.principal);
        let out = connection.out.clone();
        let hearing = connection.hear_notices();
        let task = tokio::spawn(async move {
            news.join().await;
            loop {
                let message = news.next_in(out.room()).await;
                out.push(&message);
            }
        });
        Self { line, watched: HashSet::new(), _hearing: hearing, task: task.abort_handle() }
    }

    /// Subscribes to a resource, or unsubscribes from it.
    ///
    /// # Errors
    /// As [`Engine::subscribable`](latimer_core::Engine::subscribable), and where the connection watches too many.
    pub(super) fn change(
        &mut self,
        connection: &Connection,
        method: &str,
        params: &OwnedParams,
        revision: Revision,
    ) -> Result<(), RpcError> {
        let engine = &connection.engine;
        if method == "resources/unsubscribe" {
            let uri = params.uri()?;
            self.watched.remove(uri.as_ref());
            engine.changes().unwatch(&self.line, &uri);
            return Ok(());
        }
        let uri = engine.subscribable(params, &connection.principal, revision)?;
        let most = engine.limits().subscriptions;
        if self.watched.contains(uri.as_ref()) {
            return Ok(());
        }
        let bytes = self.watched.iter().map(String::len).sum::<usize>() + uri.len();
        if self.watched.len() >= most || bytes > MOST_URI_BYTES {
            let message = format!(
                "too many subscriptions of this connection, which may have {most}, of {MOST_URI_BYTES} bytes together; \
                 unsubscribe from some"
            );
            return Err(RpcError::invalid_params(message));
        }
        engine.changes().watch(&self.line, &uri);
        self.watched.insert(uri.into_owned());
        Ok(())
    }
}

impl Drop for News {
    fn drop(&mut self) {
        self.task.abort();
    }
}
