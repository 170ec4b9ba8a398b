//! The token with which a connection to a socket begins, where there is one.

use latimer_protocol::encode::write_object;
use url::Url;

use crate::address::is_loopback;
use crate::authorization::Authorization;
use crate::envelope;
use crate::error::{ClientError, Fault};
use crate::options::Options;
use crate::stream::{Route, StreamConnection, WhenDropped};

const METHOD: &str = "auth";

/// What bearer tokens have before them in a header (RFC 6750 §2.1).
const SCHEME: &str = "Bearer ";

/// Sends the token and waits until the server has taken it. Nothing may be sent before.
///
/// # Errors
/// When there is no bearer token to be had, or the server refuses it.
pub(crate) async fn show(
    connection: &StreamConnection,
    route: Route<'_>,
    authorization: &dyn Authorization,
    id: u64,
    options: &Options,
) -> Result<(), ClientError> {
    let address = match route {
        // Its environment holds what it needs (STDIO-8).
        Route::Process(_) => return Ok(()),
        Route::Tcp(address) => address.to_string(),
        Route::Unix(address) => address.to_string(),
    };
    let url = Url::parse(&address).map_err(|_| Fault::Url { url: address, reason: "it is no URL" })?;
    let Some(header) = authorization.header(&url).await.map_err(Fault::Credentials)? else {
        return Ok(());
    };
    let token = header.to_str().ok().and_then(|header| header.strip_prefix(SCHEME));
    let token = token.ok_or(Fault::NoBearer)?;
    if let Route::Tcp(address) = route
        && !address.is_tls()
        && !is_loopback(address.host())
    {
        tracing::warn!(host = address.host(), "credentials go over a connection that is not encrypted");
    }
    let mut params = Vec::new();
    write_object(&mut params, |object| {
        object.string("token", token);
    });
    let body = envelope::request(id, METHOD, &String::from_utf8_lossy(&params), None, false)?;
    let limit = options.timeouts.request;
    let answer = connection.exchange(id, METHOD, &body, WhenDropped::Forget);
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => match error.rpc().cloned() {
            Some(error) => Err(Fault::TokenRefused { error }.into()),
            None => Err(error),
        },
        Err(_) => Err(ClientError::timeout(METHOD, limit)),
    }
}
