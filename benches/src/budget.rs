//! What figures are held to: `benches/budget.toml`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use crate::figure::{Figure, Quantity};

/// The committed budget.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/budget.toml");

/// Holds the figures of one table to the committed budget, or with `BUDGET=write` makes them the budget.
///
/// # Errors
/// When a figure misses its budget in either direction, has none, or a budget is of nothing that is measured; when the file
/// cannot be read or written; in profiles other than those of debug builds, of which the budget is.
pub fn hold(table: &str, figures: &[Figure]) -> Result<(), BudgetError> {
    if !cfg!(debug_assertions) {
        return Err(Fault::Profile.into());
    }
    match std::env::var("BUDGET").unwrap_or_default().as_str() {
        "" => {
            let violations = Budget::read(Path::new(FILE))?.check(table, figures);
            if violations.is_empty() { Ok(()) } else { Err(Fault::Missed(violations).into()) }
        }
        "write" => rewrite(Path::new(FILE), table, figures),
        other => Err(Fault::Mode(other.to_owned()).into()),
    }
}

/// Replaces one table of a budget; the others and the comment at its head stay as they are.
///
/// # Errors
/// When the file cannot be read or written.
pub fn rewrite(path: &Path, table: &str, figures: &[Figure]) -> Result<(), BudgetError> {
    let io = |error| Fault::Io { path: path.display().to_string(), error };
    let mut file = File::options().read(true).write(true).open(path).map_err(io)?;
    // Tests run side by side, and each writes its own table.
    file.lock().map_err(io)?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(io)?;
    let (head, tables) = text.split_at(head(&text));
    let mut budget = Budget::parse(tables)?;
    budget.replace(table, figures);
    let text = format!("{head}{}\n", budget.0.to_string().trim());
    file.rewind().map_err(io)?;
    file.set_len(0).map_err(io)?;
    Ok(file.write_all(text.as_bytes()).map_err(io)?)
}

/// How long the comment at the head of a text is, with the blank lines after it.
fn head(text: &str) -> usize {
    let lines = text.split_inclusive('\n');
    lines.take_while(|line| line.starts_with('#') || line.trim().is_empty()).map(str::len).sum()
}

/// A budget: tables of tables of whole numbers.
#[derive(Clone, Debug)]
pub struct Budget(DocumentMut);

impl Budget {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no TOML.
    pub fn read(path: &Path) -> Result<Self, BudgetError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Fault::Io { path: path.display().to_string(), error })?;
        Self::parse(&text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// When it is no TOML.
    pub fn parse(text: &str) -> Result<Self, BudgetError> {
        Ok(Self(text.parse::<DocumentMut>().map_err(Fault::Toml)?))
    }

    /// Where figures and budget do not agree.
    pub fn check(&self, table: &str, figures: &[Figure]) -> Vec<Violation> {
        let mut held = Vec::new();
        if let Some(item) = self.0.get(table) {
            leaves(item, &mut Vec::new(), &mut held);
        }
        let mut violations = Vec::new();
        for figure in figures {
            let at = held.iter().position(|(name, _)| *name == figure.name);
            let budget = at.map(|at| held.swap_remove(at).1);
            let miss = match budget {
                None => Miss::Unknown,
                Some(budget) => match side(figure, budget) {
                    Some(miss) => miss,
                    None => continue,
                },
            };
            violations.push(Violation {
                name: dotted(table, &figure.name),
                miss,
                figure: Some(figure.clone()),
            });
        }
        held.sort();
        violations.extend(held.into_iter().map(|(name, _)| Violation {
            name: dotted(table, &name),
            miss: Miss::Stale,
            figure: None,
        }));
        violations
    }

    /// Makes figures the budget of a table.
    pub fn replace(&mut self, table: &str, figures: &[Figure]) {
        let mut new = table_of_tables();
        for figure in figures {
            place(&mut new, &figure.name, figure.value);
        }
        self.0.insert(table, Item::Table(new));
    }
}

/// A table that is only written where something stands in it beside tables.
fn table_of_tables() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

fn place(table: &mut Table, name: &[String], figure: u64) {
    match name {
        [] => {}
        [key] => {
            table.insert(key, value(i64::try_from(figure).unwrap_or(i64::MAX)));
        }
        [first, rest @ ..] => {
            let inner = table.entry(first).or_insert_with(|| Item::Table(table_of_tables()));
            if let Some(inner) = inner.as_table_mut() {
                place(inner, rest, figure);
            }
        }
    }
}

fn leaves(item: &Item, name: &mut Vec<String>, found: &mut Vec<(Vec<String>, Option<u64>)>) {
    match item.as_table_like() {
        Some(table) => {
            for (key, item) in table.iter() {
                name.push(key.to_owned());
                leaves(item, name, found);
                name.pop();
            }
        }
        None => found.push((name.clone(), item.as_integer().and_then(|value| u64::try_from(value).ok()))),
    }
}

fn dotted(table: &str, name: &[String]) -> String {
    std::iter::once(table).chain(name.iter().map(String::as_str)).collect::<Vec<_>>().join(" › ")
}

/// On which side of its budget a figure is, if it is too far off. A budget that is no whole number is none.
fn side(figure: &Figure, budget: Option<u64>) -> Option<Miss> {
    let Some(budget) = budget else { return Some(Miss::Unknown) };
    let leeway = u128::from(budget) * u128::from(figure.quantity.tolerance()) / 100;
    if u128::from(figure.value.abs_diff(budget)) <= leeway {
        None
    } else if figure.value > budget {
        Some(Miss::Over(budget))
    } else {
        Some(Miss::Under(budget))
    }
}

/// Where a figure and its budget do not agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    name: String,
    miss: Miss,
    figure: Option<Figure>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Miss {
    Over(u64),
    Under(u64),
    Unknown,
    Stale,
}

impl Violation {
    /// Whether it is dearer than its budget.
    pub fn is_over(&self) -> bool {
        matches!(self.miss, Miss::Over(_))
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, miss, figure } = self;
        let value = figure.as_ref().map_or(0, |figure| figure.value);
        let quantity = figure.as_ref().map(|figure| figure.quantity);
        let tolerance = quantity.map_or(0, Quantity::tolerance);
        match miss {
            Miss::Over(budget) => {
                write!(
                    f,
                    "{name}: {value}, {} more than the budget of {budget} (±{tolerance} %)",
                    value - budget
                )?;
                write!(f, "\n    {}", quantity.map_or("", Quantity::hint))
            }
            Miss::Under(budget) => write!(
                f,
                "{name}: {value}, {} less than the budget of {budget} (±{tolerance} %)\n    tighten the budget, so that it stays so",
                budget - value
            ),
            Miss::Unknown => write!(f, "{name}: {value}, and the budget has no whole number for it"),
            Miss::Stale => write!(f, "{name}: is in the budget, and nothing measures it any more"),
        }
    }
}

/// Why figures are not held to their budget.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BudgetError(#[from] Fault);

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{path}: {error}")]
    Io { path: String, error: io::Error },
    #[error("the budget: {0}")]
    Toml(toml_edit::TomlError),
    #[error("BUDGET is \"{0}\"; leave it out to hold figures to the budget, or set it to write")]
    Mode(String),
    #[error("the budget is of debug builds; run without --release")]
    Profile,
    #[error(
        "the budget is missed:\n{}\n\nwhere the change is worth it, make the figures the budget: BUDGET=write cargo nextest run -p latimer-bench --features valgrind",
        list(.0)
    )]
    Missed(Vec<Violation>),
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(|violation| format!("  {violation}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Why.\n\n[calls.modern.\"32 B\"]\nallocations = 23\nbytes = 8000\n\n[session]\nbytes = 1000\n";

    fn calls(allocations: u64, bytes: u64) -> [Figure; 2] {
        [
            Figure::new(&["modern", "32 B", "allocations"], Quantity::Call, allocations),
            Figure::new(&["modern", "32 B", "bytes"], Quantity::Call, bytes),
        ]
    }

    fn said(table: &str, figures: &[Figure]) -> String {
        list(&Budget::parse(TEXT).unwrap().check(table, figures))
    }

    #[test]
    fn a_figure_at_its_budget_passes() {
        assert_eq!(said("calls", &calls(23, 8000)), "");
    }

    #[test]
    fn one_more_of_what_is_exact_is_told_with_both_numbers_and_where_to_look() {
        let said = said("calls", &calls(24, 8000));
        assert!(
            said.contains("calls › modern › 32 B › allocations: 24, 1 more than the budget of 23"),
            "{said}"
        );
        assert!(said.contains("crates/core/src/engine") && !said.contains("bytes:"), "{said}");
    }

    #[test]
    fn one_less_asks_for_the_budget_to_be_tightened() {
        let said = said("calls", &calls(22, 8000));
        assert!(said.contains("22, 1 less than the budget of 23") && said.contains("tighten"), "{said}");
    }

    #[test]
    fn memory_may_differ_by_a_tenth_and_no_more() {
        let session = |bytes| [Figure::new(&["bytes"], Quantity::Session, bytes)];
        assert_eq!(said("session", &session(1100)) + &said("session", &session(900)), "");
        assert!(said("session", &session(1101)).contains("101 more"));
        assert!(said("session", &session(899)).contains("101 less"));
    }

    #[test]
    fn instructions_may_differ_by_five_per_cent_and_no_more() {
        let budget = Budget::parse("[instructions]\nlegacy = 5000\n").unwrap();
        let check = |value| {
            let figure = Figure::new(&["legacy"], Quantity::Instructions, value);
            budget.check("instructions", &[figure]).iter().map(Violation::is_over).collect::<Vec<_>>()
        };
        assert!(check(5250).is_empty());
        assert_eq!(check(5251), vec![true]);
        assert_eq!(check(4749), vec![false]);
    }

    #[test]
    fn what_has_no_budget_or_is_not_measured_is_told() {
        let unknown = Figure::new(&["legacy", "32 B", "allocations"], Quantity::Call, 40);
        let said = said("calls", &[unknown, calls(23, 8000)[0].clone()]);
        assert!(
            said.contains("legacy › 32 B › allocations: 40, and the budget has no whole number"),
            "{said}"
        );
        assert!(said.contains("modern › 32 B › bytes: is in the budget, and nothing measures it"), "{said}");
    }

    #[test]
    fn writing_replaces_one_table_and_leaves_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budget.toml");
        std::fs::write(&path, TEXT).unwrap();
        rewrite(&path, "session", &[Figure::new(&["bytes"], Quantity::Session, 7)]).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), TEXT.replace("1000", "7"));
        rewrite(&path, "calls", &calls(1, 2)).unwrap();
        let budget = Budget::read(&path).unwrap();
        assert_eq!(budget.check("calls", &calls(1, 2)), []);
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("# Why.\n\n["));
    }
}
