//! Byte streams over TCP and Unix sockets: many clients, each its own connection.

use std::net::SocketAddr;
use std::time::Duration;

use latimer_core::Limits;
use latimer_transport::stream::{ListenError, StreamOptions, TcpBound, UnixBound, serve_tcp, serve_unix};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use super::client::{Ask, call, in_time};
use super::server::{Bench, Setup, engine, reaches};
use super::stdio::{legacy, modern};

/// A listener under test.
pub(crate) struct Listener {
    pub(crate) bench: Bench,
    place: Place,
    folder: Option<TempDir>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

#[derive(Clone, Debug)]
enum Place {
    Tcp(SocketAddr),
    Unix(String),
}

/// Any stream.
pub(crate) trait Both: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Both for S {}

/// A client that speaks lines.
pub(crate) struct Lines(BufReader<Box<dyn Both>>);

impl Listener {
    pub(crate) async fn tcp(setup: Setup, options: StreamOptions) -> Self {
        let (engine, bench) = engine(&setup).await;
        let bound = TcpBound::open(SocketAddr::from(([127, 0, 0, 1], 0)), setup.tls).await.unwrap();
        let place = Place::Tcp(bound.address());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve_tcp(bound, engine, options, async {
            let _ = stopped.await;
        }));
        Self { bench, place, folder: None, stop: Some(stop), served }
    }

    pub(crate) async fn unix(setup: Setup, options: StreamOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s").display().to_string();
        let mut listener = Self::unix_at(&path, 0o600, setup, options).await;
        listener.folder = Some(folder);
        listener
    }

    async fn unix_at(address: &str, mode: u32, setup: Setup, options: StreamOptions) -> Self {
        let (engine, bench) = engine(&setup).await;
        let bound = UnixBound::open(address, mode).unwrap();
        let place = Place::Unix(bound.address().to_owned());
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(serve_unix(bound, engine, options, async {
            let _ = stopped.await;
        }));
        Self { bench, place, folder: None, stop: Some(stop), served }
    }

    pub(crate) async fn connect(&self) -> Lines {
        Lines::over(self.socket().await)
    }

    async fn socket(&self) -> Box<dyn Both> {
        match &self.place {
            Place::Tcp(address) => Box::new(TcpStream::connect(address).await.unwrap()),
            Place::Unix(address) => Box::new(unix_socket(address).await),
        }
    }

    /// One of each kind.
    pub(crate) async fn each(options: StreamOptions) -> [Self; 2] {
        [Self::tcp(Setup::default(), options).await, Self::unix(Setup::default(), options).await]
    }

    async fn limited(limits: Limits, options: StreamOptions) -> Self {
        Self::tcp(Setup { limits, ..Setup::default() }, options).await
    }

    fn stop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

async fn unix_socket(address: &str) -> UnixStream {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream as StdStream};

    let Some(name) = address.strip_prefix('@') else { return UnixStream::connect(address).await.unwrap() };
    let stream = StdStream::connect_addr(&SocketAddr::from_abstract_name(name).unwrap()).unwrap();
    stream.set_nonblocking(true).unwrap();
    UnixStream::from_std(stream).unwrap()
}

impl Lines {
    pub(crate) fn over(stream: impl Both + 'static) -> Self {
        Self(BufReader::new(Box::new(stream)))
    }

    pub(crate) async fn send(&mut self, line: impl AsRef<[u8]>) {
        self.send_bytes(&[line.as_ref(), b"\n"].concat()).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        in_time(self.0.get_mut().write_all(bytes)).await.unwrap();
    }

    /// The next line; `None` at the end.
    pub(crate) async fn try_line(&mut self) -> Option<String> {
        let mut line = String::new();
        in_time(self.0.read_line(&mut line)).await.unwrap();
        (!line.is_empty()).then(|| line.trim_end().to_owned())
    }

    pub(crate) async fn line(&mut self) -> String {
        self.try_line().await.expect("an answer")
    }

    pub(crate) async fn next(&mut self) -> Value {
        serde_json::from_str(&self.line().await).unwrap()
    }

    pub(crate) async fn ask(&mut self, line: impl AsRef<[u8]>) -> Value {
        self.send(line).await;
        self.next().await
    }

    pub(crate) async fn finish(&mut self) {
        self.0.get_mut().shutdown().await.unwrap();
    }

    async fn who(&mut self) -> String {
        let answer = self.ask(modern(json!(1), "tools/call", call("whoami"))).await;
        answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }
}

fn auth(token: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": "a", "method": "auth", "params": { "token": token } }).to_string()
}

#[tokio::test]
async fn dual_4_every_era_is_served_on_every_socket() {
    let mut listeners: Vec<_> = Listener::each(StreamOptions::default()).await.into();
    let name = format!("@latimer-test-{}", std::process::id());
    listeners.push(Listener::unix_at(&name, 0o600, Setup::default(), StreamOptions::default()).await);
    for listener in listeners {
        let mut lines = listener.connect().await;
        let answer = lines.ask(modern(json!(1), "tools/call", call("accept"))).await;
        assert_eq!(answer["result"]["resultType"], "complete", "{:?}", listener.place);
        for revision in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let answer = lines.ask(&Ask::initialize(revision).body).await;
            assert_eq!(answer["result"]["protocolVersion"], revision);
            let answer = lines.ask(legacy(2, "tools/call", &call("accept"))).await;
            assert_eq!(answer["result"]["content"][0]["text"], "accepted");
        }
    }
}

#[tokio::test]
async fn tcp_speaks_tls_to_clients_that_name_no_protocol() {
    let (tls, roots) = super::tls::identity();
    let listener =
        Listener::tcp(Setup { tls: Some(tls), ..Setup::default() }, StreamOptions::default()).await;
    let Place::Tcp(address) = listener.place else { panic!("no address") };
    let mut lines = Lines::over(super::tls::handshake(address, roots, Vec::new()).await);
    let answer = lines.ask(modern(json!(1), "tools/call", call("accept"))).await;
    assert_eq!(answer["result"]["content"][0]["text"], "accepted");
    lines.finish().await;
    assert_eq!(lines.try_line().await, None);
}

#[tokio::test]
async fn both_families_of_addresses_are_listened_on() {
    let (engine, _bench) = engine(&Setup::default()).await;
    let loopback = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], 0));
    let bound = TcpBound::open(loopback, None).await.unwrap();
    let address = bound.address();
    assert!(address.is_ipv6() && address.port() != 0);
    let taken = TcpBound::open(address, None).await.unwrap_err();
    assert!(matches!(taken, ListenError::InUse(_)), "{taken}");
    tokio::spawn(serve_tcp(bound, engine, StreamOptions::default(), std::future::pending()));
    let mut lines = Lines::over(TcpStream::connect(address).await.unwrap());
    assert_eq!(lines.who().await, "anonymous");
}

#[tokio::test]
async fn the_user_on_the_other_end_of_a_unix_socket_is_the_principal() {
    let listener = Listener::unix(Setup::default(), StreamOptions::default()).await;
    let uid = rustix::process::geteuid().as_raw();
    assert_eq!(listener.connect().await.who().await, format!("uid:{uid}"));
}

#[tokio::test]
async fn where_tokens_are_demanded_the_first_message_over_tcp_shows_one() {
    let tokens = vec![("correct horse", "alice")];
    let setup = || Setup { tokens: tokens.clone(), ..Setup::default() };
    let listener = Listener::tcp(setup(), StreamOptions::default()).await;
    let mut lines = listener.connect().await;
    // What comes behind it need not wait for its answer.
    lines.send(auth("correct horse")).await;
    lines.send(modern(json!(1), "tools/call", call("whoami"))).await;
    assert_eq!(lines.line().await, r#"{"jsonrpc":"2.0","id":"a","result":{}}"#);
    assert_eq!(lines.next().await["result"]["content"][0]["text"], "alice");

    let too_long = format!(r#"{{"a":"{}"}}"#, "x".repeat(20_000)).into_bytes();
    for (first, id) in [
        (auth("wrong").into_bytes(), json!("a")),
        (br#"{"jsonrpc":"2.0","id":"a","method":"auth"}"#.to_vec(), json!("a")),
        (modern(json!(7), "tools/call", call("whoami")), json!(7)),
        (Ask::initialize("2025-11-25").body, json!(0)),
        (b"\xff".to_vec(), Value::Null),
        (b"{".to_vec(), Value::Null),
        (too_long, Value::Null),
    ] {
        let mut lines = listener.connect().await;
        lines.send(&first).await;
        lines.send(modern(json!(8), "tools/call", call("accept"))).await;
        let answer = lines.next().await;
        let told = String::from_utf8_lossy(&first);
        assert_eq!(answer["id"], id, "{answer} to {told}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("\"method\":\"auth\""), "{answer}");
        assert!(!answer.to_string().contains("correct horse"));
        assert_eq!(lines.try_line().await, None, "{told}");
    }

    // The system knows who is at a Unix socket; whoever shows a token is somebody else.
    let listener = Listener::unix(setup(), StreamOptions::default()).await;
    assert!(listener.connect().await.who().await.starts_with("uid:"));
    let mut lines = listener.connect().await;
    assert_eq!(lines.ask(auth("correct horse")).await["result"], json!({}));
    assert_eq!(lines.who().await, "alice");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_say_who_it_is_is_turned_away_in_time() {
    let tokens = vec![("correct horse", "alice")];
    let listener = Listener::tcp(Setup { tokens, ..Setup::default() }, StreamOptions::default()).await;
    let mut lines = listener.connect().await;
    lines.send_bytes(b"{").await;
    let message = lines.next().await["error"]["message"].to_string();
    assert!(message.contains("within 10 seconds"), "{message}");
    assert_eq!(lines.try_line().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_and_one_with_a_call_is_not() {
    let options = StreamOptions::default().idle(Duration::from_secs(2));
    let limits = Limits {
        call_timeout: Duration::from_secs(7_200),
        call_timeout_total: Duration::from_secs(7_200),
        ..Limits::default()
    };
    let listener = Listener::limited(limits, options).await;
    let mut silent = listener.connect().await;
    let mut busy = listener.connect().await;
    busy.send(modern(json!(1), "tools/call", call("wait"))).await;
    reaches(&listener.bench.started, 1).await;
    assert_eq!(silent.try_line().await, None);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    listener.bench.gate.add_permits(1);
    assert_eq!(busy.next().await["result"]["content"][0]["text"], "waited");
    assert_eq!(busy.try_line().await, None);
}

#[tokio::test]
async fn connections_past_the_cap_are_told_so() {
    for tcp in [true, false] {
        let limits = Limits { connections: 2, ..Limits::default() };
        let setup = Setup { limits, ..Setup::default() };
        let listener = match tcp {
            true => Listener::tcp(setup, StreamOptions::default()).await,
            false => Listener::unix(setup, StreamOptions::default()).await,
        };
        let mut served = vec![listener.connect().await, listener.connect().await];
        for lines in &mut served {
            lines.who().await;
        }
        let mut third = listener.connect().await;
        // It may say something first, and hears why all the same.
        third.send(modern(json!(1), "tools/call", call("accept"))).await;
        let told = third.next().await;
        assert_eq!(told["id"], Value::Null);
        assert!(told["error"]["message"].as_str().unwrap().contains("all the 2 connections"), "{told}");
        assert_eq!(third.try_line().await, None);
        served.pop().unwrap().finish().await;
        // The place is free once the server has noticed.
        loop {
            let mut lines = listener.connect().await;
            lines.send(modern(json!(1), "tools/call", call("accept"))).await;
            if lines.next().await["result"].is_object() {
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_half_closed_connection_gets_all_its_answers() {
    for listener in Listener::each(StreamOptions::default()).await {
        let mut lines = listener.connect().await;
        lines.send(modern(json!("slow"), "tools/call", call("wait"))).await;
        reaches(&listener.bench.started, 1).await;
        // The last line needs no end.
        lines.send_bytes(&modern(json!("last"), "tools/call", call("accept"))).await;
        lines.finish().await;
        assert_eq!(lines.next().await["id"], "last");
        listener.bench.gate.add_permits(1);
        assert_eq!(lines.next().await["id"], "slow");
        assert_eq!(lines.try_line().await, None);
    }
}

#[tokio::test]
async fn a_stopping_listener_takes_no_connections_and_answers_its_calls() {
    for mut listener in Listener::each(StreamOptions::default()).await {
        let mut lines = listener.connect().await;
        lines.send(modern(json!(1), "tools/call", call("wait"))).await;
        reaches(&listener.bench.started, 1).await;
        listener.stop();
        listener.bench.gate.add_permits(1);
        assert_eq!(lines.next().await["result"]["content"][0]["text"], "waited");
        assert_eq!(lines.try_line().await, None);
        in_time(&mut listener.served).await.unwrap();
        match &listener.place {
            Place::Tcp(address) => assert!(TcpStream::connect(address).await.is_err()),
            Place::Unix(path) => assert!(!std::path::Path::new(path).exists()),
        }
    }
}

#[tokio::test]
async fn a_stopping_listener_cancels_what_does_not_end_in_time() {
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let mut listener = Listener::limited(limits, StreamOptions::default()).await;
    let mut lines = listener.connect().await;
    lines.send(modern(json!(1), "tools/call", call("wait"))).await;
    reaches(&listener.bench.started, 1).await;
    listener.stop();
    reaches(&listener.bench.dropped, 1).await;
    in_time(&mut listener.served).await.unwrap();
}

/// What every one of many clients does: calls in turns, each with its own text, and sees only its own answers.
async fn talk(mut lines: Lines, client: usize, calls: usize, ordered: bool) {
    let message = |number: usize| format!("{client}/{number}");
    let mut outstanding = std::collections::HashSet::new();
    let mut next = 0;
    for number in 0..calls {
        let params = json!({ "name": "echo", "arguments": { "message": message(number) } });
        lines.send(modern(json!(number), "tools/call", params)).await;
        outstanding.insert(number);
        // Eight in flight.
        while outstanding.len() >= if number + 1 == calls { 1 } else { 8 } {
            let answer = lines.next().await;
            let id = usize::try_from(answer["id"].as_u64().unwrap()).unwrap();
            assert!(outstanding.remove(&id), "{answer}");
            assert_eq!(answer["result"]["content"][0]["text"], message(id).as_str(), "client {client}");
            if ordered {
                assert_eq!(id, next);
                next += 1;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_clients_see_their_own_answers_beside_one_that_never_reads_and_one_that_crawls() {
    for ordered in [false, true] {
        let options = StreamOptions::default().ordered(ordered);
        let listener = Listener::limited(Limits::default(), options).await;
        let line = |id| [modern(json!(id), "tools/call", call("large")), b"\n".to_vec()].concat();
        let mut deaf = listener.socket().await;
        // Four megabytes that nobody reads.
        deaf.write_all(&(0..4).flat_map(line).collect::<Vec<_>>()).await.unwrap();
        reaches(&listener.bench.started, 4).await;
        listener.bench.gate.add_permits(4);
        reaches(&listener.bench.finished, 4).await;
        let mut crawling = listener.socket().await;
        // A byte at a time of a message that never ends.
        let crawl = tokio::spawn(async move {
            while crawling.write_all(b"[").await.is_ok() {
                tokio::task::yield_now().await;
            }
        });
        let mut clients = JoinSet::new();
        for client in 0..200 {
            clients.spawn(talk(listener.connect().await, client, 200, ordered));
        }
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
        assert!(!crawl.is_finished());
        crawl.abort();
        drop(deaf);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_connections_are_served_by_two_threads() {
    // Each connection has an end here, too.
    let mut most = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    most.current = most.maximum;
    rustix::process::setrlimit(rustix::process::Resource::Nofile, most).unwrap();
    let listener = Listener::unix(Setup::default(), StreamOptions::default()).await;
    let mut all = Vec::new();
    for _ in 0..1_000 {
        all.push(listener.connect().await);
    }
    for round in 0..2 {
        for lines in &mut all {
            lines.send(modern(json!(round), "tools/call", call("accept"))).await;
        }
        for lines in &mut all {
            assert_eq!(lines.next().await["id"], round);
        }
    }
}

#[tokio::test]
async fn what_no_client_would_send_ends_no_connection() {
    for listener in Listener::each(StreamOptions::default()).await {
        let mut lines = listener.connect().await;
        for (bytes, code) in [
            (b"\xff\xfe\n".to_vec(), -32700),
            (b"\0\0\0\n".to_vec(), -32700),
            (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\0b\"}\n".to_vec(), -32700),
            ([vec![b'['; 1 << 20], b"\n".to_vec()].concat(), -32700),
            ([vec![b'['; (1 << 20) + 1], b"\n".to_vec()].concat(), -32600),
            ([vec![b'x'; 16 << 20], b"\n".to_vec()].concat(), -32600),
            ([vec![b' '; 16 << 20], b"\n".to_vec()].concat(), -32600),
        ] {
            lines.send_bytes(&bytes).await;
            let answer = lines.next().await;
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&Value::Null, &json!(code)), "{answer}");
            assert!(lines.who().await.len() > 2);
        }
        // An end in the middle of a line that is too long already was told so.
        lines.send_bytes(&vec![b'x'; 2 << 20]).await;
        assert_eq!(lines.next().await["error"]["code"], -32600);
        lines.finish().await;
        let mut rest = Vec::new();
        in_time(lines.0.read_to_end(&mut rest)).await.unwrap();
        assert_eq!(rest, b"");
    }
}
