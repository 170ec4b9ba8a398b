//! `latimer completions`.

use clap_complete::Shell;

use crate::exit::{Finished, Outcome};
use crate::output;

/// Print a script with which a shell completes this program's command lines
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For bash: latimer completions bash > ~/.local/share/bash-completion/completions/latimer"
)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, mut cli: clap::Command) -> Outcome {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut cli, "latimer", &mut script);
        output::print_bytes(&script)?;
        Ok(Finished::Done)
    }
}
