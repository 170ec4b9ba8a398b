//! Changes on their way to other processes: one message for all that came together.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::Hub;
use super::inbox::Inbox;
use crate::catalog::Difference;

/// The topic of the store's bus.
pub(super) const TOPIC: &str = "changes";

/// What waits to be sent.
#[derive(Default)]
pub(super) struct Outgoing {
    batch: Batch,
    /// Somebody sends already.
    sending: bool,
}

/// Changes of another process.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    #[serde(default, skip_serializing_if = "Difference::is_empty")]
    lists: Difference,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    updated: BTreeSet<Box<str>>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    tasks: BTreeSet<Box<str>>,
    /// There is more than can be told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    everything: bool,
}

/// How many bytes of names wait to be sent, and stand in one message: the bus keeps small messages only.
const MOST_BYTES: usize = 512 << 10;
const MOST_MESSAGE_BYTES: usize = 8 << 10;

impl Outgoing {
    pub(super) fn updated(&mut self, uri: &str) {
        self.batch.updated.insert(uri.into());
        self.bound();
    }

    pub(super) fn task(&mut self, id: &str) {
        self.batch.tasks.insert(id.into());
        self.bound();
    }

    pub(super) fn lists(&mut self, difference: Difference) {
        self.batch.lists.merge(difference);
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.sending && !self.batch.is_empty()
    }

    pub(super) fn begin(&mut self) {
        self.sending = true;
    }

    fn bound(&mut self) {
        let batch = &mut self.batch;
        // Adding sizes up for each change would be slow; no name is shorter than this on average.
        if batch.updated.len() + batch.tasks.len() > MOST_BYTES / 128 {
            *batch = Batch { everything: true, ..Batch::default() };
        }
    }
}

/// Sends what waits until nothing does.
pub(super) async fn send(hub: Arc<Hub>) {
    loop {
        let batch = {
            let mut outgoing = hub.outgoing.lock();
            if outgoing.batch.is_empty() {
                outgoing.sending = false;
                return;
            }
            std::mem::take(&mut outgoing.batch)
        };
        for batch in batch.split() {
            if let Err(error) = hub.store.bus.publish(TOPIC, batch.write(&hub.origin)).await {
                tracing::warn!(%error, "other processes could not be told of a change");
            }
        }
        // What comes meanwhile goes together.
        tokio::task::yield_now().await;
    }
}

impl Batch {
    /// Reads a message, unless it comes from `own`.
    pub(super) fn read(message: &Bytes, own: &str) -> Result<Option<Self>, serde_json::Error> {
        match message.strip_prefix(own.as_bytes()) {
            Some(_) => Ok(None),
            None => serde_json::from_slice(message.get(own.len()..).unwrap_or_default()).map(Some),
        }
    }

    pub(super) fn tell(&self, inbox: &Inbox) {
        if self.everything {
            return inbox.everything();
        }
        inbox.lists(&self.lists);
        self.updated.iter().for_each(|uri| inbox.updated(uri));
        self.tasks.iter().for_each(|id| inbox.task(id));
    }

    fn is_empty(&self) -> bool {
        self.lists.is_empty() && self.updated.is_empty() && self.tasks.is_empty() && !self.everything
    }

    fn write(&self, origin: &str) -> Bytes {
        let mut out = origin.as_bytes().to_vec();
        // Strings, sets and flags can always be written.
        let _ = serde_json::to_writer(&mut out, self);
        out.into()
    }

    /// The same in messages of bounded size.
    fn split(self) -> Vec<Self> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        let mut batch = Self { lists: self.lists, everything: self.everything, ..Self::default() };
        let names = self.updated.into_iter().map(|uri| (uri, true));
        for (name, is_uri) in names.chain(self.tasks.into_iter().map(|id| (id, false))) {
            bytes += name.len();
            if bytes > MOST_MESSAGE_BYTES && !batch.is_empty() {
                bytes = name.len();
                batches.push(std::mem::take(&mut batch));
            }
            if is_uri {
                batch.updated.insert(name)
            } else {
                batch.tasks.insert(name)
            };
        }
        batches.push(batch);
        batches
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_goes_in_small_messages_and_all_of_it_arrives() {
        let mut outgoing = Outgoing::default();
        for number in 0..1_000 {
            outgoing.updated(&format!("file:///a/rather/long/path/to/number/{number}"));
            outgoing.task(&number.to_string());
        }
        let mut all = Batch::default();
        for batch in std::mem::take(&mut outgoing.batch).split() {
            let message = batch.write("0123");
            assert!(message.len() < 2 * MOST_MESSAGE_BYTES);
            assert_eq!(Batch::read(&message, "0123").unwrap(), None);
            let batch = Batch::read(&message, "4567").unwrap().unwrap();
            all.updated.extend(batch.updated);
            all.tasks.extend(batch.tasks);
        }
        assert_eq!((all.updated.len(), all.tasks.len()), (1_000, 1_000));
    }

    #[test]
    fn more_than_can_be_told_is_everything() {
        let mut outgoing = Outgoing::default();
        (0..100_000).for_each(|number| outgoing.updated(&number.to_string()));
        assert!(outgoing.batch.everything && outgoing.batch.updated.len() <= MOST_BYTES / 128);
    }
}
