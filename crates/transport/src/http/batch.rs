//! A batch over HTTP: one array answers it, as JSON or as the last event of a stream (BASE-4).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http::{Response, StatusCode};
use latimer_core::engine::{Pending, Reply};
use latimer_core::outbox::Outbox;
use latimer_core::stream::{Content, Writer};
use latimer_protocol::RpcError;
use latimer_store::StoreError;
use tokio::task::JoinSet;

use super::body::ResponseBody;
use super::era;
use super::legacy::{self, Begun, Prime, Work};
use super::post::Post;
use super::refusal::{self, Refusal};
use super::service::SESSION;
use crate::batch::{self, Element};

/// What is answered to the elements of a batch, in their order.
pub(super) struct Answers(Vec<Slot>);

enum Slot {
    /// It is there; a call that was cancelled has none.
    Here(Option<Bytes>),
    /// It is there, and its call said something before.
    Said(Outbox, Bytes),
    /// Its call goes on.
    Running(Pending),
}

/// Answers a batch.
pub(super) async fn answer(post: &Post<'_>, texts: &[&str]) -> Result<Response<ResponseBody>, Refusal> {
    let bad = |error: RpcError| Refusal::content(StatusCode::BAD_REQUEST, error);
    let headers = &post.head.headers;
    // Without a session nothing was negotiated: the handshake itself is no batch.
    if era::names_modern_version(headers) || !headers.contains_key(SESSION) {
        return Err(bad(batch::not_served()));
    }
    legacy::check_version(headers)?;
    let mut session = legacy::session(post.service, post.head, &post.principal).await?;
    if session.revision != batch::REVISION {
        return Err(bad(batch::not_served()));
    }
    let elements = batch::read(texts, &post.service.engine().limits()).map_err(bad)?;
    // Calls that nobody has polled yet, and what is answered already.
    let mut begun = Vec::new();
    for element in elements {
        begun.push(match element {
            Element::Notification(notification) => {
                legacy::hear(post, &session.id, &notification);
                continue;
            }
            Element::Response(response) => {
                legacy::take_answer(post, &session.id, &response).await?;
                continue;
            }
            Element::Refused { id, error } => Err(Reply::error(id.as_ref(), &error, session.revision)),
            Element::Request(request) => {
                let id = request.id.to_owned();
                let refused = |refusal: Refusal| refusal.to(Some(id.clone())).into_reply(session.revision);
                match legacy::begin(post, session.clone(), Box::new(request)) {
                    Ok(Begun::Call(pending, permit)) => Ok((pending, permit)),
                    Ok(Begun::Reply(reply)) => Err(reply),
                    Ok(Begun::Level(found, level)) => {
                        let set = legacy::set_level(post, &found, &id, level).await;
                        let reply = set.unwrap_or_else(refused);
                        session = legacy::session(post.service, post.head, &post.principal).await?;
                        Err(reply)
                    }
                    Err(refusal) => Err(refused(refusal)),
                }
            }
        });
    }
    let (mut slots, mut permits) = (Vec::with_capacity(begun.len()), Vec::new());
    // From the first poll on nothing here waits: a disconnect must not end calls that have begun (LH-3).
    for begun in begun {
        slots.push(match begun {
            Err(reply) => Slot::Here(Some(reply.bytes)),
            Ok((pending, permit)) => {
                permits.push(permit);
                first(pending).await
            }
        });
    }
    if slots.iter().any(|slot| !matches!(slot, Slot::Here(_))) {
        let work = Work::Batch(Answers(slots));
        return legacy::detach(post, &session.id, session.revision, work, permits).await;
    }
    let answers = slots.into_iter().map(|slot| if let Slot::Here(answer) = slot { answer } else { None });
    Ok(match batch::join(answers) {
        Some(bytes) => refusal::json(StatusCode::OK, bytes),
        None => refusal::empty(StatusCode::ACCEPTED),
    })
}

/// Polls a call once.
async fn first(mut pending: Pending) -> Slot {
    match poll_fn(|cx| Poll::Ready(Pin::new(&mut pending).poll(cx))).await {
        Poll::Ready(Some(reply)) if !pending.outbox().is_empty() => {
            Slot::Said(pending.outbox().clone(), reply.bytes)
        }
        Poll::Ready(reply) => Slot::Here(reply.map(|reply| reply.bytes)),
        Poll::Pending => Slot::Running(pending),
    }
}

impl Answers {
    /// Carries what the calls say, and at last their answers, into a stream. Dropping this cancels the calls.
    pub(super) async fn run(self, writer: &Writer, prime: &Prime) -> Result<(), StoreError> {
        let mut running = JoinSet::new();
        let mut answers = Vec::with_capacity(self.0.len());
        let mut said = Vec::new();
        for (at, slot) in self.0.into_iter().enumerate() {
            answers.push(match slot {
                Slot::Here(answer) => answer,
                Slot::Said(outbox, answer) => {
                    said.push(outbox);
                    Some(answer)
                }
                Slot::Running(pending) => {
                    let (writer, prime) = (writer.clone(), prime.clone());
                    running.spawn(async move { (at, legacy::say(pending, &writer, &prime).await) });
                    None
                }
            });
        }
        for outbox in said {
            legacy::drain(&outbox, writer, prime).await?;
        }
        while let Some(ended) = running.join_next().await {
            match ended {
                Ok((at, reply)) => {
                    let reply = reply?.map(|reply| reply.bytes);
                    if let Some(answer) = answers.get_mut(at) {
                        *answer = reply;
                    }
                }
                Err(error) => tracing::error!(%error, "a call of a batch broke off"),
            }
        }
        match batch::join(answers) {
            Some(bytes) => writer.finish(Content::Answer(bytes)).await,
            None => writer.end().await,
        }
    }
}
