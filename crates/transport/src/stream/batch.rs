//! A batch on a byte stream: its answers are one line, written when the last call is over (BASE-4).

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use bytestring::ByteString;
use latimer_core::admission::Permit;
use latimer_core::engine::{Holder, Reply};
use latimer_protocol::frame::Request;
use latimer_protocol::{ErrorCode, RpcError};
use tokio::sync::oneshot;

use super::call;
use super::connection::Connection;
use super::era::{self, Admitted, Handshake};
use crate::batch::{self, Element};

/// The answer to an element of a batch.
enum Slot {
    /// It is there.
    Here(Option<Reply>, Option<Permit<Holder>>),
    /// Its call goes on.
    Coming(oneshot::Receiver<(Option<Reply>, Permit<Holder>)>),
}

impl Connection {
    /// Takes a batch: what is asked begins at once, in order.
    pub(super) async fn batch(&self, texts: &[&str], text: &ByteString, handshake: &mut Handshake) {
        let revision = handshake.revision();
        let served = revision == batch::REVISION;
        let elements =
            if served { batch::read(texts, &self.engine.limits()) } else { Err(batch::not_served()) };
        let elements = match elements {
            Ok(elements) => elements,
            Err(error) => return self.refuse(None, &error, revision),
        };
        let answering = self.answering();
        let mut slots = Vec::new();
        for element in elements {
            match element {
                Element::Notification(notification) => self.notice(&notification, handshake),
                Element::Response(response) => self.answered(&response, text).await,
                Element::Refused { id, error } => {
                    self.tell_of_refusal(error.code.0, &error.message);
                    slots.push(Slot::Here(Some(Reply::error(id.as_ref(), &error, revision)), None));
                }
                Element::Request(request) => slots.push(self.part(request, text, handshake).await),
            }
        }
        if slots.iter().all(|slot| matches!(slot, Slot::Here(..))) && answering.has_room() {
            let (answers, _permits) = gather(slots).await;
            if let Some(bytes) = batch::join(answers) {
                answering.give(&Reply { bytes, error: None });
            }
            return;
        }
        self.calls.spawn(async move {
            // The permits are kept until the answers are out, so that the cap on calls bounds what waits for the reader.
            let (answers, _permits) = gather(slots).await;
            if let Some(bytes) = batch::join(answers) {
                let _held = answering.out.hold(bytes.len());
                answering.room().await;
                answering.give(&Reply { bytes, error: None });
            }
        });
    }

    async fn part(&self, request: Request<'_>, text: &ByteString, handshake: &mut Handshake) -> Slot {
        let id = request.id.to_owned();
        let call = match era::admit(self, request, text, handshake) {
            Ok(Admitted::Reply(reply)) => return Slot::Here(Some(reply), None),
            Ok(Admitted::Call(call)) => *call,
            Err(refused) => {
                return Slot::Here(Some(Reply::error(Some(&id), &refused.error, refused.revision)), None);
            }
        };
        let permit = match self.admit(&call.caller.holder(call.method)) {
            Ok(permit) => permit,
            Err(busy) => {
                let error = RpcError::new(ErrorCode::INTERNAL_ERROR, busy);
                return Slot::Here(Some(Reply::error(Some(&id), &error, batch::REVISION)), None);
            }
        };
        let mut pending = self.engine.begin(call);
        let outbox = pending.outbox().clone();
        // Its answer is a part of another; what it says before that goes out at once.
        let speaking = self.unordered();
        let first = poll_fn(|cx| Poll::Ready(Pin::new(&mut pending).poll(cx))).await;
        match first {
            Poll::Ready(reply) if reply.is_none() || outbox.is_empty() || self.out.has_room() => {
                if reply.is_some() {
                    speaking.flush(&outbox);
                }
                Slot::Here(reply, Some(permit))
            }
            first => {
                let (sender, receiver) = oneshot::channel();
                self.calls.spawn(async move {
                    let reply = match first {
                        Poll::Ready(reply) => reply,
                        Poll::Pending => call::speak(&speaking, pending).await,
                    };
                    if let Some(reply) = &reply {
                        let _held = speaking.out.hold(reply.bytes.len());
                        speaking.room().await;
                        speaking.flush(&outbox);
                    }
                    // The batch waits for it as long as the connection lives.
                    let _ = sender.send((reply, permit));
                });
                Slot::Coming(receiver)
            }
        }
    }
}

/// Waits for the answers, and keeps what their calls count as.
async fn gather(slots: Vec<Slot>) -> (Vec<Option<Bytes>>, Vec<Permit<Holder>>) {
    let (mut answers, mut permits) = (Vec::with_capacity(slots.len()), Vec::with_capacity(slots.len()));
    for slot in slots {
        let (reply, permit) = match slot {
            Slot::Here(reply, permit) => (reply, permit),
            Slot::Coming(receiver) => match receiver.await {
                Ok((reply, permit)) => (reply, Some(permit)),
                Err(_) => (None, None),
            },
        };
        answers.push(reply.map(|reply| reply.bytes));
        permits.extend(permit);
    }
    (answers, permits)
}
