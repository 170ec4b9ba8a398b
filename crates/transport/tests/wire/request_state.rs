//! `requestState` in hostile hands (MRTR-5), and in honest ones that lose their way.

use std::sync::Arc;
use std::time::Duration;

use latimer_core::Limits;
use latimer_store::ManualClock;
use serde_json::{Value, json};

use super::ask::{Answering, able, answers, modern_call};
use super::client::{Answer, Ask, Connection, in_time};
use super::server::{Server, Setup, reaches};

const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEW: &str = "HxwdGhsYGRYXFBUSExARDg8MDQoLCAkGBwQFAgMAAQA=";

/// Calls with what the first round has left.
fn again(tool: &str, arguments: Value, state: &str, responses: Value) -> Ask {
    let mut params = able(json!({ "name": tool, "arguments": arguments }), &Answering::all());
    params["requestState"] = json!(state);
    params["inputResponses"] = responses;
    Ask::modern_with_id(json!(2), "tools/call", params)
}

fn named(key: &str) -> Value {
    json!({ key: { "action": "accept", "content": { "name": "Ada" } } })
}

fn state(answer: &Answer) -> String {
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let result = &answer.json()["result"];
    assert_eq!(result["resultType"], "input_required", "{result}");
    result["requestState"].as_str().unwrap().to_owned()
}

fn assert_refused(what: &str, answer: &Answer) {
    assert_eq!((what, answer.code()), (what, Some(-32602)), "{}", answer.text());
}

async fn first(server: &Server, tool: &str, arguments: Value) -> String {
    let params = able(json!({ "name": tool, "arguments": arguments }), &Answering::all());
    state(&server.ask(&Ask::modern("tools/call", params)).await)
}

#[tokio::test]
async fn mrtr_5_a_state_belongs_to_its_user() {
    let tokens = vec![("token-of-alice", "alice"), ("token-of-bob", "bob")];
    let server = Server::with(Setup { tokens, ..Setup::default() }).await;
    let (alice, bob) = ("Bearer token-of-alice", "Bearer token-of-bob");
    let params = able(json!({ "name": "elicits", "arguments": {} }), &Answering::all());
    let stolen = state(&server.ask(&Ask::modern("tools/call", params).with("Authorization", alice)).await);
    let retry = again("elicits", json!({}), &stolen, named("name"));
    assert_refused("bob", &server.ask(&retry.clone().with("Authorization", bob)).await);
    let answer = server.ask(&retry.with("Authorization", alice)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "Ada");
}

#[tokio::test]
async fn mrtr_5_a_state_belongs_to_its_request() {
    let server = Server::start().await;
    let own = first(&server, "two_rounds", json!({ "n": [1, { "a": 2, "b": "c" }] })).await;
    let ask = |tool: &str, n: Value| again(tool, json!({ "n": n }), &own, named("one"));
    for (what, ask) in [
        ("another tool", ask("elicits", json!([1, { "a": 2, "b": "c" }]))),
        ("another argument", ask("two_rounds", json!([1, { "a": 3, "b": "c" }]))),
        ("another order", ask("two_rounds", json!([{ "a": 2, "b": "c" }, 1]))),
        ("no argument", again("two_rounds", json!({}), &own, named("one"))),
    ] {
        assert_refused(what, &server.ask(&ask).await);
    }
    for (method, mut params) in
        [("prompts/get", json!({ "name": "asks" })), ("resources/read", json!({ "uri": "test://asks" }))]
    {
        params["requestState"] = json!(own);
        let params = able(params, &Answering::all());
        assert_refused(method, &server.ask(&Ask::modern(method, params)).await);
    }
    let good = ask("two_rounds", json!([1, { "b": "c", "a": 2 }]));
    assert_eq!(server.ask(&good).await.json()["result"]["resultType"], "input_required");
    server.assert_serves().await;
}

#[tokio::test]
async fn mrtr_5_a_state_belongs_to_the_definition_that_it_was_made_with() {
    let seal_keys = vec![OLD.to_owned()];
    let before = Server::with(Setup { seal_keys: seal_keys.clone(), ..Setup::default() }).await;
    let same = Server::with(Setup { seal_keys: seal_keys.clone(), ..Setup::default() }).await;
    let after = Setup { seal_keys, description: "another tool now", ..Setup::default() };
    let after = Server::with(after).await;
    let made = first(&before, "elicits", json!({})).await;
    let retry = again("elicits", json!({}), &made, named("name"));
    assert_refused("another definition", &after.ask(&retry).await);
    // Any instance with the key goes on where another one began.
    assert_eq!(same.ask(&retry).await.json()["result"]["content"][0]["text"], "Ada");
    assert_refused("no key", &Server::start().await.ask(&retry).await);
}

#[tokio::test]
async fn mrtr_5_a_state_expires() {
    let clock = Arc::new(ManualClock::new());
    let limits = Limits { request_state_life: Duration::from_secs(60), ..Limits::default() };
    let server = Server::with(Setup { clock: Some(clock.clone()), limits, ..Setup::default() }).await;
    let made = first(&server, "elicits", json!({})).await;
    let retry = again("elicits", json!({}), &made, named("name"));
    clock.advance(Duration::from_secs(59));
    assert_eq!(server.ask(&retry).await.json()["result"]["content"][0]["text"], "Ada");
    clock.advance(Duration::from_secs(1));
    let answer = server.ask(&retry).await;
    assert_refused("expired", &answer);
    assert!(answer.text().contains("expired"), "{}", answer.text());
}

#[tokio::test]
async fn mrtr_5_no_change_of_a_state_passes() {
    let server = Server::start().await;
    let made = first(&server, "elicits", json!({})).await;
    let ask = |state: &str| again("elicits", json!({}), state, named("name"));
    let mut connection = super::client::Connection::open(&server).await;
    for at in 0..made.len() {
        let mut bent = made.clone().into_bytes();
        bent[at] = if bent[at] == b'A' { b'B' } else { b'A' };
        let bent = String::from_utf8(bent).unwrap();
        assert_refused(&format!("letter {at}"), &connection.ask(&ask(&bent)).await);
    }
    for length in (0..made.len()).step_by(7) {
        assert_refused(&format!("{length} letters"), &connection.ask(&ask(&made[..length])).await);
    }
    for nonsense in ["", "=", "ä", "null", &made.repeat(2), &format!("{made}A"), &"A".repeat(100_000)] {
        assert_refused(nonsense, &connection.ask(&ask(nonsense)).await);
    }
    for wrong in [json!(1), json!({}), json!([])] {
        let mut params = able(json!({ "name": "elicits", "arguments": {} }), &Answering::all());
        params["requestState"] = wrong;
        assert_refused("no string", &connection.ask(&Ask::modern("tools/call", params)).await);
    }
    assert_eq!(connection.ask(&ask(&made)).await.json()["result"]["content"][0]["text"], "Ada");
}

#[tokio::test]
async fn mrtr_5_keys_are_rotated() {
    let with = |keys: &[&str]| {
        let seal_keys = keys.iter().map(|&key| key.to_owned()).collect();
        Server::with(Setup { seal_keys, ..Setup::default() })
    };
    let made = first(&with(&[OLD]).await, "elicits", json!({})).await;
    let retry = again("elicits", json!({}), &made, named("name"));
    assert_eq!(with(&[NEW, OLD]).await.ask(&retry).await.json()["result"]["content"][0]["text"], "Ada");
    assert_refused("the old key is gone", &with(&[NEW]).await.ask(&retry).await);
}

#[tokio::test]
async fn mrtr_5_a_round_that_is_sent_again_makes_nothing_again() {
    let server = Server::start().await;
    let one = first(&server, "two_rounds", json!({})).await;
    assert_eq!(*server.bench.made.borrow(), 1);
    let two = state(&server.ask(&again("two_rounds", json!({}), &one, named("one"))).await);
    assert_eq!(*server.bench.made.borrow(), 2);
    // The owner sends the answer again, and again: what was made in that round comes back.
    for _ in 0..3 {
        state(&server.ask(&again("two_rounds", json!({}), &one, named("one"))).await);
    }
    assert_eq!(*server.bench.made.borrow(), 2);
    for _ in 0..3 {
        let answer = server.ask(&again("two_rounds", json!({}), &two, named("two"))).await;
        assert_eq!(answer.json()["result"]["content"][0]["text"], "Ada Ada 123 null", "{}", answer.text());
    }
    assert_eq!(*server.bench.made.borrow(), 3);
}

#[tokio::test]
async fn an_answer_that_the_handler_has_not_come_to_is_kept_for_the_next_round() {
    let server = Server::start().await;
    let keys = |answer: &Answer| {
        let requests = answer.json()["result"]["inputRequests"].clone();
        requests.as_object().map(|requests| requests.keys().cloned().collect::<Vec<_>>()).unwrap_or_default()
    };
    let params = able(json!({ "name": "reads_before_it_asks", "arguments": {} }), &Answering::all());
    server.bench.gate.add_permits(1);
    let both = server.ask(&Ask::modern("tools/call", params)).await;
    assert_eq!(keys(&both), ["one", "slow"]);
    let named_both = json!({
        "one": { "action": "accept", "content": { "name": "Ada" } },
        "slow": { "action": "accept", "content": { "name": "Grace" } },
    });
    // This time the branch is still reading when the other one asks again.
    let retry = again("reads_before_it_asks", json!({}), &state(&both), named_both);
    let one = server.ask(&retry).await;
    assert_eq!(keys(&one), ["two"]);
    server.bench.gate.add_permits(1);
    let done = server.ask(&again("reads_before_it_asks", json!({}), &state(&one), named("two"))).await;
    assert_eq!(done.json()["result"]["content"][0]["text"], "Grace Ada Ada", "{}", done.text());
}

/// The mark of a run that its client had left stood in the way of every later one.
#[tokio::test]
async fn what_a_client_has_broken_off_is_made_when_it_comes_back() {
    let server = Server::start().await;
    let asked = first(&server, "takes_long_once", json!({})).await;
    let retry = again("takes_long_once", json!({}), &asked, named("name"));
    let mut connection = Connection::open(&server).await;
    connection.send(&retry).await;
    reaches(&server.bench.started, 1).await;
    drop(connection);
    server.bench.gate.add_permits(1);
    let said = in_time(async {
        loop {
            let answer = server.ask(&retry).await;
            let said = answer.json()["result"]["content"][0]["text"].as_str().unwrap().to_owned();
            // The server hears of a client that leaves in its own time.
            if said.ends_with("made") {
                return said;
            }
            server.bench.gate.add_permits(1);
            tokio::task::yield_now().await;
        }
    });
    assert_eq!(said.await, "Ada made");
}

#[tokio::test]
async fn mrtr_6_answers_that_come_before_the_question_are_checked_alike() {
    let server = Server::start().await;
    let mut params = able(json!({ "name": "elicits", "arguments": {} }), &Answering::all());
    params["inputResponses"] = json!({ "name": { "action": "accept", "content": { "name": "A" } } });
    state(&server.ask(&Ask::modern("tools/call", params.clone())).await);
    params["inputResponses"] = named("name");
    let answer = server.ask(&Ask::modern("tools/call", params)).await;
    assert_eq!(answer.json()["result"]["content"][0]["text"], "Ada");
}

#[tokio::test]
async fn mrtr_3_the_capabilities_are_those_of_each_request() {
    let server = Server::start().await;
    let one = first(&server, "two_rounds", json!({})).await;
    let mut params = json!({ "name": "two_rounds", "arguments": {} });
    params["requestState"] = json!(one);
    params["inputResponses"] = named("one");
    // This time the client declares nothing: the second question cannot be put.
    let answer = server.ask(&Ask::modern("tools/call", params)).await;
    assert_eq!((answer.status(), answer.code()), (400, Some(-32021)), "{}", answer.text());
}

#[tokio::test]
async fn a_call_that_has_learnt_too_much_fails_without_saying_what() {
    let limits = Limits { request_state_bytes: 64, ..Limits::default() };
    let server = Server::limited(limits).await;
    let params = able(json!({ "name": "elicits", "arguments": {} }), &Answering::all());
    let answer = server.ask(&Ask::modern("tools/call", params)).await;
    assert_eq!(answer.code(), Some(-32603), "{}", answer.text());
    let answering = answers();
    assert_eq!(modern_call(&server, "asks_for_roots", &answering).await["error"]["code"], -32603);
}
