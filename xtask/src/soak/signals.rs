//! Signals, many times over: the program is started and told to end, and has to end in order each time.

use crate::{command, setup, step, tally::Tally, tree::Tree};

/// Where the test lives.
const PACKAGE: &str = "latimer-cli";
/// What it is called.
const TESTS: &str = "test(signals)";
/// How often each is run; the test reads it from `LATIMER_SOAK_ROUNDS`.
const ROUNDS: &str = "50";

pub(super) fn run(tree: &Tree) -> Tally {
    if let Err(error) = setup::nextest(tree) {
        return Tally::fail(format!("signals: {error}"));
    }
    let mut command = step::nextest(tree);
    command.args(["--profile", "soak", "--package", PACKAGE, "--filterset", TESTS]);
    command.args(["--success-output", "immediate"]).env("LATIMER_SOAK_ROUNDS", ROUNDS);
    match command::run_and_keep(&mut command) {
        Ok(output) => judge(&output),
        Err(error) => Tally::fail(format!("signals: failed to start: {error}")),
    }
}

fn judge(output: &command::Output) -> Tally {
    match Tally::of_nextest(&output.text) {
        Some(tally) if tally.passed + tally.failed == 0 => {
            Tally::fail(format!("signals: no test of {PACKAGE} matches {TESTS}"))
        }
        Some(tally) if output.success || tally.failed > 0 => {
            println!(
                "signals: {ROUNDS} rounds of {} tests, {} failed",
                tally.passed + tally.failed,
                tally.failed
            );
            // What the filter leaves out, nextest calls skipped.
            Tally { skipped: 0, ..tally }
        }
        _ => Tally::fail("signals: the tests could not be run"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(text: &str, success: bool) -> Tally {
        judge(&command::Output { success, text: text.to_owned() })
    }

    #[test]
    fn a_filter_that_matches_nothing_is_a_failure_that_says_so() {
        let tally = judged(
            "     Summary [   0.001s] 0 tests run: 0 passed, 70 skipped\nerror: no tests to run\n",
            false,
        );
        assert_eq!(tally, Tally::fail("signals: no test of latimer-cli matches test(signals)"));
    }

    #[test]
    fn what_the_filter_leaves_out_is_not_skipped() {
        let tally = judged("     Summary [   9.001s] 2 tests run: 2 passed, 70 skipped\n", true);
        assert_eq!(tally, Tally { passed: 2, ..Tally::default() });
    }

    #[test]
    fn a_build_that_fails_is_a_failure() {
        assert_eq!(
            judged("error: could not compile", false),
            Tally::fail("signals: the tests could not be run")
        );
    }
}
