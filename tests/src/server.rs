//! Servers under test that listen.

use std::{
    fmt,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError, mpsc},
    time::Duration,
};

use tempfile::TempDir;

use crate::process::{self, ProcessGroup};

/// How long a server may take to say where it listens.
const START_LIMIT: Duration = Duration::from_secs(60);

/// A server that listens on HTTP; dropping it kills the process.
pub struct HttpServer {
    url: String,
    running: Running,
}

impl HttpServer {
    /// Starts `program` with `args` in an empty folder and waits for the line on stderr that holds its URL.
    ///
    /// # Panics
    /// When the program cannot be started, or ends or stays silent instead of naming a URL.
    #[must_use]
    pub fn start(program: &Path, args: &[&str]) -> Self {
        let (url, running) = Running::start(program, args, endpoint);
        Self { url, running }
    }

    /// The MCP endpoint, such as `http://127.0.0.1:40123/mcp`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What the server has written to stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A server that listens on a socket; dropping it kills the process.
pub struct SocketServer {
    place: Place,
    running: Running,
}

/// Where a server listens that speaks in lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Place {
    /// As the address of a server: `tcp://127.0.0.1:40123`, `unix:/run/mcp.sock`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl SocketServer {
    /// Starts `program` with `args` and a free TCP port, and waits until it is ready there.
    ///
    /// # Panics
    /// As [`HttpServer::start`].
    #[must_use]
    pub fn tcp(program: &Path, args: &[&str]) -> Self {
        Self::start(program, &[args, &["--tcp", "127.0.0.1:0"]].concat())
    }

    /// Starts `program` with `args` and a Unix socket in its folder, and waits until it is ready there.
    ///
    /// # Panics
    /// As [`HttpServer::start`].
    #[must_use]
    pub fn unix(program: &Path, args: &[&str]) -> Self {
        Self::start(program, &[args, &["--unix", "mcp.sock"]].concat())
    }

    fn start(program: &Path, args: &[&str]) -> Self {
        let (place, running) = Running::start(program, args, ready);
        let place = match place {
            Place::Unix(path) => Place::Unix(running.folder.path().join(path)),
            tcp @ Place::Tcp(_) => tcp,
        };
        Self { place, running }
    }

    /// Where it listens.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What the server has written to stderr so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.running.log()
    }
}

impl fmt::Debug for SocketServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketServer").field("place", &self.place).finish_non_exhaustive()
    }
}

/// A process that listens, with what it writes to stderr.
struct Running {
    log: Arc<Mutex<String>>,
    _process: ProcessGroup,
    // Removed after the process has gone.
    folder: TempDir,
}

impl Running {
    /// Starts `program` with `args` in an empty folder and waits for the line on stderr in which `find` finds something.
    fn start<T: Send + 'static>(
        program: &Path,
        args: &[&str],
        find: impl Fn(&str) -> Option<T> + Send + 'static,
    ) -> (T, Self) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut command = process::command(program);
        command.args(args).current_dir(folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = ProcessGroup::spawn(&mut command)
            .unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
        let stderr = process.child().stderr.take().expect("stderr is piped");

        let log = Arc::new(Mutex::new(String::new()));
        let (tell, found) = mpsc::channel();
        let written = Arc::clone(&log);
        // Reads to the end, so that the server never stands before a full pipe.
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                if let Some(place) = find(&line) {
                    let _ = tell.send(place);
                }
                let mut log = written.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        let running = Self { log, _process: process, folder };
        match found.recv_timeout(START_LIMIT) {
            Ok(place) => (place, running),
            Err(_) => panic!(
                "{} {args:?} did not say on stderr where it listens; it said:\n{}",
                program.display(),
                running.log()
            ),
        }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

/// Where a server is ready, if the line says so: `mcp:ready mode=tcp host=127.0.0.1 port=40123 …` or
/// `mcp:ready mode=socket path=/run/mcp.sock …`.
fn ready(line: &str) -> Option<Place> {
    let (_, said) = line.split_once("mcp:ready ")?;
    let value = |name: &str| said.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
    match value("mode")? {
        "tcp" => {
            Some(Place::Tcp(SocketAddr::new(value("host")?.parse().ok()?, value("port")?.parse().ok()?)))
        }
        "socket" => Some(Place::Unix(value("path")?.into())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, endpoint, ready};

    #[test]
    fn the_ready_line_says_where_a_server_listens() {
        let tcp = "mcp:ready mode=tcp host=127.0.0.1 port=40123 timestamp=2026-01-01T00:00:00Z";
        assert_eq!(ready(tcp), Some(Place::Tcp(([127, 0, 0, 1], 40123).into())));
        let socket = "mcp:ready mode=socket path=/run/mcp.sock timestamp=2026-01-01T00:00:00Z";
        assert_eq!(ready(socket), Some(Place::Unix("/run/mcp.sock".into())));
        for other in ["mcp:ready mode=stdio", "mcp:ready mode=tcp host=127.0.0.1", "mode=tcp host=::1 port=1"]
        {
            assert_eq!(ready(other), None, "{other}");
        }
    }

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
