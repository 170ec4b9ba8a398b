//! `cargo xtask soak`: tests with their full counts, which take longer than anyone wants to wait for each day.

mod fuzz;
mod signals;

use crate::{tally::Tally, tree::Tree};

/// Something that is run for long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Soak {
    Fuzz,
    Signals,
}

/// What is to be run, and for how long where that is a matter of time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) soaks: Vec<Soak>,
    /// Minutes for each fuzz target.
    pub(crate) minutes: u32,
}

impl Soak {
    pub(crate) const ALL: [Self; 2] = [Self::Fuzz, Self::Signals];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Fuzz => "fuzz",
            Self::Signals => "signals",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|soak| soak.name() == name)
    }

    /// Runs it to its end and prints its figures.
    pub(crate) fn run(self, tree: &Tree, plan: &Plan) -> Tally {
        match self {
            Self::Fuzz => fuzz::run(tree, plan.minutes),
            Self::Signals => signals::run(tree),
        }
    }
}

impl Plan {
    /// Reads what stands behind `soak`: names, and options for all of them. Without names everything is run.
    ///
    /// # Errors
    /// What is wrong with the words.
    pub(crate) fn read(words: &[&str]) -> Result<Self, String> {
        let mut plan = Self { soaks: Vec::new(), minutes: 10 };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if *word == "--minutes" {
                let minutes = words.next().and_then(|number| number.parse().ok());
                plan.minutes = minutes
                    .filter(|minutes| (1..=10_080).contains(minutes))
                    .ok_or("--minutes needs a whole number from 1 to 10080")?;
            } else {
                plan.soaks.push(Soak::named(word).ok_or_else(|| format!("no soak is called {word}"))?);
            }
        }
        if plan.soaks.is_empty() {
            plan.soaks = Soak::ALL.to_vec();
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_minutes_are_read_in_any_order() {
        assert_eq!(Plan::read(&[]), Ok(Plan { soaks: Soak::ALL.to_vec(), minutes: 10 }));
        let fuzz = Plan { soaks: vec![Soak::Fuzz], minutes: 3 };
        assert_eq!(Plan::read(&["--minutes", "3", "fuzz"]).as_ref(), Ok(&fuzz));
        assert_eq!(Plan::read(&["fuzz", "--minutes", "3"]), Ok(fuzz));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        assert_eq!(Plan::read(&["fuz"]), Err("no soak is called fuz".to_owned()));
        for words in [&["--minutes"][..], &["--minutes", "0"], &["--minutes", "x"], &["--minutes", "10081"]] {
            assert!(Plan::read(words).is_err(), "{words:?}");
        }
    }
}
