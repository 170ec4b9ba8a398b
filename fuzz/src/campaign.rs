//! Runs a target over its corpus and over mutations of it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::artifact::Artifact;
use crate::mutator::Mutator;
use crate::target::Target;

/// A run of one target. What it does depends on its seed alone.
#[derive(Debug)]
pub struct Campaign {
    target: Target,
    inputs: Vec<Vec<u8>>,
    mutator: Mutator,
    executions: u64,
}

impl Campaign {
    /// A campaign that begins with `inputs`.
    pub fn new(target: Target, inputs: impl IntoIterator<Item = Vec<u8>>, seed: u64) -> Self {
        let inputs = inputs.into_iter().collect();
        Self { target, inputs, mutator: Mutator::new(seed, target.words), executions: 0 }
    }

    /// Runs the target over every input as it is.
    ///
    /// # Errors
    /// The first input that breaks a promise.
    pub fn inputs(&mut self) -> Result<(), Artifact> {
        self.executions += self.inputs.len() as u64;
        self.inputs.iter().try_for_each(|input| execute(&self.target, input))
    }

    /// Runs the target over one mutation.
    ///
    /// # Errors
    /// The mutation, if it breaks a promise.
    pub fn mutation(&mut self) -> Result<(), Artifact> {
        let random = self.mutator.random();
        let (input, other) = (random.below(self.inputs.len()), random.below(self.inputs.len()));
        let of = |at: usize| self.inputs.get(at).map(Vec::as_slice).unwrap_or_default();
        let mutated = self.mutator.mutate(of(input), of(other));
        self.executions += 1;
        execute(&self.target, &mutated)
    }

    /// How often the target was run.
    pub fn executions(&self) -> u64 {
        self.executions
    }
}

/// Runs a target once.
///
/// # Errors
/// The input, if it breaks a promise. The panic's message went to standard error.
pub fn execute(target: &Target, input: &[u8]) -> Result<(), Artifact> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input)))
        .map_err(|_| Artifact::keep(target.name, input.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NONE_IS_A_Z: Target = Target {
        name: "self-test",
        run: |data| assert!(!data.contains(&b'z'), "there is a z"),
        words: &["z"],
    };

    #[test]
    fn a_broken_promise_leaves_its_input_in_a_file() {
        let artifact = execute(&NONE_IS_A_Z, b"xyz").expect_err("it has a z");
        assert_eq!(fs::read(artifact.path()).expect("it was written"), b"xyz");
        assert!(artifact.to_string().contains("replay self-test"), "{artifact}");
        assert!(execute(&NONE_IS_A_Z, b"xy").is_ok());
    }

    #[test]
    fn mutations_find_what_the_corpus_does_not_have() {
        let mut campaign = Campaign::new(NONE_IS_A_Z, [b"abc".to_vec()], 1);
        assert!(campaign.inputs().is_ok());
        assert!((0..1000).any(|_| campaign.mutation().is_err()));
        assert!(campaign.executions() > 1);
    }
}
