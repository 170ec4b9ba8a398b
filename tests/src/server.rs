//! A server under test that listens on HTTP.

use std::{
    fmt,
    io::{BufRead, BufReader},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use tempfile::TempDir;

use crate::process::{self, ProcessGroup};

/// How long a server may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A running server; dropping it kills the process.
pub struct HttpServer {
    url: String,
    log: Arc<Mutex<String>>,
    _process: ProcessGroup,
    // Removed after the process has gone.
    _folder: TempDir,
}

impl HttpServer {
    /// Starts `program` with `args` in an empty folder and waits for the line on stderr that holds its URL.
    ///
    /// # Panics
    /// When the program cannot be started, or ends or stays silent instead of naming a URL.
    #[must_use]
    pub fn start(program: &Path, args: &[&str]) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut command = process::command(program);
        command.args(args).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = ProcessGroup::spawn(&mut command)
            .unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
        let stderr = process.child().stderr.take().expect("stderr is piped");

        let log = Arc::new(Mutex::new(String::new()));
        let (found, urls) = mpsc::channel();
        let written = Arc::clone(&log);
        // Reads to the end, so that the server never stands before a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(url) = endpoint(&line) {
                    let _ = found.send(url);
                }
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let url = urls.recv_timeout(START_LIMIT).unwrap_or_else(|_| {
            let log = log.lock().unwrap_or_else(PoisonError::into_inner);
            panic!("{} {args:?} named no URL on stderr; it said:\n{log}", program.display())
        });
        Self { url, log, _process: process, _folder: folder }
    }

    /// The MCP endpoint, such as `http://127.0.0.1:40123/mcp`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the server has written to stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// The MCP endpoint that a line names, whatever stands around it.
fn endpoint(line: &str) -> Option<String> {
    const ORIGIN: &str = "http://127.0.0.1:";
    let (_, rest) = line.split_once(ORIGIN)?;
    let digits = rest.find(|c: char| !c.is_ascii_digit())?;
    let (port, path) = rest.split_at(digits);
    (!port.is_empty() && path.starts_with("/mcp")).then(|| format!("{ORIGIN}{port}/mcp"))
}

#[cfg(test)]
mod tests {
    use super::endpoint;

    #[test]
    fn an_endpoint_is_found_in_the_middle_of_a_line() {
        let line = "INFO listening on \u{1b}[1mhttp://127.0.0.1:40123/mcp\u{1b}[0m.";
        assert_eq!(endpoint(line).as_deref(), Some("http://127.0.0.1:40123/mcp"));
    }

    #[test]
    fn a_line_without_the_endpoint_names_none() {
        for line in ["", "http://127.0.0.1:40123/", "http://127.0.0.1:/mcp", "http://localhost:1/mcp"] {
            assert_eq!(endpoint(line), None, "{line}");
        }
    }
}
