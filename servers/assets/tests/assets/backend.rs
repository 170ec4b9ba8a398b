//! Posting to a backend: a real one, on this machine.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use latimer::TestClient;
use latimer_assets::{Settings, source};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::support::{ERAS, Folders, client, told};

/// A request that came in.
#[derive(Clone, Debug)]
struct Posted {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A backend that answers everything in one way.
struct Server {
    address: SocketAddr,
    posted: Arc<Mutex<Vec<Posted>>>,
}

impl Server {
    async fn start(status: u16, headers: &[(&'static str, String)], body: impl Into<Bytes>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), posted: Arc::default() };
        let (posted, headers, body) = (server.posted.clone(), headers.to_vec(), body.into());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (posted, headers, body) = (posted.clone(), headers.clone(), body.clone());
                let answer = service_fn(move |request: Request<Incoming>| {
                    let (posted, headers, body) = (posted.clone(), headers.clone(), body.clone());
                    async move {
                        let (parts, incoming) = request.into_parts();
                        let request = Posted {
                            method: parts.method,
                            path: parts.uri.path().to_owned(),
                            headers: parts.headers,
                            body: incoming.collect().await.unwrap().to_bytes(),
                        };
                        posted.lock().push(request);
                        let mut response = Response::builder().status(status);
                        for (name, value) in headers {
                            response = response.header(name, value);
                        }
                        Ok::<_, Infallible>(response.body(Full::new(body)).unwrap())
                    }
                });
                let serving = hyper::server::conn::http1::Builder::new();
                tokio::spawn(serving.serve_connection(TokioIo::new(stream), answer));
            }
        });
        server
    }

    fn posted(&self) -> Vec<Posted> {
        self.posted.lock().clone()
    }
}

fn settings(folders: &Folders, backend: &Value) -> Settings {
    folders.write("schemas/a.schema.json", r#"{"properties":{"n":{"type":"integer"}}}"#);
    let value = json!({ "schemas_dir": "schemas", "watch": false, "backend": backend });
    Settings::from_value(&value, &folders.path("")).unwrap()
}

async fn client_of(folders: &Folders, address: SocketAddr) -> TestClient {
    client(settings(folders, &json!({ "url": format!("http://{address}") }))).await
}

async fn populate(client: &TestClient, arguments: Value) -> Value {
    told(client, "populate_backend", arguments).await
}

fn asset() -> Value {
    json!({ "$schema": "a", "n": 1 })
}

#[tokio::test]
async fn a_valid_document_is_posted_as_it_came() {
    let folders = Folders::new();
    let server = Server::start(201, &[], r#"{"id":5}"#).await;
    for revision in ERAS {
        let client = client_of(&folders, server.address).await.revision(revision);
        let told = populate(&client, json!({ "asset": asset() })).await;
        let url = format!("http://{}", server.address);
        assert_eq!(told, json!({ "ok": true, "asset_id": "5", "backend_url": url }));
    }
    let posted = &server.posted()[0];
    assert_eq!((&posted.method, posted.path.as_str()), (&Method::POST, "/assets/"));
    assert_eq!(posted.body, r#"{"$schema":"a","n":1}"#);
    assert_eq!(posted.headers["content-type"], "application/json");
    assert!(posted.headers["user-agent"].to_str().unwrap().starts_with("latimer-assets/"));
    assert!(posted.headers.get("authorization").is_none());
}

#[tokio::test]
async fn path_and_token_are_those_of_the_settings() {
    let folders = Folders::new();
    let server = Server::start(200, &[], "{}").await;
    let backend = json!({
        "url": format!("http://{}/api/", server.address), "path": "things", "token_env": "CARGO_PKG_NAME"
    });
    let client = client(settings(&folders, &backend)).await;
    let told = populate(&client, json!({ "asset": asset() })).await;
    assert_eq!(
        (&told["asset_id"], &told["backend_url"]),
        (&json!(""), &json!(format!("http://{}/api", server.address)))
    );
    let posted = &server.posted()[0];
    assert_eq!(posted.path, "/api/things");
    assert_eq!(posted.headers["authorization"], "Bearer latimer-assets");
}

#[test]
fn a_token_that_is_not_there_keeps_the_server_from_starting() {
    let folders = Folders::new();
    let backend = json!({ "url": "https://backend.example", "token_env": "LATIMER_ASSETS_NO_SUCH_TOKEN" });
    let error = source(settings(&folders, &backend)).unwrap_err().to_string();
    assert_eq!(
        error,
        "backend.token_env: the environment variable LATIMER_ASSETS_NO_SUCH_TOKEN is not set; set it, or leave the setting out"
    );
}

#[tokio::test]
async fn the_same_document_has_the_same_key_in_every_spelling() {
    let folders = Folders::new();
    let server = Server::start(200, &[], "{}").await;
    let client = client_of(&folders, server.address).await;
    let raw = |text: &str| serde_json::value::RawValue::from_string(text.to_owned()).unwrap();
    for text in [
        r#"{"asset":{"$schema":"a","n":1}}"#,
        r#"{ "asset": { "n": 1, "\u0024schema": "a" } }"#,
        r#"{"asset":{"$schema":"a","n":2}}"#,
        r#"{"asset":{"$schema":"a","n":1},"idempotency_key":"mine"}"#,
    ] {
        client.call("populate_backend", raw(text)).await.unwrap();
    }
    let keys: Vec<_> =
        server.posted().iter().map(|posted| posted.headers["idempotency-key"].clone()).collect();
    assert!(keys[0].to_str().unwrap().starts_with("sha256-"));
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
    assert_eq!(keys[3], "mine");
}

#[tokio::test]
async fn what_is_not_valid_is_not_posted() {
    let folders = Folders::new();
    let server = Server::start(200, &[], "{}").await;
    let client = client_of(&folders, server.address).await;
    let told = populate(&client, json!({ "asset": { "$schema": "a", "n": "1" } })).await;
    assert_eq!((&told["reason"], &told["errors"][0]["path"]), (&json!("validation_failed"), &json!("/n")));
    for (arguments, path, msg) in [
        (json!({}), "", "asset must be an object"),
        (json!({ "asset": { "n": 1 } }), "/$schema", "top-level $schema is required"),
        (json!({ "asset": asset(), "schema": "b" }), "/schema", "there is no such schema"),
        (json!({ "asset": asset(), "validate_first": "false" }), "/validate_first", "must be true or false"),
        (
            json!({ "asset": asset(), "validate_first": false }),
            "/validate_first",
            "backend.allow_unvalidated",
        ),
        (json!({ "asset": asset(), "idempotency_key": "a\r\nb" }), "/idempotency_key", "visible ASCII"),
        (json!({ "asset": asset(), "idempotency_key": "" }), "/idempotency_key", "visible ASCII"),
        (
            json!({ "asset": { "$schema": "a", "x": "y".repeat(1 << 19), "z": "y".repeat(1 << 19) } }),
            "",
            "payload_too_large",
        ),
    ] {
        let told = populate(&client, arguments).await;
        assert_eq!(told["errors"][0]["path"], path, "{told}");
        assert!(told["errors"][0]["msg"].as_str().unwrap().contains(msg), "{told}");
    }
    assert!(server.posted().is_empty());
}

#[tokio::test]
async fn what_was_not_validated_is_posted_where_the_operator_allows_it() {
    let folders = Folders::new();
    let server = Server::start(200, &[], r#"{"id":"x"}"#).await;
    let backend = json!({ "url": format!("http://{}", server.address), "allow_unvalidated": true });
    let client = client(Settings { max_file_bytes: 64, ..settings(&folders, &backend) }).await;
    let told = populate(&client, json!({ "asset": { "n": "1" }, "validate_first": false })).await;
    assert_eq!(told["asset_id"], "x");
    // Validation is what happens unless it is turned off.
    assert_eq!(populate(&client, json!({ "asset": { "n": "1" } })).await["ok"], false);
    for (asset, msg) in
        [(json!([]), "asset must be an object"), (json!({ "x": "y".repeat(64) }), "payload_too_large")]
    {
        let told = populate(&client, json!({ "asset": asset, "validate_first": false })).await;
        assert_eq!(told["errors"], json!([{ "path": "", "msg": msg }]));
    }
    assert_eq!(server.posted().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_no_object_does_not_undo_a_success() {
    let folders = Folders::new();
    for (status, body, id) in [
        (200, "stored", json!("")),
        (204, "", json!("")),
        (200, r#"[{"id":1}]"#, json!(null)),
        (200, r#"{"id":"é"}"#, json!("é")),
    ] {
        let server = Server::start(status, &[], body).await;
        let told = populate(&client_of(&folders, server.address).await, json!({ "asset": asset() })).await;
        assert_eq!((&told["ok"], &told["asset_id"]), (&json!(true), &id), "{body}");
    }
    let server = Server::start(200, &[], vec![b' '; 1 << 20]).await;
    let told = populate(&client_of(&folders, server.address).await, json!({ "asset": asset() })).await;
    assert_eq!((&told["ok"], &told["asset_id"]), (&json!(true), &json!("")));
}

#[tokio::test]
async fn another_status_is_an_error_with_the_beginning_of_the_answer() {
    let folders = Folders::new();
    let failure = |status: u16, detail: &str| json!({ "ok": false, "reason": "backend_error", "status": status, "detail": detail });
    for (status, body) in [(422, "name: too short"), (500, "")] {
        let server = Server::start(status, &[], body).await;
        let told = populate(&client_of(&folders, server.address).await, json!({ "asset": asset() })).await;
        assert_eq!(told, failure(status, body));
        assert_eq!(server.posted().len(), 1, "nothing is tried again");
    }
    for length in [5_000, 60_000, 1 << 20] {
        let server = Server::start(500, &[], "x".repeat(length)).await;
        let told = populate(&client_of(&folders, server.address).await, json!({ "asset": asset() })).await;
        let detail = told["detail"].as_str().unwrap();
        assert!((2_000..=2_048).contains(&detail.len()) && detail.ends_with("x… [cut]"), "{detail}");
    }
}

#[tokio::test]
async fn a_body_that_never_ends_does_not_undo_the_status() {
    let folders = Folders::new();
    for status in [201, 422] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stalls = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            assert_ne!(stream.read(&mut [0; 1_024]).await.unwrap(), 0);
            let head = format!("HTTP/1.1 {status} Told\r\nContent-Length: 20\r\n\r\n{{\"id\":");
            stream.write_all(head.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        let mut settings = settings(&folders, &json!({ "url": url }));
        settings.backend.as_mut().unwrap().timeout = Duration::from_secs(1);
        let told = populate(&client(settings).await, json!({ "asset": asset() })).await;
        let expected = match status {
            201 => json!({ "ok": true, "asset_id": "", "backend_url": url }),
            _ => json!({ "ok": false, "reason": "backend_error", "status": 422, "detail": "… [cut]" }),
        };
        assert_eq!(told, expected);
        stalls.abort();
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let folders = Folders::new();
    let elsewhere = Server::start(200, &[], "{}").await;
    let server = Server::start(307, &[("location", format!("http://{}/", elsewhere.address))], "").await;
    let told = populate(&client_of(&folders, server.address).await, json!({ "asset": asset() })).await;
    assert_eq!(told, json!({ "ok": false, "reason": "backend_error", "status": 307, "detail": "" }));
    assert!(elsewhere.posted().is_empty());
}

#[tokio::test]
async fn a_backend_that_is_not_there_or_silent_is_unavailable() {
    let folders = Folders::new();
    let unavailable =
        |detail: &str| json!({ "ok": false, "reason": "backend_error", "status": 503, "detail": detail });
    // The port is taken and given back, so that nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let told = populate(&client_of(&folders, address).await, json!({ "asset": asset() })).await;
    assert_eq!(told, unavailable("network_unreachable"));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut settings = settings(&folders, &json!({ "url": url }));
    settings.backend.as_mut().unwrap().timeout = Duration::from_millis(50);
    let silent = client(settings).await;
    assert_eq!(populate(&silent, json!({ "asset": asset() })).await, unavailable("timeout"));

    let hangs_up = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream);
        }
    });
    let client = client_of(&folders, url.trim_start_matches("http://").parse().unwrap()).await;
    assert_eq!(populate(&client, json!({ "asset": asset() })).await, unavailable("connection_broken"));
    hangs_up.abort();
}
