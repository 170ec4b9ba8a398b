//! Talking to a server: the options that all client commands share, and one connection from beginning to end.

use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use latimer_client::{Client, ClientError, Entry, EraPreference, Options, Target};
use latimer_host::Failure;
use latimer_host::logging::{self, LogFormat};
use latimer_protocol::wire::LogLevel;
use latimer_protocol::{ErrorCode, Revision};

use crate::ask::Asker;
use crate::exit::{Finished, Outcome};
use crate::progress::Display;
use crate::token::Token;
use crate::{output, target};

/// How to reach the server, and how to talk to it.
#[derive(Debug, clap::Args)]
pub(crate) struct Server {
    /// Which era of the protocol to speak: find out, 2026-07-28 only, or the handshake of the years before
    #[arg(long, value_enum, default_value_t, help_heading = "Server")]
    era: Era,

    /// Which revision to speak, 2025-06-18 say, instead of the newest of the era
    #[arg(long, value_name = "DATE", conflicts_with = "era", help_heading = "Server")]
    revision: Option<Revision>,

    /// The bearer token for the server; `--token-file` keeps it out of the list of processes
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file", help_heading = "Server")]
    token: Option<Token>,

    /// A file with the bearer token for the server; `-` is standard input
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    token_file: Option<PathBuf>,

    /// A PEM file with further certificate authorities to trust
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    ca: Option<PathBuf>,

    /// How long to wait for an answer; progress starts the time anew
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration, help_heading = "Server")]
    timeout: Duration,

    /// From which level on to ask for the server's log messages: debug, info, notice, warning, error, critical, alert or
    /// emergency
    #[arg(long, value_name = "LEVEL", default_value = "info", help_heading = "Server")]
    log_level: LogLevel,

    /// Print the server's own JSON
    #[arg(long)]
    pub(crate) json: bool,

    /// The program to run as the server, and its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<OsString>,
}

/// Which era of the protocol to speak.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Era {
    /// Find out.
    #[default]
    Auto,
    /// 2026-07-28.
    Modern,
    /// The handshake of the revisions up to 2025-11-25.
    Legacy,
}

impl Server {
    /// Tells the command's own words from the server's URL.
    pub(crate) fn target<const N: usize>(
        &self,
        command: &'static str,
        words: &[String],
        names: [&'static str; N],
    ) -> Result<(Target, [String; N]), Failure> {
        let (target, own) = target::split(command, words, names, &self.program)?;
        if matches!(target, Target::Stdio(_)) && (self.token.is_some() || self.token_file.is_some()) {
            return Err(Failure::setup(
                "a token is for servers that listen; a program takes its credentials from its environment",
            ));
        }
        Ok((target, own))
    }

    /// Connects, does the job, and leaves in good order, also when the user interrupts it.
    pub(crate) fn visit(
        &self,
        target: Target,
        job: impl AsyncFnOnce(&Client, &Display) -> Outcome,
    ) -> Outcome {
        self.attend(target, None, job)
    }

    /// The same for a server that may ask meanwhile.
    pub(crate) fn visit_and_answer(
        &self,
        target: Target,
        asker: Asker,
        job: impl AsyncFnOnce(&Client, &Display) -> Outcome,
    ) -> Outcome {
        self.attend(target, Some(asker), job)
    }

    fn attend(
        &self,
        target: Target,
        asker: Option<Asker>,
        job: impl AsyncFnOnce(&Client, &Display) -> Outcome,
    ) -> Outcome {
        let warnings = "warn".parse().map_err(Failure::runtime)?;
        logging::init(&warnings, LogFormat::Text).map_err(Failure::runtime)?;
        let display = Display::new();
        let mut options = self.options(&display)?;
        if let Some(asker) = asker {
            options = asker.answer(options, named(&target), &display);
        }
        let approach = Approach::new(&target, options.authorization.is_some());
        let mut ended = Ok(Finished::Interrupted);
        latimer_host::serve::block_on(async {
            let connected = tokio::select! {
                connected = Client::connect(target, options) => connected,
                never = display.wait() => match never {},
                () = interrupted() => return Ok(()),
            };
            display.finish();
            let client = connected.map_err(|error| approach.failure(&error))?;
            ended = tokio::select! {
                ended = job(&client, &display) => ended,
                never = display.wait() => match never {},
                () = interrupted() => Ok(Finished::Interrupted),
            };
            display.finish();
            // Whoever interrupts twice does not want to wait for a good end either.
            tokio::select! {
                () = client.close() => {}
                () = interrupted() => {}
            }
            Ok(())
        })?;
        ended
    }

    fn options(&self, display: &Display) -> Result<Options, Failure> {
        let mut options = Options::default().with_era(match (self.revision, self.era) {
            (Some(revision), _) if revision.is_modern() => EraPreference::Modern,
            (Some(revision), _) => EraPreference::Legacy(revision),
            (None, Era::Auto) => EraPreference::Auto,
            (None, Era::Modern) => EraPreference::Modern,
            (None, Era::Legacy) => EraPreference::Legacy(Revision::LATEST_LEGACY),
        });
        if let Some(token) = self.token()? {
            options = options.with_bearer(token.expose()).map_err(Failure::setup)?;
        }
        options.timeouts.request = self.timeout;
        options.timeouts.total = options.timeouts.total.max(self.timeout);
        options.timeouts.connect = options.timeouts.connect.min(self.timeout);
        options.timeouts.probe = options.timeouts.probe.min(self.timeout);
        options.log_level = Some(self.log_level);
        options.extra_ca = self.ca.clone();
        let display = display.clone();
        Ok(options.with_notifications(move |notification| display.notification(&notification)))
    }

    fn token(&self) -> Result<Option<Token>, Failure> {
        let Some(file) = &self.token_file else { return Ok(self.token.clone()) };
        let text = if file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(file)
        };
        match text {
            Ok(text) => Ok(text.parse().ok()),
            Err(error) => Err(Failure::setup(format_args!("read the token in {}: {error}", file.display()))),
        }
    }
}

/// The server in the user's words.
fn named(target: &Target) -> String {
    match target {
        Target::Http(url) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}{port}", url.host_str().unwrap_or_default())
        }
        Target::Stdio(_) => "the server".to_owned(),
        Target::Tcp(address) => address.to_string(),
        Target::Unix(address) => address.to_string(),
    }
}

/// What a failure of the client means for whoever typed the command.
pub(crate) fn failure(error: &ClientError) -> Failure {
    let mend = if error.is_timeout() { "; --timeout sets the time" } else { "" };
    Failure::runtime(format_args!("{error}{mend}"))
}

/// The entries of a list; none, where the server has no such list.
pub(crate) fn listed<T>(
    what: &str,
    list: Result<Vec<Entry<T>>, ClientError>,
) -> Result<Vec<Entry<T>>, Failure> {
    let list = match list {
        Err(error) if error.rpc().is_some_and(|error| error.code == ErrorCode::METHOD_NOT_FOUND) => {
            Vec::new()
        }
        list => list.map_err(|error| failure(&error))?,
    };
    if list.is_empty() {
        output::note(&format!("the server has no {what}"));
    }
    Ok(list)
}

/// What is known of a server before it is asked, to explain why it cannot be talked to.
struct Approach {
    /// Another address that may be meant, and for a port, when.
    other: Option<String>,
    /// Its messages are lines on a socket.
    is_socket: bool,
    has_token: bool,
}

impl Approach {
    /// Servers commonly have their endpoint at `/mcp`, and people type the address that a browser shows, or forget that a
    /// port is one of HTTP.
    fn new(target: &Target, has_token: bool) -> Self {
        let other = match target {
            Target::Http(url) if url.path() == "/" => url.join("mcp").ok().map(|url| url.to_string()),
            Target::Tcp(address) => {
                let address = address.to_string();
                address.split_once(':').map(|(scheme, place)| match scheme {
                    "tls" => format!("https:{place}/mcp if it is one of HTTP"),
                    _ => format!("tls:{place} if it speaks TLS, http:{place}/mcp if it is one of HTTP"),
                })
            }
            _ => None,
        };
        let is_socket = matches!(target, Target::Tcp(_) | Target::Unix(_));
        Self { other, is_socket, has_token }
    }

    fn failure(&self, error: &ClientError) -> Failure {
        match (error.http_status(), &self.other) {
            (Some(404 | 405), Some(url)) => Failure::runtime(format_args!("{error}; did you mean {url}?")),
            (Some(401), _) if self.has_token => Failure::runtime(
                "the server does not accept this token (HTTP 401); check it, and that it is for this server",
            ),
            (Some(401), _) => Failure::runtime(
                "the server wants a token (HTTP 401); give it with --token-file FILE or --token TOKEN",
            ),
            (None, _) if self.is_socket && error.is_auth() && error.rpc().is_some() => Failure::runtime(
                "the server does not accept this token; check it, and that it is for this server",
            ),
            (None, _) if self.is_socket && !self.has_token && wants_token(error) => {
                Failure::runtime("the server wants a token; give it with --token-file FILE or --token TOKEN")
            }
            (None, Some(url)) if self.is_socket && error.is_closed() => {
                Failure::runtime(format_args!("{error}; the port's address is {url}"))
            }
            _ => failure(error),
        }
    }
}

/// Whether a server on a socket refused to go on without a token: it then shows the message that it wants first.
fn wants_token(error: &ClientError) -> bool {
    let shown = |error: &latimer_protocol::RpcError| error.message.contains("\"method\":\"auth\"");
    error.rpc().is_some_and(|error| error.code == ErrorCode::INVALID_REQUEST && shown(error))
}

/// Reads a time such as `90s` or `1m30s`; a number alone counts seconds.
fn duration(text: &str) -> Result<Duration, humantime::DurationError> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => humantime::parse_duration(text),
    }
}

/// Ends when the user has had enough.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => {}
                Some(()) = terminate.recv() => {}
                else => std::future::pending().await,
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
