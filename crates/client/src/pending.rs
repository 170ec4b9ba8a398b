//! The requests that a server has not answered yet.

use std::collections::HashMap;
use std::sync::Arc;

use latimer_protocol::RawJson;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::error::{ClientError, Fault};
use crate::inbound::Response;

/// The requests in flight by their ids, until the connection ends.
#[derive(Default)]
pub(crate) struct Pending {
    state: Arc<Mutex<State>>,
    over: CancellationToken,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting>,
    ended: Option<Ended>,
}

struct Waiting {
    method: String,
    answer: oneshot::Sender<Result<RawJson, ClientError>>,
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub(crate) enum Ended {
    /// The program did.
    Program {
        program: String,
        /// Its exit status; `None` if it only closed its stdout.
        status: Option<String>,
    },
    /// The stream of events did.
    Stream,
    /// The connection did.
    Peer {
        /// Where the server is.
        address: String,
        /// What went wrong; `None` if the server closed it in good order.
        broken: Option<String>,
    },
    /// This side closed the connection.
    Closed,
}

impl Ended {
    fn error(&self) -> ClientError {
        match self {
            Self::Program { program, status } => {
                let status = status.clone().unwrap_or_else(|| "it closed its stdout".to_owned());
                Fault::Exited { program: program.clone(), status }.into()
            }
            Self::Stream => Fault::StreamEnded.into(),
            Self::Peer { address, broken } => {
                Fault::Disconnected { address: address.clone(), broken: broken.clone() }.into()
            }
            Self::Closed => Fault::Closed.into(),
        }
    }
}

/// A place in the table; dropping it gives the place up.
pub(crate) struct Ticket {
    id: u64,
    answer: oneshot::Receiver<Result<RawJson, ClientError>>,
    state: Arc<Mutex<State>>,
}

impl Ticket {
    /// Waits for the answer. May be dropped and called anew.
    pub(crate) async fn wait(&mut self) -> Result<RawJson, ClientError> {
        (&mut self.answer).await.unwrap_or_else(|_| Err(Fault::Closed.into()))
    }

    /// Waits for the answer.
    pub(crate) async fn answer(mut self) -> Result<RawJson, ClientError> {
        self.wait().await
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.state.lock().waiting.remove(&self.id);
    }
}

impl Pending {
    /// Takes a place for the answer to `id`.
    pub(crate) fn register(&self, id: u64, method: &str) -> Result<Ticket, ClientError> {
        let (sender, answer) = oneshot::channel();
        let mut state = self.state.lock();
        if let Some(ended) = &state.ended {
            return Err(ended.error());
        }
        state.waiting.insert(id, Waiting { method: method.to_owned(), answer: sender });
        Ok(Ticket { id, answer, state: Arc::clone(&self.state) })
    }

    /// Hands an answer to whoever waits for it. An error without an id can only be meant for a request that
    /// is alone in flight.
    pub(crate) fn settle(&self, response: Response) {
        let mut state = self.state.lock();
        let id = match &response.id {
            Some(_) => response.number(),
            None => alone(&state),
        };
        let Some(waiting) = id.and_then(|id| state.waiting.remove(&id)) else {
            tracing::debug!(id = ?response.id, "answer to no request in flight");
            return;
        };
        drop(state);
        let Waiting { method, answer } = waiting;
        let outcome = response.outcome.map_err(|error| Fault::Rpc { method, error, status: None }.into());
        let _ = answer.send(outcome);
    }

    /// A message was too large to be read. If only one request is in flight, it was the answer.
    pub(crate) fn too_large(&self, limit: usize) {
        tracing::warn!(limit, "left out a message of the server that is too large");
        let mut state = self.state.lock();
        if let Some(waiting) = alone(&state).and_then(|id| state.waiting.remove(&id)) {
            let _ = waiting.answer.send(Err(Fault::TooLarge { limit }.into()));
        }
    }

    /// Fails every request in flight, and those to come.
    pub(crate) fn end(&self, ended: &Ended) {
        let mut state = self.state.lock();
        let waiting = std::mem::take(&mut state.waiting);
        state.ended = Some(ended.clone());
        drop(state);
        for (_, waiting) in waiting {
            let _ = waiting.answer.send(Err(ended.error()));
        }
        self.over.cancel();
    }

    /// Waits for the end, and tells why.
    pub(crate) async fn over(&self) -> ClientError {
        self.over.cancelled().await;
        self.ended().unwrap_or_else(|| Fault::Closed.into())
    }

    /// Why there is no server any more, if there is none.
    pub(crate) fn ended(&self) -> Option<ClientError> {
        self.state.lock().ended.as_ref().map(Ended::error)
    }
}

fn alone(state: &State) -> Option<u64> {
    let mut ids = state.waiting.keys();
    let first = ids.next()?;
    ids.next().is_none().then_some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use latimer_protocol::id::RequestId;
    use latimer_protocol::{ErrorCode, RpcError};

    fn error(id: Option<u64>) -> Response {
        let outcome = Err(RpcError::new(ErrorCode::PARSE_ERROR, "no"));
        Response { id: id.map(RequestId::from), outcome }
    }

    #[tokio::test]
    async fn an_error_without_an_id_is_for_the_only_request_in_flight() {
        let pending = Pending::default();
        let first = pending.register(1, "a").unwrap();
        pending.settle(error(None));
        assert!(first.answer().await.unwrap_err().rpc().is_some());

        let (mut first, mut second) = (pending.register(1, "a").unwrap(), pending.register(2, "b").unwrap());
        pending.settle(error(None));
        assert!(first.answer.try_recv().is_err() && second.answer.try_recv().is_err());
    }

    #[tokio::test]
    async fn the_end_of_the_server_fails_what_waits_and_what_comes() {
        let pending = Pending::default();
        let waits = pending.register(1, "a").unwrap();
        pending.end(&Ended::Program { program: "p".to_owned(), status: Some("exit status: 1".to_owned()) });
        assert!(waits.answer().await.unwrap_err().is_closed());
        assert!(pending.register(2, "b").err().unwrap().to_string().contains("exit status: 1"));
    }

    #[test]
    fn a_caller_that_goes_away_leaves_nothing_behind() {
        let pending = Pending::default();
        drop(pending.register(1, "a").unwrap());
        assert!(pending.state.lock().waiting.is_empty());
    }
}
