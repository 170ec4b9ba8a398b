//! The stream on which a legacy server says what belongs to no request (LH-6).

use std::sync::Weak;
use std::time::Duration;

use http::{HeaderValue, StatusCode};
use tokio::sync::oneshot;

use super::answer::{self, Body, Reply};
use super::legacy::{RETRY, Shared};
use super::{LAST_EVENT_ID, SESSION_ID};

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Keeps the stream open as long as the session lasts, and resumes it where it broke off. Ends for good
/// when the server does not offer such a stream. `generation` is that of the session; `answered` is dropped when the
/// server has said for the first time whether there is a stream.
pub(super) async fn listen(session: Weak<Shared>, generation: u64, answered: oneshot::Sender<()>) {
    let mut answered = Some(answered);
    let mut last_id = String::new();
    let mut was_open = false;
    let mut retry = RETRY;
    let mut pause = Duration::ZERO;
    loop {
        tokio::time::sleep(pause).await;
        let Some(shared) = session.upgrade() else { return };
        let mut headers = shared.headers();
        if let Ok(id) = HeaderValue::from_bytes(last_id.as_bytes())
            && !id.is_empty()
        {
            headers.insert(LAST_EVENT_ID, id);
        }
        let in_session = headers.contains_key(&SESSION_ID);
        let reply = shared.endpoint.get("the listening stream", headers).await;
        drop(answered.take());
        match reply {
            Ok(Reply { body: Body::Stream(mut stream), .. }) => {
                if was_open && last_id.is_empty() {
                    // What was said meanwhile is not said again.
                    shared.notices.listening().missed();
                }
                was_open = true;
                drop(shared);
                while let Ok(Some(text)) = stream.next().await {
                    let Some(shared) = session.upgrade() else { return };
                    match answer::messages(&text, &shared.endpoint.limits) {
                        Ok(messages) => {
                            let _ = shared.settle(None, messages);
                        }
                        Err(error) => tracing::warn!(%error, "left out an event that is no message"),
                    }
                }
                retry = stream.retry().unwrap_or(retry);
                pause = retry;
                if !stream.last_id().is_empty() {
                    stream.last_id().clone_into(&mut last_id);
                }
            }
            // A server that offers the stream and no longer knows the session (LH-8).
            Ok(reply) if reply.status == StatusCode::NOT_FOUND && was_open && in_session => {
                // In a task of its own, as the new session ends this one.
                tokio::spawn(async move {
                    if let Err(error) = shared.renew(generation).await {
                        tracing::debug!(%error, "failed to open a new session");
                    }
                });
                return;
            }
            Ok(reply) if reply.status.is_client_error() => {
                tracing::debug!(status = %reply.status, "the server offers no listening stream");
                return;
            }
            Ok(_) | Err(_) => pause = pause.max(retry).saturating_mul(2).min(LONGEST_PAUSE),
        }
    }
}
