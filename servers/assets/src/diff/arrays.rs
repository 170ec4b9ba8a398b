//! Arrays, element by element: what both have in common stays, as much of it as can be found within bounds.

use std::fmt::Write as _;

use latimer_protocol::tape::{Kind, Node};

use super::digests::Short;
use super::{Differ, Operation, Unit};

/// How much comparing there may still be.
#[derive(Debug)]
pub(super) struct Budget {
    cells: usize,
}

/// For one array: a table of so many cells is two megabytes.
const MOST_CELLS: usize = 1 << 20;

impl Default for Budget {
    fn default() -> Self {
        Self { cells: 4 * MOST_CELLS }
    }
}

/// What becomes of an element on the way from one array to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Keep,
    Remove,
    Add,
}

impl Differ {
    /// What makes one array of another, as one unit. An array that differs too much is replaced.
    pub(super) fn arrays(&mut self, base: Node<'_>, new: Node<'_>, path: &mut String, units: &mut Vec<Unit>) {
        let whole = Operation::replace(path, new);
        let before = self.bytes;
        let operations = self.element_wise(base, new, path);
        let size = self.bytes - before;
        match operations {
            Some(operations) if size <= whole.bytes() => {
                units.push(Unit { path: path.clone(), operations });
            }
            _ => {
                self.bytes = before;
                self.push(whole, units);
            }
        }
    }

    fn element_wise(&mut self, base: Node<'_>, new: Node<'_>, path: &mut String) -> Option<Vec<Operation>> {
        let (ours, theirs): (Vec<_>, Vec<_>) = (base.elements()?.collect(), new.elements()?.collect());
        let steps = {
            let (our_digests, their_digests) = self.digests.as_ref()?;
            let a: Vec<_> = ours.iter().map(|node| our_digests.get(*node)).collect();
            let b: Vec<_> = theirs.iter().map(|node| their_digests.get(*node)).collect();
            steps(&a, &b, &mut self.budget)?
        };
        let (mut ours, mut theirs) = (ours.into_iter(), theirs.into_iter());
        let mut operations = Vec::new();
        let mut at = 0_usize;
        let mut rest = steps.as_slice();
        while let Some(step) = rest.first() {
            if *step == Step::Keep {
                ours.next();
                theirs.next();
                at += 1;
                rest = rest.get(1..)?;
                continue;
            }
            let gap = rest.iter().take_while(|step| **step != Step::Keep).count();
            let (changes, after) = rest.split_at_checked(gap)?;
            rest = after;
            let removed = changes.iter().filter(|step| **step == Step::Remove).count();
            let added = changes.len() - removed;
            // What stands in another's place is changed, the rest comes or goes.
            for number in 0..removed.max(added) {
                let before = path.len();
                let _ = write!(path, "/{at}");
                match (number < removed, number < added) {
                    (true, true) => {
                        self.element(ours.next()?, theirs.next()?, path, &mut operations);
                        at += 1;
                    }
                    (true, false) => {
                        ours.next();
                        self.keep(Operation::remove(path), &mut operations);
                    }
                    _ => {
                        self.keep(Operation::add(path, theirs.next()?), &mut operations);
                        at += 1;
                    }
                }
                path.truncate(before);
                if self.is_too_large() {
                    return None;
                }
            }
        }
        Some(operations)
    }

    /// What makes one element of another at its place.
    fn element(&mut self, base: Node<'_>, new: Node<'_>, path: &mut String, operations: &mut Vec<Operation>) {
        if base.kind() != new.kind() || !matches!(base.kind(), Kind::Array | Kind::Object) {
            return self.keep(Operation::replace(path, new), operations);
        }
        let whole = Operation::replace(path, new);
        let before = self.bytes;
        let mut units = Vec::new();
        self.values(base, new, path, &mut units);
        if self.bytes - before > whole.bytes() {
            self.bytes = before;
            return self.keep(whole, operations);
        }
        units.sort_by(|a, b| a.path.cmp(&b.path));
        operations.extend(units.into_iter().flat_map(|unit| unit.operations));
    }

    fn keep(&mut self, operation: Operation, operations: &mut Vec<Operation>) {
        self.bytes += operation.bytes();
        operations.push(operation);
    }
}

/// The way from one array to the other that keeps the most, or nothing where finding it would cost too much.
fn steps(a: &[Short], b: &[Short], budget: &mut Budget) -> Option<Vec<Step>> {
    let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (head, a, b) = (common, a.get(common..)?, b.get(common..)?);
    let common = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (tail, a, b) = (common, a.get(..a.len() - common)?, b.get(..b.len() - common)?);
    let mut steps = vec![Step::Keep; head];
    let cells = (a.len() + 1).saturating_mul(b.len() + 1);
    if !a.is_empty() && !b.is_empty() {
        if cells > MOST_CELLS || cells > budget.cells {
            return None;
        }
        budget.cells -= cells;
        steps.append(&mut between(a, b)?);
    } else {
        steps.extend(std::iter::repeat_n(Step::Remove, a.len()));
        steps.extend(std::iter::repeat_n(Step::Add, b.len()));
    }
    steps.extend(std::iter::repeat_n(Step::Keep, tail));
    Some(steps)
}

/// By the lengths of the longest common subsequences of all pairs of tails.
fn between(a: &[Short], b: &[Short]) -> Option<Vec<Step>> {
    let width = b.len() + 1;
    let mut lengths = vec![0_u16; (a.len() + 1) * width];
    // A table of at most 2^20 cells has a side of at most 2^10, and no length is larger than that.
    for (i, ours) in a.iter().enumerate().rev() {
        for (j, theirs) in b.iter().enumerate().rev() {
            let length = if ours == theirs {
                lengths.get((i + 1) * width + j + 1)? + 1
            } else {
                *lengths.get((i + 1) * width + j)?.max(lengths.get(i * width + j + 1)?)
            };
            *lengths.get_mut(i * width + j)? = length;
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut steps = Vec::with_capacity(a.len() + b.len());
    loop {
        match (a.get(i), b.get(j)) {
            (None, None) => return Some(steps),
            (Some(ours), Some(theirs)) if ours == theirs => {
                steps.push(Step::Keep);
                (i, j) = (i + 1, j + 1);
            }
            (Some(_), Some(_)) if lengths.get((i + 1) * width + j)? >= lengths.get(i * width + j + 1)? => {
                steps.push(Step::Remove);
                i += 1;
            }
            (Some(_), None) => {
                steps.push(Step::Remove);
                i += 1;
            }
            (_, Some(_)) => {
                steps.push(Step::Add);
                j += 1;
            }
        }
    }
}
