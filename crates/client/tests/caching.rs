//! What is kept of results, and when it is asked for anew (CACHE-1 to CACHE-5).

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use latimer_client::{Authorization, BoxError, BoxFuture, Options};
use latimer_protocol::RawJson;
use support::{Answer, Request, Server, modern, result, stream};
use url::Url;

/// A server whose results hold for a second.
async fn lasting() -> Server {
    Server::start(modern(|request: &Request| match request.method().as_str() {
        "tools/call" => {
            let changed = r#"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#;
            let updated = r#"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"a://b"}}"#;
            let answer = support::result_text(request, r#"{"content":[],"ttlMs":1000}"#);
            Answer::Last(stream(&format!("data: {changed}\n\ndata: {updated}\n\ndata: {answer}\n\n")))
        }
        _ => result(
            request,
            r#"{"resultType":"complete","tools":[],"prompts":[],"contents":[],"ttlMs":1000,"cacheScope":"private"}"#,
        ),
    }))
    .await
}

fn count(server: &Server, method: &str) -> usize {
    server.methods().iter().filter(|name| *name == method).count()
}

#[tokio::test(start_paused = true)]
async fn cache_3_lists_and_reads_are_kept_for_their_time_and_calls_are_not() {
    let server = lasting().await;
    let client = server.connect(Options::default()).await.unwrap();
    for _ in 0..2 {
        client.list_prompts().await.unwrap();
        client.read_resource("a://b").await.unwrap();
        client.read_resource("a://c").await.unwrap();
    }
    assert_eq!((count(&server, "prompts/list"), count(&server, "resources/read")), (1, 2));
    tokio::time::advance(Duration::from_secs(1)).await;
    client.list_prompts().await.unwrap();
    assert_eq!(count(&server, "prompts/list"), 2);
    for _ in 0..2 {
        client.call_tool("t", RawJson::empty_object()).await.unwrap();
    }
    assert_eq!(count(&server, "tools/call"), 2);
}

#[tokio::test]
async fn cache_3_what_the_server_says_changed_is_asked_for_anew() {
    let server = lasting().await;
    let client = server.connect(Options::default()).await.unwrap();
    client.list_tools().await.unwrap();
    client.read_resource("a://b").await.unwrap();
    client.read_resource("a://c").await.unwrap();
    client.call_tool("t", RawJson::empty_object()).await.unwrap();
    client.list_tools().await.unwrap();
    client.read_resource("a://b").await.unwrap();
    client.read_resource("a://c").await.unwrap();
    assert_eq!((count(&server, "tools/list"), count(&server, "resources/read")), (2, 3));
}

#[derive(Debug)]
struct Changing(Arc<AtomicUsize>);

impl Authorization for Changing {
    fn header<'a>(&'a self, _url: &'a Url) -> BoxFuture<'a, Result<Option<HeaderValue>, BoxError>> {
        let user = self.0.load(Ordering::Relaxed);
        Box::pin(async move { Ok(Some(HeaderValue::from_str(&format!("Bearer {user}"))?)) })
    }
}

#[tokio::test]
async fn cache_4_other_credentials_find_nothing_of_what_these_were_given() {
    let server = lasting().await;
    let user = Arc::new(AtomicUsize::new(1));
    let mut options = Options::default();
    options.authorization = Some(Arc::new(Changing(Arc::clone(&user))));
    let client = server.connect(options).await.unwrap();
    for (name, asked) in [(1, 1), (2, 2), (2, 2), (1, 2)] {
        user.store(name, Ordering::Relaxed);
        client.list_prompts().await.unwrap();
        assert_eq!(count(&server, "prompts/list"), asked, "{name}");
    }
}

#[tokio::test]
async fn cache_5_what_was_asked_back_for_is_not_kept_and_nothing_is_where_nothing_may_be() {
    let server =
        Server::start(modern(|request| match request.json()["params"]["inputResponses"].is_null() {
            true => result(
                request,
                r#"{"resultType":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#,
            ),
            false => result(
                request,
                r#"{"resultType":"complete","contents":[],"ttlMs":1000,"cacheScope":"public"}"#,
            ),
        }))
        .await;
    let client = server.connect(Options::default().with_roots(|| async { Ok(Vec::new()) })).await.unwrap();
    for _ in 0..2 {
        client.read_resource("a://b").await.unwrap();
    }
    assert_eq!(count(&server, "resources/read"), 4);
    let server = lasting().await;
    let mut options = Options::default();
    options.limits.cache_entries = 0;
    let client = server.connect(options).await.unwrap();
    for _ in 0..2 {
        client.list_prompts().await.unwrap();
    }
    assert_eq!(count(&server, "prompts/list"), 2);
}

#[tokio::test]
async fn cache_3_a_cursor_that_is_none_any_more_restarts_the_list() {
    let lists = AtomicUsize::new(0);
    let server = Server::start(modern(move |request| match request.json()["params"]["cursor"].as_str() {
        None => {
            let list = lists.fetch_add(1, Ordering::Relaxed);
            result(
                request,
                &format!(r#"{{"prompts":[{{"name":"a"}}],"nextCursor":"c-{list}","ttlMs":60000}}"#),
            )
        }
        Some("c-0") => support::error(request, "200 OK", -32602, "null"),
        Some(_) => result(request, r#"{"prompts":[{"name":"b"}]}"#),
    }))
    .await;
    let client = server.connect(Options::default()).await.unwrap();
    assert_eq!(client.list_prompts().await.unwrap().len(), 2);
    assert_eq!(count(&server, "prompts/list"), 4);
}
