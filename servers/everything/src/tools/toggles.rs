//! Tools that switch simulations on and off.

use latimer::ReadRequest;
use latimer::prelude::*;
use latimer::{Error, SessionLine};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::handle::Handle as Key;
use crate::simulation::{Kind, PERIOD, Simulations, owner_of};

pub(super) fn add(server: Server) -> Server {
    let simulations = Simulations::default();
    let (read, stop) = (simulations.clone(), simulations.clone());
    let counter = Resource::new(COUNTER, "Simulated Updates", move |request: ReadRequest, cx: Context| {
        std::future::ready(count(&read, &cx, &request))
    });
    server
        .state(simulations)
        .on_stop(move |_| async move { stop.stop_all() })
        .tool(logging)
        .tool(updates)
        .resource(
            counter
                .description("How often a simulation of updates has updated this resource.")
                .mime_type("text/plain"),
        )
}

/// What a simulation without a session updates.
const COUNTER: &str = "demo://resource/updates/{handle}";

/// The messages, by turns.
const MESSAGES: [(LogLevel, &str); 8] = [
    (LogLevel::Debug, "Debug-level message"),
    (LogLevel::Info, "Info-level message"),
    (LogLevel::Notice, "Notice-level message"),
    (LogLevel::Warning, "Warning-level message"),
    (LogLevel::Error, "Error-level message"),
    (LogLevel::Critical, "Critical-level message"),
    (LogLevel::Alert, "Alert-level message"),
    (LogLevel::Emergency, "Emergency-level message"),
];

const fn eight() -> u32 {
    8
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Logging {
    /// Where there is no session: how many messages come before this call is done.
    #[serde(default = "eight")]
    #[schemars(range(min = 1, max = 100))]
    messages: u32,
    /// Whether a notification of the method notifications/stderr, which is not of the protocol, comes with each message.
    /// Only in sessions.
    #[serde(default)]
    stderr: bool,
}

/// Switches simulated log messages of all levels on or off: one at once, and one every five seconds, for ten minutes at
/// most. Where there is no session, as in 2026-07-28, the messages come while this call goes on, if it wants any.
#[tool(name = "toggle-simulated-logging", title = "Simulated logging", open_world = false)]
async fn logging(
    cx: &Context,
    simulations: State<Simulations>,
    Args(Logging { messages, stderr }): Args<Logging>,
) -> latimer::Result<String> {
    if let Some(line) = cx.session_line() {
        let is_on =
            simulations.toggle(Kind::Logging, line, move |line, number| message(line, number, stderr))?;
        return Ok(if is_on {
            format!("Simulated logging is on: a message every {} seconds.", PERIOD.as_secs())
        } else {
            "Simulated logging is off.".to_owned()
        });
    }
    if stderr {
        return Err(Error::shown("notifications/stderr can be sent to sessions only; leave stderr out"));
    }
    for number in 1..=messages {
        let (level, text) = nth(number.into());
        cx.log(level, Some(LOGGER), text);
        if number < messages {
            tokio::time::sleep(PERIOD).await;
        }
        cx.progress(number.into(), f64::from(messages), "simulated logging");
    }
    Ok(format!("Simulated logging is over, after {messages} message(s)."))
}

const LOGGER: &str = "everything";

fn nth(number: u64) -> (LogLevel, &'static str) {
    MESSAGES[(number.saturating_sub(1) % MESSAGES.len() as u64) as usize]
}

async fn message(line: SessionLine, number: u64, stderr: bool) {
    let (level, text) = nth(number);
    line.log(level, Some(LOGGER), text).await;
    if stderr {
        let content = format!("A simulated line of standard error, number {number}");
        line.notify("notifications/stderr", &json!({ "content": content })).await;
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Updates {
    /// Where there is no session: the handle of the simulation that is switched off. Without it, one begins.
    handle: Option<String>,
}

/// Switches simulated updates on or off: at once, and every five seconds, for ten minutes at most. In a session, all that
/// it subscribed to is said to be updated. Where there is none, as in 2026-07-28, a handle comes back, with the URI of a
/// resource to listen to; send the handle to switch the updates off.
#[tool(name = "toggle-subscriber-updates", title = "Simulated updates", open_world = false)]
async fn updates(
    cx: &Context,
    simulations: State<Simulations>,
    server: State<Handle>,
    Args(Updates { handle }): Args<Updates>,
) -> latimer::Result<String> {
    if let Some(handle) = handle {
        let key = handle.parse::<Key>().map_err(|error: &str| ToolError::new(error))?;
        return if simulations.stop(Kind::Updates, &owner_of(cx, key)) {
            Ok("Simulated updates are off.".to_owned())
        } else {
            Err(Error::shown("no simulated updates are going on under this handle"))
        };
    }
    if let Some(line) = cx.session_line() {
        let is_on = simulations.toggle(Kind::Updates, line, |line, _| async move { line.updated() })?;
        return Ok(if is_on {
            format!("Simulated updates are on: every {} seconds.", PERIOD.as_secs())
        } else {
            "Simulated updates are off.".to_owned()
        });
    }
    let key = Key::random()?;
    let uri = COUNTER.replace("{handle}", &key.to_string());
    let owner = owner_of(cx, key.clone());
    let (server, updated) = ((*server).clone(), uri.clone());
    simulations.begin(Kind::Updates, owner, move |_| std::future::ready(server.update(&updated).is_ok()))?;
    Ok(format!(
        "Simulated updates are on: every {} seconds.\nResource: {uri}\nHandle: {key}",
        PERIOD.as_secs()
    ))
}

fn count(simulations: &Simulations, cx: &Context, request: &ReadRequest) -> Result<String, Error> {
    let key =
        request.variables.first().and_then(|(_, handle)| handle.parse().ok()).ok_or(Error::NoResource)?;
    let events = simulations.events(Kind::Updates, &owner_of(cx, key)).ok_or(Error::NoResource)?;
    Ok(format!("updated {events} times"))
}
