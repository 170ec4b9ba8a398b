//! HTTP/2, and both versions of HTTP over TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use latimer_transport::TlsIdentity;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::client::{Ask, Connection, call, in_time};
use super::server::{Server, Setup, reaches};

/// A certificate for `localhost`, and a client that trusts it.
pub(crate) fn identity() -> (TlsIdentity, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (TlsIdentity::read(&certificate, &key).unwrap(), roots)
}

async fn connect(server: &Server, roots: RootCertStore, protocol: &[u8]) -> TlsStream<TcpStream> {
    let stream = handshake(server.address, roots, vec![protocol.to_vec()]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
    stream
}

/// A connection over TLS that offers these protocols.
pub(crate) async fn handshake(
    address: SocketAddr,
    roots: RootCertStore,
    protocols: Vec<Vec<u8>>,
) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols;
    let socket = TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
}

async fn http2<S>(stream: S) -> SendRequest<Full<Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The request as HTTP/2 carries it.
fn request(ask: &Ask, scheme: &str) -> Request<Full<Bytes>> {
    let mut request =
        Request::builder().method(ask.method.as_str()).uri(format!("{scheme}://localhost{}", ask.target));
    for (name, value) in ask.headers.iter().filter(|(name, _)| name != "Host") {
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(ask.body.clone()))).unwrap()
}

async fn json_of(response: Response<hyper::body::Incoming>) -> Value {
    let body = in_time(response.into_body().collect()).await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap_or_else(|error| panic!("{error}: {body:?}"))
}

#[tokio::test]
async fn both_versions_of_http_are_served_over_tls() {
    let (tls, roots) = identity();
    let server = Server::with(Setup { tls: Some(tls), ..Setup::default() }).await;
    let ask = Ask::modern("tools/call", call("accept"));

    let mut connection = Connection::over(connect(&server, roots.clone(), b"http/1.1").await);
    let answer = connection.ask(&ask).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "accepted");
    assert!(answer.header("strict-transport-security").is_some());
    let evil = connection.ask(&ask.clone().with("Origin", "https://evil.example.com")).await;
    assert_eq!(evil.status(), 403);
    assert!(evil.header("strict-transport-security").is_some());
    let origin = format!("https://localhost:{}", server.address.port());
    assert_eq!(connection.ask(&ask.clone().with("Origin", &origin)).await.status(), 200);

    let mut sender = http2(connect(&server, roots.clone(), b"h2").await).await;
    let answer = sender.send_request(request(&ask, "https")).await.unwrap();
    assert!(answer.headers().contains_key("strict-transport-security"));
    assert_eq!(json_of(answer).await["result"]["content"][0]["text"], "accepted");

    // Plain text on a TLS port ends that connection and nothing else.
    let mut plain = Connection::open(&server).await;
    plain.send(&ask).await;
    plain.finish().await;
    plain.everything().await;
    let mut connection = Connection::over(connect(&server, roots, b"http/1.1").await);
    assert_eq!(connection.ask(&ask).await.status(), 200);
}

#[tokio::test]
async fn http_2_keeps_to_the_same_rules() {
    let server = Server::start().await;
    let mut sender = http2(TcpStream::connect(server.address).await.unwrap()).await;
    let good = || Ask::modern("tools/call", call("accept"));
    for (ask, status) in [
        (good(), 200),
        (good().without("Accept"), 406),
        (good().without("Mcp-Name"), 400),
        (good().with("Origin", "https://evil.example.com"), 403),
        (good().with_body("{"), 400),
        (good().with_body(" ".repeat(1_048_577)), 413),
        (good().with("X-Long", &"x".repeat(17_000)), 431),
        (Ask::modern("nonsense", json!({})), 404),
    ] {
        let answer = in_time(sender.send_request(request(&ask, "http"))).await.unwrap();
        assert_eq!(answer.status(), status, "{:?}", ask.headers);
        assert!(answer.headers().contains_key("x-content-type-options"));
        assert_eq!(json_of(answer).await["jsonrpc"], "2.0");
    }
    let evil = Request::post("http://evil.example.com/mcp").body(Full::new(Bytes::new())).unwrap();
    assert_eq!(in_time(sender.send_request(evil)).await.unwrap().status(), 403);
    let two = request(&good().with("host", "127.0.0.1"), "http");
    assert_eq!(in_time(sender.send_request(two)).await.unwrap().status(), 403);
    let vast = good().with("X-Long", &"x".repeat(100_000));
    match in_time(sender.send_request(request(&vast, "http"))).await {
        Ok(answer) => assert_eq!(answer.status(), 431),
        // Far beyond the limit the stream may be reset as well.
        Err(error) => assert!(!error.is_closed(), "{error}"),
    }
    let answer = in_time(sender.send_request(request(&good(), "http"))).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn calls_share_a_connection_and_one_that_is_reset_is_cancelled() {
    let server = Server::start().await;
    let mut sender = http2(TcpStream::connect(server.address).await.unwrap()).await;
    let waiting = sender.send_request(request(&Ask::modern("tools/call", call("wait")), "http"));
    let waiting = tokio::spawn(waiting);
    reaches(&server.bench.started, 1).await;
    let ask = request(&Ask::modern("tools/call", call("accept")), "http");
    assert_eq!(in_time(sender.send_request(ask)).await.unwrap().status(), 200);
    waiting.abort();
    reaches(&server.bench.dropped, 1).await;
    let ask = request(&Ask::modern("tools/call", call("accept")), "http");
    assert_eq!(in_time(sender.send_request(ask)).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_connection_carries_so_many_requests_at_a_time() {
    let server = Server::start().await;
    let socket = TokioIo::new(TcpStream::connect(server.address).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), socket).await.unwrap();
    let mut connection = std::pin::pin!(connection);
    // The settings of the server have come with its first answer.
    let ask = request(&Ask::modern("tools/call", call("accept")), "http");
    tokio::select! {
        answer = in_time(sender.send_request(ask)) => assert_eq!(answer.unwrap().status(), 200),
        ended = &mut connection => panic!("the connection ended: {ended:?}"),
    }
    assert_eq!(connection.current_max_send_streams(), 64);
}

#[tokio::test]
async fn a_stream_that_is_not_read_delays_no_other_of_its_connection() {
    let server = Server::start().await;
    let mut sender = http2(TcpStream::connect(server.address).await.unwrap()).await;
    let params = super::client::call_with_progress("shouts", &json!({ "count": 20_000 }));
    let stalled = sender.send_request(request(&Ask::modern("tools/call", params), "http"));
    let stalled = in_time(stalled).await.unwrap();
    reaches(&server.bench.started, 1).await;
    // Nothing of its body was taken.
    for _ in 0..10 {
        let ask = request(&Ask::modern("tools/call", call("accept")), "http");
        let answer = in_time(sender.send_request(ask)).await.unwrap();
        assert_eq!(json_of(answer).await["result"]["content"][0]["text"], "accepted");
    }
    server.open_gate(1);
    reaches(&server.bench.finished, 1).await;
    let body = in_time(stalled.into_body().collect()).await.unwrap().to_bytes();
    assert!(body.len() < 15 << 20, "{}", body.len());
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.trim_end().lines().next_back().unwrap().contains("\"text\":\"done\""));
}
