//! Streams that are left and come back to.

use std::sync::Arc;

use latimer_store::ManualClock;

use super::*;
use crate::limits::Limits;

fn streams(events: usize) -> Streams {
    Streams::new(Store::memory(), &Limits { ring_events: events, ..Limits::default() })
}

fn session(digit: char) -> SessionId {
    SessionId::parse(&digit.to_string().repeat(32)).unwrap()
}

fn text(event: &StreamEvent) -> String {
    match &event.content {
        Content::Message(text) | Content::Answer(text) => String::from_utf8(text.to_vec()).unwrap(),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn lh_5_a_client_that_comes_back_gets_the_rest_of_its_stream_and_of_no_other() {
    let streams = streams(16);
    let (one, other) = (streams.open(&session('a')), streams.open(&session('a')));
    let seen = one.append(Content::Prime).await.unwrap();
    other.append(Content::Message(Bytes::from("other"))).await.unwrap();
    one.append(Content::Message(Bytes::from("progress"))).await.unwrap();
    one.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
    let seen = EventId::parse(&seen.to_string()).unwrap();
    let mut reader = streams.resume(&session('a'), &seen).await.unwrap().unwrap();
    let events: Vec<_> = reader.next().await.unwrap().iter().map(text).collect();
    assert_eq!(events, ["progress", "answer"]);
}

#[tokio::test]
async fn another_sessions_stream_is_not_found() {
    let streams = streams(16);
    let seen = streams.open(&session('a')).append(Content::Prime).await.unwrap();
    assert!(streams.resume(&session('b'), &seen).await.unwrap().is_none());
    let ahead = EventId { position: Position::from_u64(7), ..seen };
    assert!(streams.resume(&session('a'), &ahead).await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_that_was_read_to_its_end_ends_at_once_and_goes_soon() {
    let clock = Arc::new(ManualClock::new());
    let streams = Streams::new(Store::memory_with_clock(clock.clone()), Limits::default());
    let writer = streams.open(&session('a'));
    writer.append(Content::Prime).await.unwrap();
    let last = writer.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
    // What nobody has read waits.
    clock.advance(Duration::from_secs(20 * 60));
    let mut reader = writer.reader().await.unwrap();
    assert_eq!(reader.next().await.unwrap().len(), 2);
    assert_eq!(reader.next().await.unwrap()[0].content, Content::End);
    let mut again = streams.resume(&session('a'), &last).await.unwrap().unwrap();
    assert_eq!(again.next().await.unwrap()[0].content, Content::End);
    clock.advance(KEPT_AFTER_END * 2);
    assert!(streams.resume(&session('a'), &last).await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_that_expires_under_its_reader_ends() {
    let clock = Arc::new(ManualClock::new());
    let limits = Limits { session_idle: Duration::from_secs(10), ..Limits::default() };
    let streams = Streams::new(Store::memory_with_clock(clock.clone()), &limits);
    let writer = streams.open(&session('a'));
    writer.append(Content::Prime).await.unwrap();
    writer.append(Content::Message(Bytes::from("progress"))).await.unwrap();
    let mut reader = writer.reader().await.unwrap();
    assert_eq!(reader.next().await.unwrap().len(), 2);
    clock.advance(Duration::from_secs(9));
    writer.keep().await.unwrap();
    clock.advance(Duration::from_secs(9));
    writer.append(Content::Message(Bytes::from("more"))).await.unwrap();
    assert_eq!(text(&reader.next().await.unwrap()[0]), "more");
    clock.advance(Duration::from_secs(11));
    assert_eq!(reader.next().await.unwrap()[0].content, Content::End);
}

#[tokio::test]
async fn a_session_keeps_a_bounded_number_of_ended_streams_and_each_that_is_read() {
    let limits = Limits { calls_per_session: 3, ..Limits::default() };
    let streams = Streams::new(Store::memory(), &limits);
    let answer = |text: &'static str| Content::Answer(Bytes::from(text));
    let read = streams.open(&session('a'));
    let first = read.append(Content::Prime).await.unwrap();
    read.finish(answer("read")).await.unwrap();
    let mut reader = streams.resume(&session('a'), &first).await.unwrap().unwrap();
    let running = streams.open(&session('a'));
    let begun = running.append(Content::Prime).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..5 {
        let writer = streams.open(&session('a'));
        seen.push(writer.append(Content::Prime).await.unwrap());
        writer.finish(answer("left")).await.unwrap();
    }
    let mut kept = Vec::new();
    for seen in &seen {
        kept.push(streams.resume(&session('a'), seen).await.unwrap().is_some());
    }
    assert_eq!(kept, [false, false, false, true, true]);
    assert!(streams.resume(&session('a'), &begun).await.unwrap().is_some());
    assert_eq!(reader.next().await.unwrap().iter().map(text).collect::<Vec<_>>(), ["read"]);
    // The list itself is no stream that a client could ask for.
    assert_eq!(EventId::parse("ended:-1"), None);
    streams.forget(&session('a')).await.unwrap();
    assert!(streams.resume(&session('a'), &seen[4]).await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_of_the_session_is_resumed_from_its_beginning() {
    let streams = streams(16);
    let writer = streams.open_listening(&session('a'));
    let primed = writer.prime();
    assert_eq!(primed.content, Content::Prime);
    let id = EventId::parse(&primed.id.to_string()).unwrap();
    let mut reader = streams.resume(&session('a'), &id).await.unwrap().unwrap();
    assert!(!reader.is_of_call());
    writer.append(Content::Message(Bytes::from("news"))).await.unwrap();
    assert_eq!(text(&reader.next().await.unwrap()[0]), "news");
    let call = EventId { stream: "c123".into(), position: Position::START };
    assert!(streams.resume(&session('a'), &call).await.unwrap().is_none());
}

#[tokio::test]
async fn the_answer_outlives_20_000_unread_messages() {
    let streams = streams(8);
    let writer = streams.open(&session('a'));
    let mut reader = writer.reader().await.unwrap();
    for progress in 0..20_000 {
        writer.append(Content::Message(Bytes::from(progress.to_string()))).await.unwrap();
    }
    writer.append(Content::Answer(Bytes::from("answer"))).await.unwrap();
    let events: Vec<_> = reader.next().await.unwrap().iter().map(text).collect();
    assert_eq!(events.len(), 8);
    assert_eq!(events.last().map(String::as_str), Some("answer"));
}

#[tokio::test]
async fn a_reader_waits_for_what_is_not_there_yet() {
    let streams = streams(8);
    let writer = streams.open(&session('a'));
    let mut reader = writer.reader().await.unwrap();
    let waiting = tokio::spawn(async move { reader.next().await.unwrap() });
    let disconnect = Content::Disconnect { retry: Duration::from_millis(500) };
    writer.append(disconnect.clone()).await.unwrap();
    assert_eq!(waiting.await.unwrap()[0].content, disconnect);
}

#[test]
fn strange_event_ids_are_none() {
    for bad in
        ["", "-", "a", "a-", "-1", "a-b", "c-1-2", "c/../b-1", "x1-1", &format!("{}-1", "a".repeat(33))]
    {
        assert_eq!(EventId::parse(bad), None, "{bad}");
    }
}
