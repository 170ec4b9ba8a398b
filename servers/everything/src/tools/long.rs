//! A tool that takes its time.

use std::time::Duration;

use latimer::prelude::*;
use schemars::JsonSchema;
use serde::Deserialize;

pub(super) fn add(server: Server) -> Server {
    server.tool(long_running)
}

/// A step must be done before the call counts as stuck (60 s, by default).
const LONGEST_STEP: f64 = 30.0;

const fn ten() -> f64 {
    10.0
}

const fn five() -> u32 {
    5
}

/// How long it takes.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Course {
    /// How long it takes in all, in seconds.
    #[serde(default = "ten")]
    #[schemars(range(min = 0, max = 600))]
    duration: f64,
    /// In how many steps. With none it is done at once.
    #[serde(default = "five")]
    #[schemars(range(min = 0, max = 1000))]
    steps: u32,
}

/// Takes its time and reports its progress after each step. A step takes at most 30 seconds. Can be cancelled.
#[tool(
    name = "longRunningOperation",
    title = "Long-running operation",
    read_only,
    idempotent,
    open_world = false
)]
pub(crate) async fn long_running(
    cx: &Context,
    Args(Course { duration, steps }): Args<Course>,
) -> Result<String, ToolError> {
    let step = if steps == 0 { 0.0 } else { duration / f64::from(steps) };
    if step > LONGEST_STEP {
        let message = format!("a step may take {LONGEST_STEP} seconds at most; take more steps");
        return Err(ToolError::new(message));
    }
    for done in 1..=steps {
        tokio::time::sleep(Duration::from_secs_f64(step)).await;
        cx.progress(done.into(), f64::from(steps), &format!("step {done} of {steps}"));
    }
    Ok(format!("Long running operation completed. Duration: {duration} seconds, Steps: {steps}."))
}
