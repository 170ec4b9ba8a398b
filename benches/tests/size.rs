//! How large a server is: what of its program is loaded, without what only debuggers read.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot unwrap has failed")]

use latimer_bench::budget::{self, Budget};
use latimer_bench::figure::{Figure, Quantity};

/// Bytes that the system maps of a 64-bit ELF program: the file sizes of its segments of type `PT_LOAD`.
fn loaded(program: &[u8]) -> u64 {
    assert_eq!(&program[..5], b"\x7fELF\x02");
    let number = |at: usize| u64::from_le_bytes(program[at..at + 8].try_into().unwrap());
    let short = |at: usize| usize::from(u16::from_le_bytes(program[at..at + 2].try_into().unwrap()));
    let (table, entry, count) = (usize::try_from(number(0x20)).unwrap(), short(0x36), short(0x38));
    let segments = (0..count).map(|at| table + at * entry);
    segments.filter(|&at| program[at..at + 4] == [1, 0, 0, 0]).map(|at| number(at + 0x20)).sum()
}

fn figure(name: &str, value: u64) -> Figure {
    Figure::new(&[name], Quantity::Size, value)
}

#[test]
fn a_server_is_as_large_as_the_budget_says() {
    let size = loaded(&std::fs::read(env!("CARGO_BIN_EXE_subject")).unwrap());
    println!("{size} bytes");
    budget::hold("size", &[figure("subject", size)]).unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn a_program_with_more_in_it_is_over_the_budget() {
    let floor = loaded(&std::fs::read(env!("CARGO_BIN_EXE_floor")).unwrap());
    let subject = loaded(&std::fs::read(env!("CARGO_BIN_EXE_subject")).unwrap());
    let mut held = Budget::parse("").unwrap();
    held.replace("size", &[figure("x", floor)]);
    let violations = held.check("size", &[figure("x", subject)]);
    assert!(violations.len() == 1 && violations[0].is_over(), "{floor}, {subject}: {violations:?}");
}
