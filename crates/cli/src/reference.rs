//! Holds `docs/cli.md` to what the program itself says.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::exit::CODES;

/// The page, from the folder of this crate.
const PAGE: &str = "../../docs/cli.md";

/// What stands before the part that is made from the program.
const MARK: &str =
    "<!-- From here on the page is made from the program: BLESS=1 cargo test -p latimer-cli reference -->\n";

#[test]
fn the_manual_has_the_help_of_every_command() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (own, found) = page.split_once(MARK).expect("the mark stands in docs/cli.md");
    let made = made();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{own}{MARK}{made}")).unwrap();
        return;
    }
    assert!(found == made, "docs/cli.md is not up to date; run BLESS=1 cargo test -p latimer-cli reference");
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

fn made() -> String {
    let mut out = format!("\n## Exit codes\n\n```text\n{CODES}\n```\n");
    let mut cli = Cli::command().term_width(100);
    cli.build();
    section(&mut out, &mut cli, "latimer");
    out
}

fn section(out: &mut String, command: &mut clap::Command, name: &str) {
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(out, "\n## `{name}`\n\n```text\n{}\n```\n", help.join("\n").trim_end());
    for inner in command.get_subcommands_mut().filter(|inner| inner.get_name() != "help") {
        let name = format!("{name} {}", inner.get_name());
        section(out, inner, &name);
    }
}
