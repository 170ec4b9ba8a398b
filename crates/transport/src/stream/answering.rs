//! Where the answer to a request goes: in which form, and whether it waits for others.

use latimer_core::engine::Reply;
use latimer_core::outbox::{Event, Outbox};

use super::bare::BareCall;
use super::order::Turn;
use super::outgoing::Outgoing;

/// The way of one request's answer.
#[derive(Debug)]
pub(super) struct Answering {
    pub(super) out: Outgoing,
    /// Its place among the others, where answers come in order.
    turn: Option<Turn>,
    /// The call that it answers, where that is no request of MCP.
    bare: Option<Box<BareCall>>,
}

impl Answering {
    /// The answer to a request of MCP.
    pub(super) fn mcp(out: Outgoing, turn: Option<Turn>) -> Self {
        Self { out, turn, bare: None }
    }

    /// The answer to a bare method.
    pub(super) fn bare(out: Outgoing, turn: Option<Turn>, call: BareCall) -> Self {
        Self { out, turn, bare: Some(Box::new(call)) }
    }

    /// Whether everything is answered that has to be before it.
    pub(super) fn has_turn(&self) -> bool {
        self.turn.as_ref().is_none_or(Turn::has_come)
    }

    /// Waits until everything is answered that has to be before it.
    pub(super) async fn turn(&self) {
        if let Some(turn) = &self.turn {
            turn.come().await;
        }
    }

    /// Whether the answer can go out now.
    pub(super) fn has_room(&self) -> bool {
        self.has_turn() && self.out.has_room()
    }

    /// Waits until the answer can go out.
    pub(super) async fn room(&self) {
        self.turn().await;
        self.out.room().await;
    }

    /// Passes on what a call says before its reply.
    pub(super) fn say(&self, event: &Event) {
        // A byte stream has no connection to come back to: only messages go out, and bare methods know none.
        if let (Event::Message(text), None) = (event, &self.bare) {
            self.out.push(text);
        }
    }

    /// Passes on what a call said.
    pub(super) fn flush(&self, outbox: &Outbox) {
        while let Some(event) = outbox.pop() {
            self.say(&event);
        }
    }

    /// Passes on what a call said, and its reply, if there is any left to give.
    pub(super) fn finish(self, outbox: &Outbox, reply: Option<Reply>) {
        // After a cancellation nothing more is sent for the request (STDIO-3).
        let Some(reply) = reply else { return };
        self.flush(outbox);
        self.give(&reply);
    }

    /// Gives the reply.
    pub(super) fn give(self, reply: &Reply) {
        match &self.bare {
            None => self.out.push(&reply.bytes),
            Some(call) => {
                if let Some(bytes) = call.answer(&reply.bytes) {
                    self.out.push(&bytes);
                }
            }
        }
    }
}
