//! Servers on TCP ports and Unix sockets, where every message is a line: detection (DET-1), tokens, TLS and the end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use latimer_client::{
    Authorization, BoxError, BoxFuture, Client, ClientError, ElicitationModes, EraPreference, Filter,
    Options, Target,
};
use latimer_protocol::wire::{ElicitAction, ElicitResult};
use latimer_protocol::{Era, RawJson, Revision};
use serde_json::{Value, json};
use support::lines::{self, Answer, Seen, echo, legacy, modern, result, silence};

fn raw(text: &str) -> RawJson {
    RawJson::parse(text.to_owned()).unwrap()
}

async fn connect(target: Target) -> Result<Client, ClientError> {
    Client::connect(target, Options::default()).await
}

/// Calls a tool and returns its structured content.
async fn call(client: &Client, arguments: &str) -> Value {
    client.call_tool("echo", raw(arguments)).await.unwrap().structured().unwrap().to().unwrap()
}

#[tokio::test]
async fn det_1_either_era_is_found_on_a_port_and_on_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    for era in [Era::Modern, Era::Legacy] {
        let manner = move |message: &Value| match era {
            Era::Modern => modern(echo)(message),
            Era::Legacy => legacy(echo)(message),
        };
        let path = folder.path().join(format!("{era:?}"));
        let name = format!("latimer-test-{}-{era:?}", std::process::id());
        let (tcp, on_port) = lines::tcp(manner).await;
        let mut servers = vec![(tcp, on_port)];
        let file = Target::parse(&format!("unix:{}", path.display())).unwrap();
        servers.push((file, lines::unix(&path, manner)));
        if cfg!(target_os = "linux") {
            let sight = lines::unix(Path::new(&format!("\0{name}")), manner);
            servers.push((Target::parse(&format!("unix:@{name}")).unwrap(), sight));
        }
        for (target, mut sight) in servers {
            let client = connect(target).await.unwrap();
            assert_eq!(client.info().era(), era);
            assert_eq!(call(&client, r#"{"text":"a\nß"}"#).await, json!({"text": "a\nß"}));
            client.close().await;
            assert!(client.ping().await.unwrap_err().is_closed());
            let handshake: &[&str] = match era {
                Era::Modern => &["server/discover"],
                Era::Legacy => &["server/discover", "initialize", "notifications/initialized"],
            };
            assert_eq!(sight.methods().await, [handshake, &["tools/call"]].concat());
        }
    }
}

#[tokio::test]
async fn det_1_a_server_that_hangs_up_on_the_probe_is_initialised_on_a_new_connection() {
    let manner = |message: &Value| match message["method"].as_str() {
        Some("server/discover") => Answer::Last(Vec::new()),
        _ => legacy(echo)(message),
    };
    let (target, mut sight) = lines::tcp(manner).await;
    let client = connect(target.clone()).await.unwrap();
    assert_eq!(client.info().revision(), Revision::V2025_06_18);
    client.close().await;
    assert_eq!(sight.methods().await, ["server/discover"]);
    assert_eq!(sight.methods().await, ["initialize", "notifications/initialized"]);
    let only_modern = Options::default().with_era(EraPreference::Modern);
    let error = Client::connect(target, only_modern).await.unwrap_err().to_string();
    assert!(error.contains("the server closed the connection"), "{error}");
}

#[tokio::test]
async fn two_hundred_calls_at_once_share_a_socket() {
    let (target, _sight) = lines::tcp(modern(echo)).await;
    let client = connect(target).await.unwrap();
    let calls: Vec<_> = (0..200)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                assert_eq!(call(&client, &format!("{{\"n\":{number}}}")).await, json!({"n": number}));
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

#[tokio::test]
async fn el_1_a_legacy_servers_question_is_answered_on_the_socket() {
    let asked = json!({"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {
        "message": "Who?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
    }});
    let call_id = Arc::new(AtomicUsize::new(0));
    let manner = legacy(move |message: &Value| match message["method"].as_str() {
        Some("tools/call") => {
            call_id.store(message["id"].as_u64().unwrap() as usize, Ordering::SeqCst);
            Answer::Lines(vec![asked.clone()])
        }
        None => {
            let call = json!({"id": call_id.load(Ordering::SeqCst)});
            Answer::Lines(vec![result(
                &call,
                &json!({"content": [], "structuredContent": message["result"]}),
            )])
        }
        _ => silence(),
    });
    let (target, _sight) = lines::tcp(manner).await;
    let options = Options::default().with_elicitation(ElicitationModes::Form, |_| async {
        Ok(ElicitResult { action: ElicitAction::Accept, content: Some(raw(r#"{"name":"Ada"}"#)) })
    });
    let client = Client::connect(target, options).await.unwrap();
    assert_eq!(call(&client, "{}").await, json!({"action": "accept", "content": {"name": "Ada"}}));
}

#[tokio::test]
async fn can_1_a_dropped_call_is_cancelled_even_if_the_connection_closes_right_after() {
    for era in [Era::Modern, Era::Legacy] {
        let (target, mut sight) = match era {
            Era::Modern => lines::tcp(modern(|_| silence())).await,
            Era::Legacy => lines::tcp(legacy(|_| silence())).await,
        };
        let client = connect(target).await.unwrap();
        let never = client.call_tool("never", raw("{}")).timeout(Duration::from_millis(50));
        assert!(never.await.unwrap_err().is_timeout());
        client.close().await;
        let methods = sight.methods().await;
        assert_eq!(methods[methods.len() - 2..], ["tools/call", "notifications/cancelled"], "{era:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_fails_the_calls_in_flight_and_those_to_come() {
    let (target, _sight) = lines::tcp(modern(|_| Answer::Last(Vec::new()))).await;
    let Target::Tcp(address) = &target else { panic!() };
    let address = address.to_string();
    let client = connect(target).await.unwrap();
    for _ in 0..2 {
        let error = client.call_tool("echo", raw("{}")).await.unwrap_err();
        assert!(error.is_closed() && !error.is_unreachable());
        assert_eq!(
            error.to_string(),
            format!("talk to {address}: the server closed the connection; connect anew")
        );
    }
}

#[tokio::test]
async fn what_is_watched_in_a_session_ends_with_the_connection() {
    let (target, _sight) = lines::tcp(legacy(|_| Answer::Last(Vec::new()))).await;
    let client = connect(target).await.unwrap();
    let mut subscription = client.listen(Filter::lists()).await.unwrap();
    client.ping().await.unwrap_err();
    let error = subscription.next().await.unwrap_err();
    assert!(error.to_string().contains("the server closed the connection"), "{error}");
    let late = client.listen(Filter::lists()).await.unwrap().next().await.unwrap_err();
    assert!(late.is_closed(), "{late}");
}

#[tokio::test]
async fn a_message_beyond_the_limit_fails_its_call_and_no_other() {
    let manner = modern(|message: &Value| match message["params"]["name"].as_str() {
        Some("large") => {
            Answer::Lines(vec![result(message, &json!({"content": [], "x": "x".repeat(300_000)}))])
        }
        _ => echo(message),
    });
    let (target, _sight) = lines::tcp(manner).await;
    let mut options = Options::default();
    options.limits.message = 200_000;
    let client = Client::connect(target, options).await.unwrap();
    let error = client.call_tool("large", raw("{}")).await.unwrap_err().to_string();
    assert!(error.contains("larger than 200000 bytes"), "{error}");
    assert_eq!(call(&client, r#"{"n":1}"#).await, json!({"n": 1}));
}

#[tokio::test]
async fn a_server_that_reads_nothing_keeps_neither_calls_nor_the_end_waiting() {
    let (target, _sight) = lines::tcp(modern(|_| Answer::Sleep)).await;
    let mut options = Options::default();
    options.timeouts.shutdown = Duration::from_millis(50);
    let client = Client::connect(target, options).await.unwrap();
    let large = format!("{{\"text\":\"{}\"}}", "x".repeat(4 * 1024 * 1024));
    for _ in 0..3 {
        let call = client.call_tool("echo", raw(&large)).timeout(Duration::from_millis(50));
        assert!(call.await.unwrap_err().is_timeout());
    }
    client.close().await;
    assert!(client.ping().await.unwrap_err().is_closed());
}

#[tokio::test]
async fn dropping_the_client_closes_the_connection() {
    let (target, mut sight) = lines::tcp(modern(echo)).await;
    drop(connect(target).await.unwrap());
    assert_eq!(sight.methods().await, ["server/discover"]);
}

#[tokio::test]
async fn where_nobody_listens_the_address_is_named() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let gone = folder.path().join("gone");
    drop(std::os::unix::net::UnixListener::bind(&gone).unwrap());
    let refused = |address: &str| format!("connection refused by {address}; is the server running?");
    let (tcp, unix) = (format!("tcp://{free}"), format!("unix:{}", gone.display()));
    let missing = format!("unix:{}", folder.path().join("none").display());
    let absent = format!("reach {missing}: there is no such socket; is the server running?");
    for (address, said) in [(&tcp, refused(&tcp)), (&unix, refused(&unix)), (&missing, absent)] {
        let error = connect(Target::parse(address).unwrap()).await.unwrap_err();
        assert!(error.is_unreachable(), "{address}");
        assert_eq!(error.to_string(), said);
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_tls_handshake_is_given_up() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut options = Options::default();
    options.timeouts.connect = Duration::from_millis(50);
    let target = Target::parse(&format!("tls://localhost:{port}")).unwrap();
    let error = Client::connect(target, options).await.unwrap_err();
    assert!(error.is_unreachable() && error.to_string().contains("no TLS handshake within 50ms"), "{error}");
}

#[tokio::test]
async fn tls_trusts_an_authority_from_a_file_and_no_other() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, key.cert.pem()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![key.cert.der().clone()],
            rustls_pki_types::PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()).into(),
        )
        .unwrap();
    let (target, mut sight) = lines::tls(Arc::new(tls).into(), modern(echo)).await;
    let error = connect(target.clone()).await.unwrap_err();
    assert!(error.is_unreachable() && error.to_string().contains("certificate"), "{error}");
    let mut options = Options::default();
    options.extra_ca = Some(ca);
    let client = Client::connect(target, options).await.unwrap();
    assert_eq!(call(&client, r#"{"n":1}"#).await, json!({"n": 1}));
    client.close().await;
    assert_eq!(sight.methods().await, ["server/discover", "tools/call"]);
}

/// A server that wants the token `hunter2` in the first message.
fn guarded(rest: impl Fn(&Value) -> Answer) -> impl Fn(&Value) -> Answer {
    move |message| match (message["method"].as_str(), message["params"]["token"].as_str()) {
        (Some("auth"), Some("hunter2")) => Answer::Lines(vec![result(message, &json!({}))]),
        (Some("auth"), _) => Answer::Last(vec![lines::error(message, -32000)]),
        _ => rest(message),
    }
}

#[tokio::test]
async fn the_token_is_the_first_message_of_every_connection() {
    // The probe costs it the connection, so that there are two.
    let manner = guarded(|message: &Value| match message["method"].as_str() {
        Some("server/discover") => Answer::Last(Vec::new()),
        _ => legacy(echo)(message),
    });
    let (target, mut sight) = lines::tcp(manner).await;
    let options = Options::default().with_bearer("hunter2").unwrap();
    let client = Client::connect(target, options).await.unwrap();
    client.close().await;
    assert_eq!(sight.methods().await, ["auth", "server/discover"]);
    assert_eq!(sight.methods().await, ["auth", "initialize", "notifications/initialized"]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a socket");
    let mut sight = lines::unix(&path, guarded(modern(echo)));
    let target = Target::parse(&format!("unix:{}", path.display())).unwrap();
    let options = Options::default().with_bearer("hunter2").unwrap();
    Client::connect(target, options).await.unwrap().close().await;
    assert_eq!(sight.methods().await, ["auth", "server/discover"]);
}

#[tokio::test]
async fn nothing_is_said_to_a_server_that_refuses_the_token() {
    let (target, mut sight) = lines::tcp(guarded(modern(echo))).await;
    let options = Options::default().with_bearer("wrong").unwrap();
    let error = Client::connect(target, options).await.unwrap_err();
    assert!(error.is_auth() && error.rpc().is_some_and(|error| error.code.0 == -32000));
    assert_eq!(
        error.to_string(),
        "get past the server's check of tokens: it answered: no (-32000); give a token that it accepts"
    );
    assert_eq!(sight.next().await, Seen::Opened);
    let Seen::Message(first) = sight.next().await else { panic!() };
    let expected = json!({"jsonrpc": "2.0", "id": 1, "method": "auth", "params": {"token": "wrong"}});
    assert_eq!(first, expected);
    // After the refusal it hangs up.
    assert_eq!(sight.next().await, Seen::Ended);
}

/// Credentials of another kind.
#[derive(Debug)]
struct Basic;

impl Authorization for Basic {
    fn header<'a>(&'a self, url: &'a url::Url) -> BoxFuture<'a, Result<Option<http::HeaderValue>, BoxError>> {
        assert_eq!(url.scheme(), "tcp");
        Box::pin(async { Ok(Some(http::HeaderValue::from_static("Basic YTpi"))) })
    }
}

#[tokio::test]
async fn credentials_of_another_kind_are_not_sent() {
    let (target, mut sight) = lines::tcp(guarded(modern(echo))).await;
    let mut options = Options::default();
    options.authorization = Some(Arc::new(Basic));
    let error = Client::connect(target, options).await.unwrap_err();
    assert!(error.is_auth() && error.to_string().contains("bearer tokens alone"), "{error}");
    assert_eq!(sight.methods().await, Vec::<String>::new());
}
