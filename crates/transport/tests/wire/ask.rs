//! What handlers ask of clients (MRTR-1 to MRTR-9, EL-1 to EL-4, SA-1, RO-1), on both transports and in every era.

use std::time::Duration;

use latimer_core::Limits;
use latimer_store::Store;
use serde_json::{Value, json};

use super::client::{Ask, Connection, MODERN, Stream, call, in_time};
use super::server::{Server, Setup, engine, reaches};
use super::stdio::Pipe;

/// What a client declares, and answers.
#[derive(Clone)]
pub(crate) struct Answering {
    capabilities: Value,
    /// By method.
    answers: Vec<(&'static str, Value)>,
}

impl Answering {
    /// A client that can do everything.
    pub(crate) fn all() -> Self {
        let capabilities =
            json!({ "elicitation": { "form": {}, "url": {} }, "sampling": { "tools": {} }, "roots": {} });
        Self { capabilities, answers: Vec::new() }
    }

    fn with(mut self, method: &'static str, answer: Value) -> Self {
        self.answers.retain(|(other, _)| *other != method);
        self.answers.push((method, answer));
        self
    }

    fn answer(&self, method: &str) -> Value {
        let answer = self.answers.iter().find(|(known, _)| *known == method);
        answer.unwrap_or_else(|| panic!("asked {method}")).1.clone()
    }
}

/// A client that can do everything and does it.
pub(crate) fn answers() -> Answering {
    Answering::all()
        .with("elicitation/create", json!({ "action": "accept", "content": { "name": "Ada" } }))
        .with(
            "sampling/createMessage",
            json!({ "role": "assistant", "content": { "type": "text", "text": "hm" }, "model": "m" }),
        )
        .with("roots/list", json!({ "roots": [{ "uri": "file:///a" }, { "uri": "file:///b" }] }))
}

/// The parameters of a modern request whose client declares what it can.
pub(crate) fn able(mut params: Value, client: &Answering) -> Value {
    params["_meta"] = json!({ "io.modelcontextprotocol/clientCapabilities": client.capabilities });
    params
}

/// A modern call over HTTP to its end.
pub(crate) async fn modern_call(server: &Server, tool: &str, client: &Answering) -> Value {
    let mut peer = Peer::ModernHttp(server);
    peer.request("tools/call", call(tool), client).await
}

/// A client in one era on one transport.
enum Peer<'s> {
    ModernHttp(&'s Server),
    ModernPipe(Pipe),
    Session(&'s Server, String),
    LegacyPipe(Pipe),
}

impl Peer<'_> {
    /// Sends a request, answers what is asked meanwhile, and returns the response.
    async fn request(&mut self, method: &str, params: Value, client: &Answering) -> Value {
        match self {
            Self::ModernHttp(_) | Self::ModernPipe(_) => self.rounds(method, params, client).await,
            Self::Session(server, session) => {
                let ask = Ask::legacy(session, 1, method, &params);
                let mut stream = match Stream::try_open(server, &ask).await {
                    Ok(stream) => stream,
                    Err(answer) => return answer.json(),
                };
                loop {
                    let message = stream.next_message().await.expect("the response comes");
                    if let Some(answer) = reply(&message, client) {
                        let answer = Ask::post(answer.to_string()).with("Mcp-Session-Id", session);
                        assert_eq!(server.ask(&answer).await.status(), 202);
                    } else if message.get("method").is_none() {
                        return message;
                    }
                }
            }
            Self::LegacyPipe(pipe) => {
                pipe.send(Ask::legacy("", 1, method, &params).body).await;
                loop {
                    let message = pipe.next().await;
                    if let Some(answer) = reply(&message, client) {
                        pipe.send(answer.to_string()).await;
                    } else if message.get("method").is_none() {
                        return message;
                    }
                }
            }
        }
    }

    async fn rounds(&mut self, method: &str, params: Value, client: &Answering) -> Value {
        let mut params = able(params, client);
        let mut id = 0;
        loop {
            id += 1;
            let ask = Ask::modern_with_id(json!(id), method, params.clone());
            let answer = match self {
                Self::ModernHttp(server) => server.ask(&ask).await.json(),
                Self::ModernPipe(pipe) => {
                    pipe.send(ask.body).await;
                    pipe.next().await
                }
                _ => unreachable!(),
            };
            let result = &answer["result"];
            if result["resultType"] != "input_required" {
                return answer;
            }
            // MRTR-2: no hints for caches.
            assert_eq!((result.get("ttlMs"), result.get("cacheScope")), (None, None), "{result}");
            let mut responses = json!({});
            for (key, question) in result["inputRequests"].as_object().unwrap() {
                responses[key] = client.answer(question["method"].as_str().unwrap());
            }
            params["inputResponses"] = responses;
            params["requestState"] = result["requestState"].clone();
        }
    }
}

/// The answer to a message, if it asks something.
fn reply(message: &Value, client: &Answering) -> Option<Value> {
    let (id, method) = (message.get("id")?, message.get("method")?);
    let answer = client.answer(method.as_str().unwrap());
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": answer }))
}

fn initialize(revision: &str, client: &Answering) -> Vec<u8> {
    let info = json!({ "name": "wire", "version": "1" });
    let params =
        json!({ "protocolVersion": revision, "capabilities": client.capabilities, "clientInfo": info });
    json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }).to_string().into_bytes()
}

async fn session(server: &Server, revision: &str, client: &Answering) -> String {
    let answer = server.ask(&Ask::post(initialize(revision, client))).await;
    answer.header("mcp-session-id").unwrap().to_owned()
}

async fn legacy_pipe(setup: &Setup, revision: &str, client: &Answering) -> Pipe {
    let (engine, bench) = engine(setup).await;
    let mut pipe = Pipe::to(engine, bench);
    pipe.send(initialize(revision, client)).await;
    assert_eq!(pipe.next().await["result"]["protocolVersion"], revision);
    pipe
}

/// Runs a test with a client of every era on every transport, whose handlers run as they do in debug builds and as
/// they do in release builds.
async fn everywhere(
    revisions: &[&str],
    client: &Answering,
    mut test: impl AsyncFnMut(&str, &mut Peer<'_>, &super::server::Bench),
) {
    for reruns in [true, false] {
        let setup = || Setup { reruns: Some(reruns), ..Setup::default() };
        for &revision in revisions {
            let name = format!("{revision}, reruns {reruns}");
            let server = Server::with(setup()).await;
            if revision == MODERN {
                test(&name, &mut Peer::ModernHttp(&server), &server.bench).await;
                let (engine, bench) = engine(&setup()).await;
                let pipe = Pipe::to(engine, bench.clone());
                test(&name, &mut Peer::ModernPipe(pipe), &bench).await;
                continue;
            }
            if revision != "2024-11-05" {
                let session = session(&server, revision, client).await;
                test(&name, &mut Peer::Session(&server, session), &server.bench).await;
            }
            let pipe = legacy_pipe(&setup(), revision, client).await;
            let bench = pipe.bench.clone();
            test(&name, &mut Peer::LegacyPipe(pipe), &bench).await;
        }
    }
}

const ALL: &[&str] = &["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN];
const FORMS: &[&str] = &["2025-06-18", "2025-11-25", MODERN];

fn said(response: &Value) -> &str {
    response["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text: {response}"))
}

#[tokio::test]
async fn sa_1_ro_1_models_and_roots_are_asked_in_every_era() {
    let client = answers();
    everywhere(ALL, &client, async |name, peer, _| {
        let sampled = peer.request("tools/call", call("asks_the_model"), &client).await;
        assert_eq!(said(&sampled), "hm", "{name}");
        let listed = peer.request("tools/call", call("asks_for_roots"), &client).await;
        assert_eq!(said(&listed), "file:///a file:///b", "{name}");
    })
    .await;
}

#[tokio::test]
async fn el_3_users_answer_decline_and_cancel() {
    let client = answers();
    everywhere(FORMS, &client, async |name, peer, _| {
        let answer = peer.request("tools/call", call("elicits"), &client).await;
        assert_eq!(said(&answer), "Ada", "{name}");
        for (action, words) in [("decline", "declined"), ("cancel", "turned away")] {
            let client = client.clone().with("elicitation/create", json!({ "action": action }));
            let answer = peer.request("tools/call", call("elicits"), &client).await;
            assert_eq!(answer["result"]["isError"], true, "{name}");
            assert!(said(&answer).contains(words), "{name}: {answer}");
        }
    })
    .await;
}

#[tokio::test]
async fn mrtr_1_prompts_and_resources_ask_too_and_nothing_else_does() {
    let client = answers();
    everywhere(FORMS, &client, async |name, peer, _| {
        let prompt = peer.request("prompts/get", json!({ "name": "asks" }), &client).await;
        assert_eq!(prompt["result"]["messages"][0]["content"]["text"], "Ada", "{name}: {prompt}");
        let read = peer.request("resources/read", json!({ "uri": "test://asks" }), &client).await;
        assert_eq!(read["result"]["contents"][0]["text"], "Ada", "{name}: {read}");
        let complete = json!({
            "ref": { "type": "ref/prompt", "name": "asks" }, "argument": { "name": "who", "value": "" },
        });
        let completed = peer.request("completion/complete", complete, &client).await;
        assert_eq!(completed["result"]["completion"]["values"], json!(["misplaced"]), "{name}");
    })
    .await;
}

#[tokio::test]
async fn mrtr_1_lists_and_the_server_s_description_never_ask() {
    let server = Server::start().await;
    for method in
        ["server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list"]
    {
        // Not even where somebody answers.
        let mut params = able(json!({}), &answers());
        params["inputResponses"] = json!({ "name": { "action": "accept", "content": { "name": "Ada" } } });
        let answer = server.ask(&Ask::modern(method, params)).await;
        assert_eq!(answer.json()["result"]["resultType"], "complete", "{method}: {}", answer.text());
    }
}

#[tokio::test]
async fn several_questions_and_rounds_make_each_value_once() {
    let client = answers();
    everywhere(FORMS, &client, async |name, peer, bench| {
        let both = peer.request("tools/call", call("two_at_once"), &client).await;
        assert_eq!(said(&both), "Ada hm", "{name}");
        let rounds = peer.request("tools/call", call("two_rounds"), &client).await;
        assert_eq!(said(&rounds), "Ada Ada 123 null", "{name}");
        assert_eq!(*bench.made.borrow(), 3, "{name}");
        let inside = peer.request("tools/call", call("asks_inside_once"), &client).await;
        assert_eq!(said(&inside), "Ada Ada", "{name}");
        assert_eq!(*bench.made.borrow(), 4, "{name}");
        let spawned = peer.request("tools/call", call("spawns"), &client).await;
        assert_eq!(said(&spawned), "misplaced", "{name}");
    })
    .await;
}

#[tokio::test]
async fn mrtr_2_what_is_asked_together_reaches_a_modern_client_in_one_round() {
    let server = Server::start().await;
    let params = able(call("two_at_once"), &answers());
    let answer = server.ask(&Ask::modern("tools/call", params)).await;
    let requests = &answer.json()["result"]["inputRequests"];
    assert_eq!(requests["name"]["method"], "elicitation/create");
    assert_eq!(requests["name"]["params"]["mode"], "form");
    assert_eq!(requests["model"]["method"], "sampling/createMessage");
    assert_eq!(requests.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn an_author_who_swallows_errors_does_not_get_past_a_question() {
    let server = Server::start().await;
    let params = able(call("swallows"), &answers());
    let answer = server.ask(&Ask::modern("tools/call", params)).await;
    assert_eq!(answer.json()["result"]["resultType"], "input_required");
    assert_eq!(*server.bench.made.borrow(), 0);
    assert_eq!(said(&modern_call(&server, "swallows", &answers()).await), "Ada");
    // Even an answer of the wrong shape is not swallowed.
    let bad = answers().with("elicitation/create", json!({ "action": "perhaps" }));
    assert_eq!(modern_call(&server, "swallows", &bad).await["error"]["code"], -32602);
    assert_eq!(*server.bench.made.borrow(), 1);
}

#[tokio::test]
async fn mrtr_3_what_a_client_did_not_declare_is_not_asked() {
    let nothing = Answering { capabilities: json!({}), answers: Vec::new() };
    everywhere(ALL, &nothing, async |name, peer, _| {
        let modern = matches!(peer, Peer::ModernHttp(_) | Peer::ModernPipe(_));
        for tool in ["elicits", "asks_the_model", "asks_for_roots"] {
            let answer = peer.request("tools/call", call(tool), &nothing).await;
            if modern {
                assert_eq!(answer["error"]["code"], -32021, "{name} {tool}: {answer}");
                assert!(answer["error"]["data"]["requiredCapabilities"].is_object(), "{answer}");
            } else {
                assert_eq!(answer["result"]["isError"], true, "{name} {tool}: {answer}");
            }
        }
        let answer = peer.request("tools/call", call("elicits_indeed"), &nothing).await;
        assert_eq!(answer["error"]["code"], if modern { -32021 } else { -32602 }, "{name}");
    })
    .await;
    let server = Server::start().await;
    let answer = server.ask(&Ask::modern("tools/call", call("elicits"))).await;
    assert_eq!(answer.status(), 400);
    // A mode that was not declared is none either.
    let pages = Answering { capabilities: json!({ "elicitation": { "url": {} } }), answers: Vec::new() };
    assert_eq!(modern_call(&server, "elicits", &pages).await["error"]["code"], -32021);
}

#[tokio::test]
async fn mrtr_6_answers_of_the_wrong_shape_are_invalid() {
    let server = Server::start().await;
    for (tool, method, answer) in [
        ("elicits", "elicitation/create", json!({})),
        ("elicits", "elicitation/create", json!("accept")),
        ("elicits", "elicitation/create", json!(["accept", { "name": "Ada" }])),
        ("elicits", "elicitation/create", json!({ "action": "maybe" })),
        ("elicits", "elicitation/create", json!(null)),
        ("asks_the_model", "sampling/createMessage", json!({ "content": [] })),
        ("asks_the_model", "sampling/createMessage", json!({ "action": "accept" })),
        ("asks_for_roots", "roots/list", json!({ "roots": "none" })),
        ("asks_for_roots", "roots/list", json!([])),
    ] {
        let client = answers().with(method, answer.clone());
        let response = modern_call(&server, tool, &client).await;
        assert_eq!(response["error"]["code"], -32602, "{tool} {answer}: {response}");
    }
    server.assert_serves().await;
}

#[tokio::test]
async fn mrtr_6_a_form_that_does_not_fit_is_asked_again_and_strangers_are_ignored() {
    let server = Server::start().await;
    let mut params = able(call("elicits"), &answers());
    let answer = server.ask(&Ask::modern("tools/call", params.clone())).await.json();
    params["requestState"] = answer["result"]["requestState"].clone();
    for (responses, words) in [
        (json!({}), "Your name?"),
        (json!({ "other": { "action": "accept" } }), "Your name?"),
        (json!({ "name": { "action": "accept" } }), "did not fit"),
        (json!({ "name": { "action": "accept", "content": { "name": "A" } } }), "/name"),
        (json!({ "name": { "action": "accept", "content": { "name": 7 } } }), "/name"),
    ] {
        params["inputResponses"] = responses.clone();
        let answer = server.ask(&Ask::modern("tools/call", params.clone())).await.json();
        let message = &answer["result"]["inputRequests"]["name"]["params"]["message"];
        assert!(message.as_str().is_some_and(|text| text.contains(words)), "{responses}: {answer}");
    }
    for wrong in [json!([]), json!(1)] {
        params["inputResponses"] = wrong;
        assert_eq!(server.ask(&Ask::modern("tools/call", params.clone())).await.code(), Some(-32602));
    }
}

/// The question that a session's call asks first.
async fn question(stream: &mut Stream) -> Value {
    let message = stream.next_message().await.expect("a question");
    assert!(message["method"].is_string() && message["id"].is_string(), "{message}");
    message
}

fn answer(id: &Value, name: &str) -> String {
    let result = json!({ "action": "accept", "content": { "name": name } });
    json!({ "jsonrpc": "2.0", "id": id, "result": result }).to_string()
}

#[tokio::test]
async fn a_question_of_a_session_is_answered_by_it_and_once() {
    for reruns in [true, false] {
        let server = Server::with(Setup { reruns: Some(reruns), ..Setup::default() }).await;
        let (own, other) = (
            session(&server, "2025-11-25", &answers()).await,
            session(&server, "2025-11-25", &answers()).await,
        );
        let ask = Ask::legacy(&own, 1, "tools/call", &call("two_rounds"));
        let mut stream = Stream::open(&server, &ask).await;
        let first = question(&mut stream).await["id"].clone();
        // None of these is an answer.
        for (session, id) in
            [(&other, first.clone()), (&own, json!("latimer-0000000000000000")), (&own, json!(1))]
        {
            let ask = Ask::post(answer(&id, "Eve")).with("Mcp-Session-Id", session);
            assert_eq!(server.ask(&ask).await.status(), 202);
        }
        let good = Ask::post(answer(&first, "Ada")).with("Mcp-Session-Id", &own);
        assert_eq!(server.ask(&good).await.status(), 202);
        let second = question(&mut stream).await["id"].clone();
        assert_ne!(first, second);
        // Twice, and late.
        let late = Ask::post(answer(&first, "Eve")).with("Mcp-Session-Id", &own);
        assert_eq!(server.ask(&late).await.status(), 202);
        let good = Ask::post(answer(&second, "Bo")).with("Mcp-Session-Id", &own);
        assert_eq!(server.ask(&good).await.status(), 202);
        let response = stream.next_message().await.unwrap();
        assert_eq!(said(&response), "Ada Bo 123 null");
        assert_eq!(server.ask(&good).await.status(), 202);
        server.assert_serves().await;
    }
}

#[tokio::test]
async fn lh_9_another_user_answers_nothing() {
    let tokens = vec![("token-of-alice", "alice"), ("token-of-bob", "bob")];
    let server = Server::with(Setup { tokens, ..Setup::default() }).await;
    let (alice, bob) = ("Bearer token-of-alice", "Bearer token-of-bob");
    let opened = Ask::post(initialize("2025-11-25", &answers())).with("Authorization", alice);
    let session = server.ask(&opened).await.header("mcp-session-id").unwrap().to_owned();
    let ask = Ask::legacy(&session, 1, "tools/call", &call("elicits")).with("Authorization", alice);
    let mut stream = Stream::open(&server, &ask).await;
    let id = question(&mut stream).await["id"].clone();
    let post = |name: &str, who: &str| {
        Ask::post(answer(&id, name)).with("Mcp-Session-Id", &session).with("Authorization", who)
    };
    assert_eq!(server.ask(&post("Eve", bob)).await.status(), 404);
    assert_eq!(server.ask(&post("Ada", alice)).await.status(), 202);
    assert_eq!(said(&stream.next_message().await.unwrap()), "Ada");
}

#[tokio::test]
async fn a_refusal_of_the_client_is_told() {
    let mut pipe = legacy_pipe(&Setup::default(), "2025-11-25", &answers()).await;
    pipe.send(Ask::legacy("", 1, "tools/call", &call("asks_the_model")).body).await;
    let id = pipe.next().await["id"].clone();
    let error = json!({ "code": -1, "message": "the user does not want that" });
    pipe.send(json!({ "jsonrpc": "2.0", "id": id, "error": error }).to_string()).await;
    let response = pipe.next().await;
    assert_eq!(response["result"]["isError"], true);
    assert!(said(&response).contains("the user does not want that"), "{response}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_answers_is_given_up_and_its_time_does_not_count() {
    for reruns in [true, false] {
        let limits = Limits {
            call_timeout: Duration::from_secs(2),
            call_timeout_total: Duration::from_secs(3),
            answer_timeout: Duration::from_secs(30),
            ..Limits::default()
        };
        let setup = Setup { limits, reruns: Some(reruns), ..Setup::default() };
        let mut pipe = legacy_pipe(&setup, "2025-11-25", &answers()).await;
        let before = tokio::time::Instant::now();
        pipe.send(Ask::legacy("", 1, "tools/call", &call("elicits")).body).await;
        let id = pipe.next().await["id"].clone();
        // The client need not ask its user any longer (CAN-1).
        let withdrawn = pipe.next().await;
        assert_eq!(withdrawn["method"], "notifications/cancelled", "{withdrawn}");
        assert_eq!(withdrawn["params"]["requestId"], id);
        let response = pipe.next().await;
        assert!(said(&response).contains("did not answer in time"), "{response}");
        assert!(before.elapsed() >= Duration::from_secs(30));
        // Too late.
        pipe.send(answer(&id, "Ada")).await;
        pipe.send(Ask::legacy("", 2, "ping", &json!({})).body).await;
        assert_eq!(pipe.next().await["id"], 2);
    }
}

#[tokio::test]
async fn a_question_that_is_not_awaited_any_longer_is_withdrawn() {
    let setup = Setup { reruns: Some(false), ..Setup::default() };
    let mut pipe = legacy_pipe(&setup, "2025-11-25", &answers()).await;
    pipe.send(Ask::legacy("", 1, "tools/call", &call("gives_up")).body).await;
    let id = pipe.next().await["id"].clone();
    pipe.bench.gate.add_permits(1);
    let withdrawn = pipe.next().await;
    assert_eq!(withdrawn["method"], "notifications/cancelled");
    assert_eq!(withdrawn["params"]["requestId"], id);
    assert_eq!(said(&pipe.next().await), "gave up");
    // In rounds the question comes first: nobody waits meanwhile.
    let server = Server::start().await;
    assert_eq!(said(&modern_call(&server, "gives_up", &answers()).await), "Ada");
}

#[tokio::test]
async fn can_1_a_call_that_is_cancelled_asks_nothing_more() {
    for reruns in [true, false] {
        let setup = Setup { reruns: Some(reruns), ..Setup::default() };
        let mut pipe = legacy_pipe(&setup, "2025-11-25", &answers()).await;
        pipe.send(Ask::legacy("", 7, "tools/call", &call("elicits")).body).await;
        let id = pipe.next().await["id"].clone();
        let cancelled = json!({ "requestId": 7 });
        let cancelled = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancelled });
        pipe.send(cancelled.to_string()).await;
        pipe.send(answer(&id, "Ada")).await;
        pipe.send(Ask::legacy("", 8, "ping", &json!({})).body).await;
        loop {
            let message = pipe.next().await;
            assert_ne!(message["id"], 7, "{message}");
            if message["id"] == 8 {
                break;
            }
        }
    }
}

#[tokio::test]
async fn an_answer_may_arrive_at_another_instance() {
    for reruns in [true, false] {
        let store = Store::memory();
        let setup = || Setup { store: Some(store.clone()), reruns: Some(reruns), ..Setup::default() };
        let (here, there) = (Server::with(setup()).await, Server::with(setup()).await);
        let session = session(&here, "2025-11-25", &answers()).await;
        let mut stream =
            Stream::open(&here, &Ask::legacy(&session, 1, "tools/call", &call("two_rounds"))).await;
        for name in ["Ada", "Bo"] {
            let id = question(&mut stream).await["id"].clone();
            let post = Ask::post(answer(&id, name)).with("Mcp-Session-Id", &session);
            assert_eq!(there.ask(&post).await.status(), 202);
            // The first answer counts, wherever the second one arrives.
            assert_eq!(there.ask(&post.with_body(answer(&id, "Eve"))).await.status(), 202);
        }
        assert_eq!(said(&stream.next_message().await.unwrap()), "Ada Bo 123 null");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_not_waited_for() {
    let server = Server::with(Setup { reruns: Some(false), ..Setup::default() }).await;
    let session = session(&server, "2025-06-18", &answers()).await;
    let mut connection = Connection::open(&server).await;
    connection.send(&Ask::legacy(&session, 1, "tools/call", &call("gives_up"))).await;
    reaches(&server.bench.started, 1).await;
    drop(connection);
    let end = Ask::new("DELETE", "/mcp").with("Mcp-Session-Id", &session);
    assert_eq!(server.ask(&end).await.status(), 204);
    in_time(async {
        while server.engine.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    server.assert_serves().await;
}

#[tokio::test]
async fn el_5_a_client_of_2025_11_25_is_told_that_a_page_is_done_with() {
    for reruns in [true, false] {
        let setup = Setup { reruns: Some(reruns), ..Setup::default() };
        let server = Server::with(setup).await;
        let session = session(&server, "2025-11-25", &answers()).await;
        let mut standing = Stream::open(&server, &Ask::listen(&session)).await;
        let ask = Ask::legacy(&session, 1, "tools/call", &call("opens_a_page"));
        let mut stream = Stream::open(&server, &ask).await;
        let question = question(&mut stream).await;
        let name = question["params"]["elicitationId"].clone();
        assert_eq!((name.as_str().map(str::len), &question["params"]["mode"]), (Some(32), &json!("url")));
        let result = json!({ "action": "accept" });
        let answer = json!({ "jsonrpc": "2.0", "id": question["id"], "result": result });
        let answer = Ask::post(answer.to_string()).with("Mcp-Session-Id", &session);
        assert_eq!(server.ask(&answer).await.status(), 202);
        assert_eq!(said(&stream.next_message().await.unwrap()), "seen");
        let notice = standing.next_message().await.unwrap();
        let expected = json!({
            "jsonrpc": "2.0", "method": "notifications/elicitation/complete", "params": { "elicitationId": name },
        });
        assert_eq!(notice, expected);
    }
    // Nobody else knows of such things.
    let server = Server::start().await;
    let client = answers().with("elicitation/create", json!({ "action": "accept" }));
    assert_eq!(said(&modern_call(&server, "opens_a_page", &client).await), "seen");
}
