//! Runs fuzz targets without a fuzzer: mutations of the corpus, for a time, on several cores, without coverage.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that talks to whoever started it")]

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use latimer_fuzz::campaign::{Campaign, execute};
use latimer_fuzz::{Artifact, TARGETS, Target, corpus};

const USAGE: &str = "\
usage: latimer-fuzz list                             name all targets
       latimer-fuzz run TARGET|all [--minutes N] [--jobs N] [--seed N]
                                                     run mutations of the corpus: 10 minutes on all cores
       latimer-fuzz replay TARGET FILE…              run the target over these inputs

exit status: 0 all promises held, 1 one was broken (its input is kept in fuzz/artifacts), 2 wrong usage";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["list"] => {
            TARGETS.iter().for_each(|target| println!("{}", target.name));
            ExitCode::SUCCESS
        }
        ["run", name, options @ ..] => match (targets(name), Plan::read(options)) {
            (Ok(targets), Ok(plan)) => run(&targets, &plan),
            (Err(error), _) | (_, Err(error)) => wrong_usage(&error),
        },
        ["replay", name, files @ ..] if !files.is_empty() => match targets(name).as_deref() {
            Ok([target]) => replay(target, files),
            Ok(_) => wrong_usage("replay takes one target"),
            Err(error) => wrong_usage(error),
        },
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        [] => wrong_usage("a command is missing"),
        [other, ..] => wrong_usage(&format!("{other} is no command, or something behind it is missing")),
    }
}

/// How long, on how many threads, from where.
struct Plan {
    time: Duration,
    jobs: usize,
    seed: u64,
}

impl Plan {
    fn read(mut options: &[&str]) -> Result<Self, String> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let mut plan = Self { time: Duration::from_secs(600), jobs: cores, seed: 1 };
        while let [name, rest @ ..] = options {
            let (value, rest) = rest.split_first().ok_or_else(|| format!("{name} needs a number"))?;
            let number: u64 = value.parse().map_err(|_| format!("{name} needs a number, not {value}"))?;
            match *name {
                "--minutes" => plan.time = Duration::from_secs(number.saturating_mul(60)),
                "--jobs" => plan.jobs = usize::try_from(number).unwrap_or(usize::MAX).clamp(1, 256),
                "--seed" => plan.seed = number,
                other => return Err(format!("{other} is no option")),
            }
            options = rest;
        }
        Ok(plan)
    }
}

fn targets(name: &str) -> Result<Vec<Target>, String> {
    if name == "all" {
        return Ok(TARGETS.to_vec());
    }
    let known = || TARGETS.map(|target| target.name).join(", ");
    Target::named(name)
        .map(|target| vec![target])
        .ok_or_else(|| format!("no target is called {name}; there are: {}", known()))
}

fn wrong_usage(why: &str) -> ExitCode {
    eprintln!("error: {why}\n\n{USAGE}");
    ExitCode::from(2)
}

fn run(targets: &[Target], plan: &Plan) -> ExitCode {
    let mut broken = false;
    for target in targets {
        let seeds = match corpus::of(target) {
            Ok(seeds) => seeds,
            Err(error) => {
                eprintln!("error: failed to read the corpus of {}: {error}", target.name);
                return ExitCode::FAILURE;
            }
        };
        let inputs: Vec<Vec<u8>> = seeds.into_iter().map(|seed| seed.bytes).collect();
        let (start, executions, stop) = (Instant::now(), AtomicU64::new(0), AtomicBool::new(false));
        let job = |job: usize| -> Result<(), Artifact> {
            let seed = plan.seed.wrapping_add(job as u64);
            let mut campaign = Campaign::new(*target, inputs.iter().cloned(), seed);
            let mut result = campaign.inputs();
            while result.is_ok() && start.elapsed() < plan.time && !stop.load(Ordering::Relaxed) {
                result = campaign.mutation();
            }
            stop.fetch_or(result.is_err(), Ordering::Relaxed);
            executions.fetch_add(campaign.executions(), Ordering::Relaxed);
            result
        };
        let artifacts: Vec<Artifact> = thread::scope(|scope| {
            let jobs: Vec<_> = (0..plan.jobs).map(|number| scope.spawn(move || job(number))).collect();
            jobs.into_iter().filter_map(|job| job.join().ok()?.err()).collect()
        });
        artifacts.iter().for_each(|artifact| eprintln!("{artifact}"));
        broken |= !artifacts.is_empty();
        println!(
            "{:<14} {:>12} executions {:>6.0} s  {} threads, not guided by coverage  {}",
            target.name,
            executions.into_inner(),
            start.elapsed().as_secs_f64(),
            plan.jobs,
            if artifacts.is_empty() { "held" } else { "BROKEN" }
        );
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn replay(target: &Target, files: &[&str]) -> ExitCode {
    let mut broken = false;
    for file in files {
        match fs::read(file) {
            Ok(bytes) => {
                let held = execute(target, &bytes).is_ok();
                println!("{file}: {}", if held { "held" } else { "BROKEN" });
                broken |= !held;
            }
            Err(error) => {
                eprintln!("error: failed to read {file}: {error}");
                broken = true;
            }
        }
    }
    if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
