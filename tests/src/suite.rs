//! Scenarios of the official conformance suite against the fixture server and the fixture client.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::{process::ProcessGroup, program, server::HttpServer, tools};

/// A release of `@modelcontextprotocol/conformance`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// 0.1.16: what the registry calls latest; it ends with 2025-11-25.
    Stable,
    /// 0.2.0-alpha.12: the newest, and the first line that knows 2026-07-28.
    Alpha,
}

impl Release {
    fn version(self) -> &'static str {
        match self {
            Self::Stable => "0.1.16",
            Self::Alpha => "0.2.0-alpha.12",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Stable => "conformance-0.1/dist/index.js",
            Self::Alpha => "conformance-0.2/dist/index.js",
        }
    }
}

/// A check of a scenario, as the suite writes it down.
#[derive(Debug, Deserialize)]
struct Check {
    id: String,
    status: Status,
    #[serde(default, rename = "errorMessage")]
    error_message: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Success,
    Failure,
    Warning,
    Skipped,
    Info,
}

/// The check that the suite adds to every scenario whose messages it sees; it shows nothing of the scenario's own.
const SCHEMA_CHECK: &str = "wire-schema-valid";

/// A fixture server under test.
#[derive(Debug)]
pub struct Fixture {
    server: HttpServer,
}

impl Fixture {
    /// Starts a server on a port of its own.
    ///
    /// # Panics
    /// When there is no fixture server, or it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self { server: HttpServer::start(&program::conformance_server(), &["--http", "127.0.0.1:0"]) }
    }

    /// Runs `scenario` on the wire of `revision` (or, for an extension, on the one that the suite chooses) and demands that
    /// no check fails or warns, that at least one succeeds, and that those named in `shown` are among them: the suite itself
    /// is content with a scenario that could show nothing.
    ///
    /// # Panics
    /// When the scenario does not pass.
    pub fn pass(&self, release: Release, revision: Option<&str>, scenario: &str, shown: &[&str]) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let (printed, _) = self.run(release, &["--scenario", scenario], revision, &folder);
        let revision = revision.unwrap_or("extension");
        judge(release, revision, scenario, shown, &folder, &printed, || self.server.log());
    }

    /// Runs a scenario that the suite leaves out by itself, whatever the server does, and demands just that: one check,
    /// skipped. Once the suite has a test, it belongs among the others.
    ///
    /// # Panics
    /// When the suite does anything else.
    pub fn left_out(&self, release: Release, scenario: &str) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let (printed, _) = self.run(release, &["--scenario", scenario], None, &folder);
        let results = results(folder.path());
        let [(name, checks)] = results.as_slice() else { panic!("the suite said:\n{printed}") };
        assert_eq!(name, scenario);
        let seen: Vec<(&str, Status)> =
            checks.iter().map(|check| (check.id.as_str(), check.status)).collect();
        assert_eq!(seen, [(scenario, Status::Skipped)], "the suite said:\n{printed}");
    }

    /// Lets the suite itself choose and run scenarios, all on this one server, and demands that it ends with success, that
    /// what it ran is exactly `scenarios` and `left_out`, and that each of the former passes as with [`Fixture::pass`].
    ///
    /// # Panics
    /// When anything differs.
    pub fn pass_all(&self, release: Release, choice: &[&str], scenarios: &[&str], left_out: &[&str]) {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let (printed, is_success) = self.run(release, choice, None, &folder);
        let results = results(folder.path());
        let mut differences = Vec::new();
        if !is_success {
            differences.push("the suite does not end with success".to_owned());
        }
        for name in scenarios.iter().chain(left_out) {
            if results.iter().filter(|(ran, _)| ran == name).count() != 1 {
                differences.push(format!("{name}: expected once, and was not run just once"));
            }
        }
        for (name, checks) in &results {
            if scenarios.contains(&name.as_str()) {
                differences.extend(faults(checks, &[]).into_iter().map(|fault| format!("{name}: {fault}")));
            } else if !left_out.contains(&name.as_str()) {
                differences.push(format!("{name}: was run, and stands in no list"));
            } else if checks.iter().any(|check| check.status != Status::Skipped) {
                differences.push(format!("{name}: expected to be left out by the suite"));
            }
        }
        assert!(
            differences.is_empty(),
            "{} {}:\n  {}\nthe suite said:\n{printed}\nthe server said:\n{}",
            release.version(),
            choice.join(" "),
            differences.join("\n  "),
            self.server.log()
        );
    }

    fn run(
        &self,
        release: Release,
        choice: &[&str],
        revision: Option<&str>,
        folder: &TempDir,
    ) -> (String, bool) {
        let arguments = [&["server", "--url", self.server.url()], choice].concat();
        run(release, &arguments, revision, folder)
    }
}

/// Plays `scenario` on the wire of `revision` (or, for an extension, on the one that the suite chooses) to the fixture
/// client, and demands of it what [`Fixture::pass`] demands of the server.
///
/// # Panics
/// When the scenario does not pass.
pub fn play(release: Release, revision: Option<&str>, scenario: &str, shown: &[&str]) {
    let (folder, printed) = played(release, revision, scenario);
    let revision = revision.unwrap_or("extension");
    judge(release, revision, &format!("client-{scenario}"), shown, &folder, &printed, String::new);
}

/// Plays a scenario that the fixture client has to refuse as one that is still to come.
///
/// # Panics
/// When the client knows the scenario, or does not know its name: then it belongs among the others.
pub fn refuse(release: Release, revision: Option<&str>, scenario: &str) {
    let (_folder, printed) = played(release, revision, scenario);
    assert!(
        printed.contains("CLIENT EXITED WITH ERROR (code 3)"),
        "the client does not say that {scenario} is still to come; the suite said:\n{printed}"
    );
}

/// The client scenarios that the suite has: those of a requirement set, or all.
///
/// # Panics
/// When the suite cannot be run.
#[must_use]
pub fn client_scenarios(release: Release, requirements: Option<&str>) -> Vec<String> {
    let mut command = Command::new(tools::node());
    command.arg(tools::npm_program(release.program())).args(["list", "--client"]);
    if let Some(requirements) = requirements {
        command.args(["--requirements", requirements]);
    }
    let output = command.output().expect("the suite can be run");
    assert!(output.status.success(), "{output:?}");
    listed(&String::from_utf8_lossy(&output.stdout), requirements.is_some())
}

/// The names among what `list` prints. A requirement set lists the scenarios of servers too, and, indented, those that are
/// run without being scored, with their side behind the name.
fn listed(printed: &str, is_set: bool) -> Vec<String> {
    let mut is_client = false;
    let mut names = Vec::new();
    for line in printed.lines() {
        if !line.starts_with(' ') && !line.is_empty() {
            is_client = line.starts_with("Client scenarios");
        }
        let Some(rest) = line.trim_start().strip_prefix("- ") else { continue };
        let (name, note) = rest.split_once(' ').unwrap_or((rest, ""));
        if is_client || (is_set && note.contains("[client]")) {
            names.push(name.to_owned());
        }
    }
    names
}

fn played(release: Release, revision: Option<&str>, scenario: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let client = program::conformance_client();
    let client = client.to_str().expect("the path of the client is text");
    // The suite splits the command at spaces.
    assert!(!client.contains(' '), "the suite cannot run a client whose path has a space: {client}");
    let arguments = ["client", "--command", client, "--scenario", scenario];
    let (printed, _) = run(release, &arguments, revision, &folder);
    (folder, printed)
}

/// Reports what a scenario showed, and fails where that is not enough. `log` is what the other side said.
fn judge(
    release: Release,
    revision: &str,
    scenario: &str,
    shown: &[&str],
    folder: &TempDir,
    printed: &str,
    log: impl FnOnce() -> String,
) {
    let checks = checks(folder.path())
        .unwrap_or_else(|| panic!("{scenario} ran no check on {revision}; the suite said:\n{printed}"));
    let faults = faults(&checks, shown);
    let of = |wanted: Status| -> Vec<String> {
        let chosen = checks.iter().filter(|check| check.status == wanted);
        chosen
            .map(|check| format!("{}: {}", check.id, check.error_message.as_deref().unwrap_or("-")))
            .collect()
    };
    let report = json!({
        "passed": of(Status::Success).len(),
        "faults": faults,
        "warnings": of(Status::Warning),
        "skipped": of(Status::Skipped),
    });
    crate::report("suite", &format!("{} {revision} {scenario}", release.version()), &report);
    assert!(
        faults.is_empty(),
        "{scenario} on {revision} ({}):\n  {}\nthe suite said:\n{printed}\nthe other side said:\n{}",
        release.version(),
        faults.join("\n  "),
        log()
    );
}

/// Runs the suite to its end and returns what it printed, and whether it ended with success; each scenario has 30 s by the
/// suite's own clock.
fn run(release: Release, arguments: &[&str], revision: Option<&str>, folder: &TempDir) -> (String, bool) {
    let mut command = Command::new(tools::node());
    command.arg(tools::npm_program(release.program())).args(arguments);
    command.arg("--output-dir").arg(folder.path());
    if let Some(revision) = revision {
        command.args(["--spec-version", revision]);
    }
    let printed = folder.path().join("printed.txt");
    let out = fs::File::create(&printed).expect("a file can be made in the temporary folder");
    command.current_dir(folder.path()).stdin(Stdio::null());
    command.stderr(out.try_clone().expect("the file can be shared")).stdout(out);
    let status = ProcessGroup::spawn(&mut command)
        .and_then(|mut process| process.child().wait())
        .unwrap_or_else(|error| panic!("failed to run {command:?}: {error}"));
    (fs::read_to_string(&printed).unwrap_or_default(), status.success())
}

/// The checks of the one scenario whose results lie in `folder`.
fn checks(folder: &Path) -> Option<Vec<Check>> {
    let results =
        fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path().join("checks.json"));
    let text = results.into_iter().find_map(|path| fs::read_to_string(path).ok())?;
    Some(read(&text))
}

/// The server scenarios whose results lie in `folder`, with their checks.
fn results(folder: &Path) -> Vec<(String, Vec<Check>)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    entries
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("checks.json")).ok()?;
            Some((scenario_of(entry.file_name().to_str()?)?.to_owned(), read(&text)))
        })
        .collect()
}

/// The scenario in the name of its folder, `server-<scenario>-<time>`; a time is `2026-11-26T06-31-14-311Z`.
fn scenario_of(folder: &str) -> Option<&str> {
    let rest = folder.strip_prefix("server-")?;
    let (before, _) = rest.rsplit_once('T')?;
    before.rsplitn(4, '-').nth(3)
}

fn read(checks: &str) -> Vec<Check> {
    serde_json::from_str(checks).expect("checks.json has the form that this type describes")
}

fn faults(checks: &[Check], shown: &[&str]) -> Vec<String> {
    let mut faults: Vec<String> = checks
        .iter()
        .filter(|check| matches!(check.status, Status::Failure | Status::Warning))
        .map(|check| format!("{}: {}", check.id, check.error_message.as_deref().unwrap_or("failed")))
        .collect();
    let succeeded = |check: &Check| check.status == Status::Success && check.id != SCHEMA_CHECK;
    if !checks.iter().any(succeeded) {
        faults.push("no check of the scenario succeeded".to_owned());
    }
    for id in shown {
        if !checks.iter().any(|check| check.id == *id && check.status == Status::Success) {
            faults.push(format!("{id}: did not succeed"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::{Check, faults, listed, scenario_of};

    fn checks(text: &str) -> Vec<Check> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn scenarios_of_clients_are_told_from_those_of_servers() {
        let set = "Required:\n\nServer scenarios (a):\n  - ping\n\nClient scenarios (b):\n  - tools_call\n\nRun:\n  extension (2):\n    - auth/dpop [client]\n    - tasks [server]\n";
        assert_eq!(listed(set, true), ["tools_call", "auth/dpop"]);
        assert_eq!(listed("Client scenarios (x):\n  - initialize [2025-06-18]\n", false), ["initialize"]);
    }

    #[test]
    fn a_scenario_with_one_success_and_no_failure_passes() {
        let checks = checks(r#"[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "INFO"}]"#);
        assert_eq!(faults(&checks, &["a"]), Vec::<String>::new());
    }

    #[test]
    fn a_failure_is_a_fault_whatever_else_succeeded() {
        let checks = checks(
            r#"[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "FAILURE", "errorMessage": "e"}]"#,
        );
        assert_eq!(faults(&checks, &[]), ["b: e"]);
    }

    #[test]
    fn a_warning_is_a_fault() {
        let checks = checks(r#"[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "WARNING"}]"#);
        assert_eq!(faults(&checks, &[]), ["b: failed"]);
    }

    #[test]
    fn a_scenario_is_found_in_the_name_of_its_folder() {
        let found = scenario_of("server-sep-2640-skills-manifest-2026-11-26T06-31-30-681Z");
        assert_eq!(found, Some("sep-2640-skills-manifest"));
        assert_eq!(scenario_of("printed.txt"), None);
    }

    #[test]
    fn a_scenario_that_showed_nothing_fails() {
        let nothing =
            checks(r#"[{"id": "a", "status": "INFO"}, {"id": "wire-schema-valid", "status": "SUCCESS"}]"#);
        assert_eq!(faults(&nothing, &[]).len(), 1);
        assert_eq!(faults(&[], &[]).len(), 1);
    }

    #[test]
    fn a_check_that_must_be_shown_may_not_be_missing() {
        let checks = checks(r#"[{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "INFO"}]"#);
        assert_eq!(faults(&checks, &["b"]), ["b: did not succeed"]);
    }
}
