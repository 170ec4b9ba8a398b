//! The steps of `cargo xtask test`.

use std::process::Command;

use crate::{
    command::{self, cargo},
    report, setup,
    tally::Tally,
    tree::Tree,
};

/// All code, with the tests that need foreign tools or valgrind. The same words in every step, so that nothing is built twice.
const WORKSPACE: [&str; 3] = ["--workspace", "--features", "latimer-tests/foreign,latimer-bench/valgrind"];
/// What is counted on its own, after the other tests. A filter of whole binaries: what it leaves out, nextest does not call
/// skipped.
const FOREIGN: &str = "package(latimer-tests) and \
    (binary(official_suite) or binary(official_suite_client) or binary(foreign_clients))";

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Fmt,
    Clippy,
    Doc,
    Nextest,
    Doctest,
    Suite,
    Clients,
}

impl Step {
    /// The steps in their order: what fails fast comes first.
    pub(crate) const ALL: [Self; 7] =
        [Self::Fmt, Self::Clippy, Self::Doc, Self::Nextest, Self::Doctest, Self::Suite, Self::Clients];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fmt => "fmt",
            Self::Clippy => "clippy",
            Self::Doc => "doc",
            Self::Nextest => "nextest",
            Self::Doctest => "doctest",
            Self::Suite => "suite",
            Self::Clients => "clients",
        }
    }

    /// Runs the step to its end.
    pub(crate) fn run(self, tree: &Tree) -> Tally {
        match self {
            Self::Fmt => self.check(cargo(tree).args(["fmt", "--all", "--check"])),
            Self::Clippy => self.check(cargo(tree).arg("clippy").args(WORKSPACE).args([
                "--all-targets",
                "--",
                "--deny",
                "warnings",
            ])),
            Self::Doc => self.check(
                cargo(tree).args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny warnings"),
            ),
            Self::Nextest => self.nextest(tree),
            Self::Doctest => self.doctest(tree),
            Self::Suite => self.foreign(tree, &["official_suite", "official_suite_client"], report::suite),
            Self::Clients => self.foreign(tree, &["foreign_clients"], report::clients),
        }
    }

    /// A command that passes or fails as a whole.
    fn check(self, command: &mut Command) -> Tally {
        match command::run(command) {
            Ok(true) => Tally::pass(),
            Ok(false) => Tally::fail(self.name()),
            Err(error) => Tally::fail(format!("{}: failed to start: {error}", self.name())),
        }
    }

    fn nextest(self, tree: &Tree) -> Tally {
        if let Err(error) = setup::nextest(tree).and_then(|()| setup::valgrind()) {
            return Tally::fail(format!("{}: {error}", self.name()));
        }
        if let Some(failure) = self.build(tree) {
            return failure;
        }
        let mut command = nextest(tree);
        command.args(WORKSPACE).args(["--filterset", &format!("not ({FOREIGN})")]);
        self.tests(&mut command)
    }

    fn doctest(self, tree: &Tree) -> Tally {
        match command::run_and_keep(cargo(tree).args(["test", "--doc", "--no-fail-fast"]).args(WORKSPACE)) {
            Ok(output) => match Tally::of_doctests(&output.text) {
                Some(tally) if output.success || tally.failed > 0 => tally,
                _ => Tally::fail("doctest: the examples could not be run"),
            },
            Err(error) => Tally::fail(format!("doctest: failed to start: {error}")),
        }
    }

    /// Test binaries that need foreign tools; `count` reads the reports that their tests leave.
    fn foreign(self, tree: &Tree, binaries: &[&str], count: fn(&Tree, Tally) -> Tally) -> Tally {
        let tools = setup::all(tree);
        if let Err(error) = tools {
            return Tally::fail(format!("{}: {error}", self.name()));
        }
        if let Some(failure) = self.build(tree) {
            return failure;
        }
        let mut command = nextest(tree);
        let binaries: Vec<String> = binaries.iter().map(|binary| format!("binary({binary})")).collect();
        command
            .args(WORKSPACE)
            .args(["--filterset", &format!("package(latimer-tests) and ({})", binaries.join(" or "))]);
        if self == Self::Clients {
            // Its legs wait most of the time: for tools that take theirs, and for tasks to be asked for anew.
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            command.args(["--test-threads", &(2 * cores).to_string()]);
        }
        count(tree, self.tests(&mut command))
    }

    /// Builds all programs and tests at once; the failure, if there is one.
    fn build(self, tree: &Tree) -> Option<Tally> {
        let mut build = cargo(tree);
        build.arg("build").args(WORKSPACE).args(["--bins", "--tests", "--examples"]);
        match command::run(&mut build) {
            Ok(true) => None,
            Ok(false) => Some(Tally::fail(format!("{}: the workspace does not build", self.name()))),
            Err(error) => Some(Tally::fail(format!("{}: failed to start cargo: {error}", self.name()))),
        }
    }

    fn tests(self, command: &mut Command) -> Tally {
        match command::run_and_keep(command) {
            Ok(output) => match Tally::of_nextest(&output.text) {
                Some(tally) if output.success || tally.failed > 0 => tally,
                _ => Tally::fail(format!("{}: the tests could not be run", self.name())),
            },
            Err(error) => Tally::fail(format!("{}: failed to start: {error}", self.name())),
        }
    }
}

/// The runner of the tests, which finds the programs of this tree.
pub(crate) fn nextest(tree: &Tree) -> Command {
    let mut command = cargo(tree);
    command.args(["nextest", "run", "--no-fail-fast", "--config-file", "xtask/nextest.toml"]);
    command.env("TESTED_LATIMER", tree.program("latimer"));
    command.env("TESTED_CONFORMANCE_SERVER", tree.program("conformance-server"));
    command.env("TESTED_CONFORMANCE_CLIENT", tree.program("conformance-client"));
    command.env("TESTED_EVERYTHING", tree.program("latimer-everything"));
    command.env("TEST_REPORT_DIR", tree.reports());
    command
}
