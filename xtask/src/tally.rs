//! What a step came to, and how the tools say it.

/// The tests of a step by what became of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What failed, for the list at the end.
    pub(crate) failures: Vec<String>,
}

impl Tally {
    /// One thing that passed.
    pub(crate) fn pass() -> Self {
        Self { passed: 1, ..Self::default() }
    }

    /// One thing that failed.
    pub(crate) fn fail(what: impl Into<String>) -> Self {
        Self { failed: 1, failures: vec![what.into()], ..Self::default() }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }

    /// Reads what nextest prints; `None` when there is no summary, as after a failed build.
    pub(crate) fn of_nextest(output: &str) -> Option<Self> {
        let mut lines = output.lines().map(str::trim);
        let summary = lines.by_ref().find(|line| line.starts_with("Summary ["))?;
        let (_, counts) = summary.split_once(" run: ")?;
        let mut tally = Self::default();
        for part in counts.split(',') {
            let (count, what) = part.trim().split_once(' ')?;
            let count: u64 = count.parse().ok()?;
            // Behind the word may stand more, as in "12 passed (1 slow)".
            match what.split(" (").next()? {
                "passed" => tally.passed += count,
                "skipped" => tally.skipped += count,
                _ => tally.failed += count,
            }
        }
        // After the summary, the failed tests are listed once more: "FAIL [   0.003s] (1/9) package::binary name".
        for line in lines {
            if let Some((status, rest)) = line.split_once(" [")
                && let Some((_, name)) = rest.split_once("] ")
                && !status.is_empty()
            {
                let name = if name.starts_with('(') {
                    name.split_once(") ").map_or(name, |(_, name)| name)
                } else {
                    name
                };
                tally.failures.push(name.trim().to_owned());
            }
        }
        tally.failures.dedup();
        Some(tally)
    }

    /// Reads what `cargo test --doc` prints; `None` when no crate came as far as a result.
    pub(crate) fn of_doctests(output: &str) -> Option<Self> {
        let mut tally = Self::default();
        let mut results = 0;
        for line in output.lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                results += 1;
                for part in counts.split(['.', ';']) {
                    let Some((count, what)) = part.trim().split_once(' ') else { continue };
                    let Ok(count) = count.parse::<u64>() else { continue };
                    match what {
                        "passed" => tally.passed += count,
                        "failed" => tally.failed += count,
                        "ignored" => tally.skipped += count,
                        _ => {}
                    }
                }
            } else if let Some(test) =
                line.strip_prefix("test ").and_then(|test| test.strip_suffix(" ... FAILED"))
            {
                tally.failures.push(test.to_owned());
            }
        }
        (results > 0).then_some(tally)
    }
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn a_clean_summary_of_nextest_is_counted() {
        let output = "    PASS [   0.1s] a b\n------\n     Summary [   1.234s] 12 tests run: 12 passed (1 slow), 3 skipped\n";
        let tally = Tally { passed: 12, skipped: 3, ..Tally::default() };
        assert_eq!(Tally::of_nextest(output), Some(tally));
    }

    #[test]
    fn every_kind_of_failure_of_nextest_is_a_failure() {
        let output = "     Summary [   9s] 6 tests run: 2 passed, 2 failed, 1 timed out, 1 exec failed, 0 skipped\n        \
                      FAIL [   0.003s] (1/6) latimer-core view::tests::hides\n     \
                      TIMEOUT [  60.000s] (2/6) latimer-tests::stdio hangs\n\
                      error: test run failed\n";
        let tally = Tally {
            passed: 2,
            failed: 4,
            skipped: 0,
            failures: vec![
                "latimer-core view::tests::hides".to_owned(),
                "latimer-tests::stdio hangs".to_owned(),
            ],
        };
        assert_eq!(Tally::of_nextest(output), Some(tally));
    }

    #[test]
    fn a_single_test_is_counted_too() {
        let output = "     Summary [   0.006s] 1 test run: 1 passed, 0 skipped";
        assert_eq!(Tally::of_nextest(output), Some(Tally::pass()));
    }

    #[test]
    fn no_summary_is_no_tally() {
        assert_eq!(Tally::of_nextest("error: could not compile `latimer-core`"), None);
        assert_eq!(Tally::of_doctests("error: could not compile `latimer-core`"), None);
    }

    #[test]
    fn doctests_are_summed_over_the_crates() {
        let output = "test src/a.rs - a (line 3) ... ok\ntest src/b.rs - b (line 5) ... FAILED\n\
                      test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.10s\n\
                      test result: ok. 4 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s\n";
        let tally =
            Tally { passed: 5, failed: 1, skipped: 2, failures: vec!["src/b.rs - b (line 5)".to_owned()] };
        assert_eq!(Tally::of_doctests(output), Some(tally));
    }
}
