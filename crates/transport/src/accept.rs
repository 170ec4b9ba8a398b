//! Taking connections, whatever they come over.

use std::io;
use std::time::Duration;

/// The next connection. A lack of file descriptors passes; other errors concern one peer only.
pub(crate) async fn patiently<T, F>(mut accept: impl FnMut() -> F) -> T
where
    F: Future<Output = io::Result<T>>,
{
    loop {
        match accept().await {
            Ok(accepted) => return accepted,
            Err(error) if is_of_peer(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}
