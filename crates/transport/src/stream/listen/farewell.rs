//! The last words to a connection that is not served.

use std::time::Duration;

use latimer_core::engine::Reply;
use latimer_protocol::{ErrorCode, Revision, RpcError};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

/// How many are said at once.
pub(super) const MOST: usize = 64;

/// How long they may take.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells a client that there are too many.
pub(super) async fn too_many<S: AsyncRead + AsyncWrite + Unpin>(socket: S, most: usize) {
    say(socket, format!("the server has all the {most} connections it takes; try again later")).await;
}

/// Tells a client why it is not served.
pub(super) async fn say<S: AsyncRead + AsyncWrite + Unpin>(mut socket: S, reason: String) {
    let error = RpcError::new(ErrorCode::INTERNAL_ERROR, reason);
    let mut line = Reply::error(None, &error, Revision::LATEST_LEGACY).bytes.to_vec();
    line.push(b'\n');
    let saying = async {
        socket.write_all(&line).await?;
        socket.shutdown().await
    };
    if let Ok(Ok(())) = tokio::time::timeout(PATIENCE, saying).await {
        listen_out(&mut socket).await;
    }
}

/// Waits for the other end to close, but not for long. A connection that is closed while something of it is unread is
/// reset, and the other end may lose what it was told.
pub(super) async fn listen_out<R: AsyncRead + Unpin>(input: &mut R) {
    let _ = tokio::time::timeout(PATIENCE, super::drain(input)).await;
}
