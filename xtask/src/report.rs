//! The reports that tests with foreign tools leave: what they found beyond passed and failed.

use std::fs;

use serde_json::Value;

use crate::{tally::Tally, tree::Tree};

/// Shows what the official suite warned of or skipped; its scenarios are counted as the tests they are.
pub(crate) fn suite(tree: &Tree, tally: Tally) -> Tally {
    for (name, report) in read(tree, "suite") {
        for kind in ["warnings", "skipped"] {
            for line in report[kind].as_array().into_iter().flatten() {
                println!("{name}: {kind}: {}", line.as_str().unwrap_or_default());
            }
        }
    }
    tally
}

/// Counts the cells of the table instead of its legs.
pub(crate) fn clients(tree: &Tree, legs: Tally) -> Tally {
    let reports = read(tree, "clients");
    let mut cells = Tally { failures: legs.failures, ..Tally::default() };
    let (mut clean, mut differing) = (0, 0);
    println!("{:<36} {:>6} {:>7} {:>7}", "leg", "cells", "cannot", "differ");
    for (name, report) in &reports {
        let width = report["width"].as_u64().unwrap_or_default();
        let cannot = report["cannot"].as_u64().unwrap_or_default();
        let differences = report["differences"].as_array().map_or(0, Vec::len) as u64;
        println!("{name:<36} {width:>6} {cannot:>7} {differences:>7}");
        cells.passed += width.saturating_sub(differences);
        cells.failed += differences;
        if differences == 0 {
            clean += 1;
        } else {
            differing += 1;
        }
    }
    // What left no report is counted as the one test that it is.
    cells.passed += legs.passed.saturating_sub(clean);
    cells.failed += legs.failed.saturating_sub(differing);
    cells.skipped = legs.skipped;
    cells
}

fn read(tree: &Tree, kind: &str) -> Vec<(String, Value)> {
    let Ok(entries) = fs::read_dir(tree.reports().join(kind)) else { return Vec::new() };
    let mut reports: Vec<(String, Value)> = entries
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let path = entry.path();
            let report = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
            Some((path.file_stem()?.to_string_lossy().into_owned(), report))
        })
        .collect();
    reports.sort_by(|(a, _), (b, _)| a.cmp(b));
    reports
}
