//! How the era of an HTTP server is found out (DET-2, VER-L2), in bytes.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::time::Duration;

use latimer_client::{EraPreference, Options};
use latimer_protocol::{Era, Revision};
use support::{Answer, Server, error, http, json, legacy, modern, result, unexpected};
use tokio::sync::oneshot;

type Answering = fn(&support::Request) -> Answer;

const TOOLS: &str = r#"{"resultType":"complete","tools":[]}"#;

#[tokio::test]
async fn det_2_a_modern_server_is_asked_once_and_spoken_to_in_its_era() {
    let server = Server::start(modern(|request| result(request, TOOLS))).await;
    let client = server.connect(Options::default()).await.unwrap();
    let info = client.info();
    assert_eq!((info.era(), info.revision()), (Era::Modern, Revision::V2026_07_28));
    assert_eq!((info.name().as_deref(), info.version().as_deref()), (Some("small"), Some("7")));
    client.list_tools().await.unwrap();
    assert_eq!(server.methods(), ["server/discover", "tools/list"]);
    for request in server.seen() {
        assert_eq!(request.verb, "POST");
        assert_eq!(request.header("mcp-protocol-version"), Some("2026-07-28"));
        assert_eq!(request.header("mcp-method"), Some(request.method().as_str()));
        assert_eq!(request.header("accept"), Some("application/json, text/event-stream"));
        assert_eq!(request.header("content-type"), Some("application/json"));
        let meta = &request.json()["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
        assert_eq!(meta["io.modelcontextprotocol/clientInfo"]["name"], "latimer");
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object());
    }
}

#[tokio::test]
async fn det_2_what_is_no_modern_answer_leads_to_initialize() {
    let answers: [(&str, Answering); 9] = [
        ("an empty 400", |_| {
            Answer::Bytes("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_owned())
        }),
        ("a 404 page", |_| Answer::Bytes(http("404 Not Found", "text/html", "", "<html>no</html>"))),
        ("a 405", |_| Answer::Bytes("HTTP/1.1 405 No\r\nallow: GET\r\ncontent-length: 0\r\n\r\n".to_owned())),
        ("a 500", |_| Answer::Bytes(http("500 No", "text/plain", "", "oops"))),
        ("an unknown error in a 400", |request| error(request, "400 Bad Request", -32000, "null")),
        ("an unknown method in a 200", |request| error(request, "200 OK", -32601, "null")),
        ("a version error without versions", |request| error(request, "400 Bad Request", -32022, "{}")),
        ("a result of another shape", |request| result(request, "{}")),
        ("text that is no JSON", |_| json("200 OK", "{\"jsonrpc\":")),
    ];
    for (what, answer) in answers {
        let server = Server::start({
            let rest = legacy("2025-06-18", unexpected);
            move |request| if request.method() == "server/discover" { answer(request) } else { rest(request) }
        })
        .await;
        let client =
            server.connect(Options::default()).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(client.info().revision(), Revision::V2025_06_18, "{what}");
        assert_eq!(
            server.methods(),
            ["server/discover", "initialize", "notifications/initialized"],
            "{what}"
        );
        let initialize = server.first("initialize");
        assert_eq!(initialize.json()["params"]["protocolVersion"], "2025-11-25", "{what}");
        assert_eq!(initialize.header("mcp-session-id"), None);
        assert_eq!(initialize.header("mcp-protocol-version"), None);
        let initialized = server.first("notifications/initialized");
        assert_eq!(initialized.header("mcp-session-id"), Some("s-1"));
        assert_eq!(initialized.header("mcp-protocol-version"), Some("2025-06-18"));
    }
}

#[tokio::test]
async fn det_2_silence_leads_to_initialize() {
    let rest = legacy("2025-11-25", unexpected);
    let server = Server::start(move |request| match request.method().as_str() {
        "server/discover" => Answer::Held(String::new(), oneshot::channel().0),
        _ => rest(request),
    })
    .await;
    let mut options = Options::default();
    options.timeouts.probe = Duration::from_millis(100);
    assert_eq!(server.connect(options).await.unwrap().info().era(), Era::Legacy);
}

#[tokio::test]
async fn det_2_a_404_with_an_unknown_method_is_a_modern_answer() {
    let server = Server::start(|request| match request.method().as_str() {
        "server/discover" => error(request, "404 Not Found", -32601, "null"),
        _ => result(request, TOOLS),
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(client.info().era(), Era::Modern);
    client.list_tools().await.unwrap();
    assert_eq!(server.methods(), ["server/discover", "tools/list"]);
}

#[tokio::test]
async fn ver_3_a_server_of_other_versions_is_spoken_to_in_one_that_both_know() {
    let rest = legacy("2025-03-26", unexpected);
    let server = Server::start(move |request| match request.method().as_str() {
        "server/discover" => error(
            request,
            "400 Bad Request",
            -32022,
            r#"{"supported":["2099-01-01","2025-06-18","2025-03-26"],"requested":"2026-07-28"}"#,
        ),
        _ => rest(request),
    })
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(server.first("initialize").json()["params"]["protocolVersion"], "2025-06-18");
    assert_eq!(client.info().revision(), Revision::V2025_03_26);
}

#[tokio::test]
async fn ver_5_a_server_that_changes_its_mind_is_asked_once_more() {
    let rejected = std::sync::atomic::AtomicBool::new(false);
    let rest = modern(unexpected);
    let server = Server::start(move |request| {
        if rejected.swap(true, std::sync::atomic::Ordering::Relaxed) {
            return rest(request);
        }
        error(request, "400 Bad Request", -32022, r#"{"supported":["2026-07-28"],"requested":"x"}"#)
    })
    .await;
    assert_eq!(server.connect(Options::default()).await.unwrap().info().era(), Era::Modern);
    assert_eq!(server.methods(), ["server/discover", "server/discover"]);
}

#[tokio::test]
async fn a_server_without_a_common_version_ends_in_one_clear_error() {
    for supported in [r#"["2099-01-01"]"#, r#"["2026-07-28"]"#] {
        let data = format!(r#"{{"supported":{supported},"requested":"2026-07-28"}}"#);
        let server = Server::start(move |request| error(request, "400 Bad Request", -32022, &data)).await;
        let error = server.connect(Options::default()).await.unwrap_err().to_string();
        assert!(error.starts_with("agree on a revision: the server speaks 20"), "{error}");
        assert!(!server.methods().contains(&"initialize".to_owned()));
    }
}

#[tokio::test]
async fn ver_l2_an_unknown_version_from_initialize_is_refused() {
    let server = Server::start(legacy("2031-01-01", unexpected)).await;
    let error = server.connect(Options::default()).await.unwrap_err().to_string();
    assert!(error.contains("2031-01-01"), "{error}");
}

#[tokio::test]
async fn an_era_that_was_chosen_is_not_left() {
    let server = Server::start(legacy("2025-06-18", unexpected)).await;
    let only_modern = Options::default().with_era(EraPreference::Modern);
    let error = server.connect(only_modern).await.unwrap_err();
    assert!(error.to_string().starts_with("speak 2026-07-28 with this server: "), "{error}");
    assert_eq!(server.methods(), ["server/discover"]);

    let server = Server::start(legacy("2024-11-05", unexpected)).await;
    let legacy = Options::default().with_era(EraPreference::Legacy(Revision::V2025_03_26));
    server.connect(legacy).await.unwrap();
    assert_eq!(server.methods(), ["initialize", "notifications/initialized"]);
    assert_eq!(server.first("initialize").json()["params"]["protocolVersion"], "2025-03-26");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_wants_a_token_is_not_asked_twice() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let target = latimer_client::Target::http(&format!("http://{free}/mcp")).unwrap();
    let error = latimer_client::Client::connect(target, Options::default()).await.unwrap_err();
    assert!(error.is_unreachable());
    assert_eq!(error.to_string(), format!("connection refused by {free}; is the server running?"));

    let server = Server::start(|request| {
        let challenge = "www-authenticate: Bearer realm=\"x\"\r\n";
        let body = format!("{{\"was\":{:?}}}", request.header("authorization"));
        Answer::Bytes(http("401 Unauthorized", "application/json", challenge, &body))
    })
    .await;
    let error = server.connect(Options::default()).await.unwrap_err();
    assert!(error.is_auth() && !error.is_unreachable());
    assert_eq!((error.http_status(), error.challenge()), (Some(401), Some("Bearer realm=\"x\"")));
    assert_eq!(server.methods(), ["server/discover"]);
}
