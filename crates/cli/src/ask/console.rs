//! Lines to the user and from the user.

use std::io::Write as _;
use std::sync::mpsc as blocking;

use tokio::sync::mpsc;

use crate::output;

/// Somebody to talk to.
pub(super) trait Console: Send {
    /// Shows a line.
    fn show(&mut self, line: &str);

    /// Shows a question and waits for a line; `None` when there will be no more.
    fn line(&mut self, question: &str) -> impl Future<Output = Option<String>> + Send;
}

/// The terminal: questions go to standard error, answers come from standard input.
pub(super) struct Terminal {
    /// Asks the reading thread for a line; it has been asked already while a question waits, or was taken back.
    wanted: Option<blocking::Sender<()>>,
    asked: bool,
    lines: mpsc::UnboundedReceiver<Option<String>>,
    found: Option<mpsc::UnboundedSender<Option<String>>>,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let (found, lines) = mpsc::unbounded_channel();
        Self { wanted: None, asked: false, lines, found: Some(found) }
    }

    /// Asks for a line. The thread that reads is one of its own, as nothing ends a read of a terminal, and the program must
    /// not wait for it.
    fn want(&mut self) {
        if let Some(found) = self.found.take() {
            let (wanted, wishes) = blocking::channel();
            self.wanted = Some(wanted);
            std::thread::spawn(move || {
                while wishes.recv().is_ok() {
                    let mut line = String::new();
                    let read = std::io::stdin().read_line(&mut line);
                    let line = read.is_ok_and(|length| length > 0).then_some(line);
                    if found.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        if let Some(wanted) = self.wanted.as_ref().filter(|_| !self.asked) {
            self.asked = wanted.send(()).is_ok();
        }
    }
}

impl Console for Terminal {
    fn show(&mut self, line: &str) {
        super::tell(line);
    }

    async fn line(&mut self, question: &str) -> Option<String> {
        output::question(question);
        self.want();
        // Dropped meanwhile, the line that comes is for the next question.
        let line = self.lines.recv().await.flatten();
        self.asked = false;
        if line.is_none() {
            let _ = std::io::stderr().write_all(b"\n");
        }
        line.map(|line| line.trim().to_owned())
    }
}

#[cfg(test)]
pub(super) mod script {
    use std::collections::VecDeque;

    use super::Console;

    /// A user who says what was planned, and a record of all that was said.
    #[derive(Default)]
    pub(crate) struct Script {
        lines: VecDeque<String>,
        pub(crate) said: String,
    }

    impl Script {
        pub(crate) fn new(lines: &[&str]) -> Self {
            Self { lines: lines.iter().map(|line| (*line).to_owned()).collect(), said: String::new() }
        }

        pub(crate) fn is_done(&self) -> bool {
            self.lines.is_empty()
        }
    }

    impl Console for Script {
        fn show(&mut self, line: &str) {
            self.said.push_str(line);
            self.said.push('\n');
        }

        async fn line(&mut self, question: &str) -> Option<String> {
            let line = self.lines.pop_front();
            self.said.push_str(question);
            self.said.push_str(line.as_deref().unwrap_or("^D"));
            self.said.push('\n');
            line
        }
    }
}
