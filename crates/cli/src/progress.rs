//! What is told of a call while it runs: progress, log messages, what a server's program writes to its stderr.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use latimer_client::Notification;
use latimer_protocol::wire::ProgressParams;

use crate::output;

/// A call that takes less is not worth a word.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(1);

/// The steps of a bar.
const STEPS: u64 = 1000;

/// Tells on standard error what happens.
#[derive(Clone, Debug)]
pub(crate) struct Display(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    since: Instant,
    pace: Pace,
    on_terminal: bool,
    /// What is on the terminal.
    bar: Option<ProgressBar>,
    /// Somebody is asked something, and a bar would be in the way.
    is_quiet: bool,
}

/// Keeps the bar away while the user is asked something; progress counts anew after that.
#[derive(Debug)]
pub(crate) struct Quiet(Display);

impl Drop for Quiet {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.is_quiet = false;
        state.since = Instant::now();
    }
}

impl Display {
    /// Begins with nothing.
    pub(crate) fn new() -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        Self(Arc::new(Mutex::new(State {
            since: Instant::now(),
            pace: Pace::default(),
            on_terminal,
            bar: None,
            is_quiet: false,
        })))
    }

    /// Writes a line, above the bar if there is one.
    pub(crate) fn line(&self, line: &str) {
        match &self.state().bar {
            Some(bar) => bar.suspend(|| output::note(line)),
            None => output::note(line),
        }
    }

    /// Tells of a log message of the server (LOG-1). Other notifications are of no interest to a single command.
    pub(crate) fn notification(&self, notification: &Notification) {
        if let Some(log) = notification.log() {
            let text = log.data.to::<String>().unwrap_or_else(|_| log.data.to_string());
            let logger = log.logger.map(|logger| format!(" {logger}")).unwrap_or_default();
            self.line(&format!("[{}{logger}] {text}", log.level));
        }
    }

    /// Shows no bar any more: nothing is waited for.
    pub(crate) fn rest(&self) {
        self.finish();
        self.state().is_quiet = true;
    }

    /// Takes the bar away, and keeps it away until the value is dropped.
    pub(crate) fn quiet(&self) -> Quiet {
        self.finish();
        self.state().is_quiet = true;
        Quiet(self.clone())
    }

    /// Tells of progress, once the call has taken long enough.
    pub(crate) fn progress(&self, report: &ProgressParams) {
        let mut state = self.state();
        let elapsed = state.since.elapsed();
        if state.on_terminal {
            if elapsed >= PATIENCE {
                state.show(Some(report));
            }
        } else if state.pace.is_due(elapsed) {
            output::note(&told(report));
        }
    }

    /// Waits until the call has taken long, and shows then that something goes on. Never ends.
    pub(crate) async fn wait(&self) -> Infallible {
        tokio::time::sleep(PATIENCE).await;
        {
            let mut state = self.state();
            if state.on_terminal {
                state.show(None);
            }
        }
        std::future::pending().await
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.state().bar.take() {
            bar.finish_and_clear();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Draws the bar: of the whole where that is known, else only that something goes on.
    fn show(&mut self, report: Option<&ProgressParams>) {
        if self.is_quiet {
            return;
        }
        let bar = self.bar.get_or_insert_with(|| {
            let bar = ProgressBar::with_draw_target(Some(STEPS), ProgressDrawTarget::stderr())
                .with_elapsed(self.since.elapsed())
                .with_message("waiting for the server");
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        });
        let Some(report) = report else {
            // A report that came meanwhile says more.
            if bar.position() == 0 {
                style(bar, WITHOUT_TOTAL);
            }
            return;
        };
        match share(report.progress, report.total) {
            Some(share) => {
                style(bar, WITH_TOTAL);
                bar.set_position(share);
            }
            None => style(bar, WITHOUT_TOTAL),
        }
        if let Some(message) = &report.message {
            bar.set_message(message.replace(char::is_control, " "));
        }
    }
}

const WITH_TOTAL: &str = "{bar:30} {percent:>3}%  {wide_msg}";
const WITHOUT_TOTAL: &str = "{spinner} {elapsed}  {wide_msg}";

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

/// When a line is due where there is no terminal.
#[derive(Debug, Default)]
struct Pace {
    last: Option<Duration>,
}

impl Pace {
    fn is_due(&mut self, elapsed: Duration) -> bool {
        let due = elapsed >= PATIENCE && self.last.is_none_or(|last| elapsed.saturating_sub(last) >= EVERY);
        if due {
            self.last = Some(elapsed);
        }
        due
    }
}

/// How many of the bar's steps are done.
fn share(progress: f64, total: Option<f64>) -> Option<u64> {
    let total = total.filter(|total| *total > 0.0)?;
    let share = progress / total;
    // A float becomes an integer within its bounds.
    share.is_finite().then(|| (share.clamp(0.0, 1.0) * STEPS as f64) as u64)
}

/// A report as one line.
fn told(report: &ProgressParams) -> String {
    let mut line = format!("progress {}", report.progress);
    if let Some(total) = report.total {
        let _ = write!(line, " of {total}");
    }
    if let Some(message) = &report.message {
        let _ = write!(line, ": {}", message.replace(['\n', '\r'], " "));
    }
    line
}

#[cfg(test)]
mod tests {
    use latimer_protocol::wire::ProgressToken;

    use super::*;

    #[test]
    fn short_calls_tell_nothing_and_long_ones_not_too_much() {
        let mut pace = Pace::default();
        let due: Vec<bool> = [0, 1999, 2000, 2500, 2999, 3000, 3001, 9000]
            .map(|ms| pace.is_due(Duration::from_millis(ms)))
            .into();
        assert_eq!(due, [false, false, true, false, false, true, false, true]);
    }

    #[test]
    fn a_report_is_one_line() {
        let report = |total, message: Option<&str>| ProgressParams {
            progress_token: ProgressToken::from(1),
            progress: 3.0,
            total,
            message: message.map(str::to_owned),
        };
        assert_eq!(told(&report(Some(10.0), Some("a\nb"))), "progress 3 of 10: a b");
        assert_eq!(told(&report(None, None)), "progress 3");
    }

    #[test]
    fn a_bar_takes_whatever_a_server_says() {
        assert_eq!(share(3.0, Some(12.0)), Some(250));
        assert_eq!(share(30.0, Some(12.0)), Some(STEPS));
        for (progress, total) in [(1.0, 0.0), (1.0, -1.0), (f64::NAN, 1.0), (f64::INFINITY, 1.0)] {
            assert_eq!(share(progress, Some(total)), None, "{progress} of {total}");
        }
    }
}
