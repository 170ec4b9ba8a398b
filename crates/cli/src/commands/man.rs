//! `latimer man`.

use latimer_host::Failure;

use crate::exit::{Finished, Outcome};
use crate::output;

/// Print the manual page of the program, or of one of its commands
#[derive(Debug, clap::Args)]
#[command(after_help = "To read it: latimer man | man -l -")]
pub(crate) struct Man {
    /// The command, such as `call` or `config check`
    #[arg(value_name = "COMMAND")]
    path: Vec<String>,
}

impl Man {
    pub(crate) fn run(self, mut cli: clap::Command) -> Outcome {
        cli.build();
        let mut page = &cli;
        for name in &self.path {
            page = page.find_subcommand(name).ok_or_else(|| {
                Failure::setup(format_args!(
                    "there is no command \"{}\"; see latimer --help",
                    self.path.join(" ")
                ))
            })?;
        }
        let mut roff = Vec::new();
        clap_mangen::Man::new(page.clone())
            .source(concat!("latimer ", env!("CARGO_PKG_VERSION")))
            .manual("Latimer")
            .render(&mut roff)
            .map_err(|error| Failure::runtime(format_args!("write the manual page: {error}")))?;
        output::print_bytes(&roff)?;
        Ok(Finished::Done)
    }
}
