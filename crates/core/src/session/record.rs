//! A session as the store keeps it.

use std::borrow::Cow;

use bytes::Bytes;
use latimer_protocol::wire::{ClientCapabilities, LogLevel};
use latimer_protocol::{RawJson, Revision};
use latimer_store::Version;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Session, SessionId};
use crate::context::Client;
use crate::principal::Principal;

#[derive(Serialize, Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    owner: Cow<'a, str>,
    #[serde(borrow)]
    revision: Cow<'a, str>,
    #[serde(borrow)]
    capabilities: &'a RawValue,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    info: Option<&'a RawValue>,
    log: LogLevel,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    watched: Option<&'a RawValue>,
}

/// What the store keeps of a session.
pub(super) fn write(
    principal: &Principal,
    revision: Revision,
    client: &Client,
    log: LogLevel,
    watched: Option<&str>,
) -> Bytes {
    let raw = |json: &str| serde_json::from_str::<Box<RawValue>>(json).ok();
    let capabilities = raw(client.capabilities.as_raw().as_str());
    let info = client.info.as_ref().map(RawJson::as_str).and_then(raw);
    let watched = watched.and_then(raw);
    let record = Record {
        owner: principal.key().into(),
        revision: revision.as_str().into(),
        capabilities: capabilities.as_deref().unwrap_or(RawValue::NULL),
        info: info.as_deref(),
        log,
        watched: watched.as_deref(),
    };
    serde_json::to_vec(&record).unwrap_or_default().into()
}

/// What the store kept of a session, for the principal that owns it.
pub(super) fn read(id: &SessionId, principal: &Principal, value: &[u8], version: Version) -> Option<Session> {
    let record: Record<'_> = serde_json::from_slice(value).ok()?;
    if record.owner != principal.key() {
        return None;
    }
    let capabilities = RawJson::parse(record.capabilities.get().to_owned()).ok()?;
    Some(Session {
        id: id.clone(),
        revision: Revision::parse(&record.revision)?,
        client: Client {
            capabilities: ClientCapabilities::new(capabilities).ok()?,
            info: record.info.and_then(|info| RawJson::parse(info.get().to_owned()).ok()),
        },
        log_level: record.log,
        watched: record.watched.map(|watched| watched.get().into()),
        version,
    })
}
