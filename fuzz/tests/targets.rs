//! Every target over its corpus, and over mutations of it that are the same on every run.
//!
//! `LATIMER_FUZZ_EXECUTIONS` sets how many mutations of each target are run; 2,000 unless told otherwise.

use latimer_fuzz::campaign::Campaign;
use latimer_fuzz::{TARGETS, Target, corpus};

fn campaign(name: &str) -> Campaign {
    let target = Target::named(name).expect("a target");
    let seeds = corpus::of(&target).expect("a corpus");
    assert!(seeds.len() >= 20, "the corpus of {name} has {} files only", seeds.len());
    Campaign::new(target, seeds.into_iter().map(|seed| seed.bytes), 20_260_728)
}

fn hold(name: &str) {
    if let Err(artifact) = campaign(name).inputs() {
        panic!("{artifact}");
    }
}

fn hold_under_mutation(name: &str) {
    let executions = std::env::var("LATIMER_FUZZ_EXECUTIONS").unwrap_or_else(|_| "2000".to_owned());
    let executions: u64 = executions.parse().expect("LATIMER_FUZZ_EXECUTIONS is a number");
    let mut campaign = campaign(name);
    while campaign.executions() < executions {
        if let Err(artifact) = campaign.mutation() {
            panic!("{artifact}");
        }
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(mod $name {
            #[test]
            fn holds_on_its_corpus() {
                super::hold(stringify!($name));
            }

            #[test]
            fn holds_under_mutation() {
                super::hold_under_mutation(stringify!($name));
            }
        })*
    };
}

targets! { frame rewrite lines sse sentinel param_header request_state config env_file interpolate }

#[test]
fn every_target_is_tested_here_and_wrapped_for_libfuzzer() {
    assert_eq!(TARGETS.map(|target| target.name), NAMES);
    let wrappers = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("cargo-fuzz");
    let manifest = std::fs::read_to_string(wrappers.join("Cargo.toml")).expect("the manifest");
    for name in NAMES {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "no wrapper of {name} in the manifest");
        let wrapper = std::fs::read_to_string(wrappers.join(format!("{name}.rs"))).expect("a wrapper");
        assert!(
            wrapper.contains(&format!("targets::{name}::run")),
            "the wrapper of {name} runs another target"
        );
    }
}
