//! The command line.

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::commands::{
    call, complete, completions, config, info, man, prompt, prompts, read, resources, serve, tools, watch,
};
#[cfg(unix)]
use crate::commands::{down, ps, up};
use crate::exit::{CODES, Outcome};

const EXAMPLES: &str = "\
Examples:
  latimer serve                                            serve HTTP on 127.0.0.1:12200
  latimer serve --stdio                                    serve standard input and output
  latimer tools http://127.0.0.1:12200/mcp                 what a server offers
  latimer call http://127.0.0.1:12200/mcp greet --arg name=Ada
  latimer call tcp://127.0.0.1:7000 greet --arg name=Ada
  latimer call unix:/run/latimer.sock greet --arg name=Ada
  latimer call greet --arg name=Ada -- latimer serve --stdio";

/// Serves MCP (Model Context Protocol) tools to clients of every revision, and talks to MCP servers
///
/// Without a command it serves, as `latimer serve` does.
#[derive(Debug, Parser)]
#[command(name = "latimer", version, args_conflicts_with_subcommands = true)]
#[command(after_help = format!("{EXAMPLES}\n\n{CODES}"))]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten, next_help_heading = "Options of serve, which is what happens without a command")]
    serve: serve::Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[cfg(unix)]
    Up(Box<up::Up>),
    #[cfg(unix)]
    Down(down::Down),
    #[cfg(unix)]
    Ps(ps::Ps),
    Info(info::Info),
    Tools(tools::Tools),
    Call(call::Call),
    Resources(resources::Resources),
    Read(read::Read),
    Prompts(prompts::Prompts),
    Prompt(prompt::Prompt),
    Complete(complete::Complete),
    Watch(watch::Watch),
    Config(config::Config),
    Completions(completions::Completions),
    Man(man::Man),
}

impl Cli {
    /// Does what the command line says.
    pub(crate) fn run(self) -> Outcome {
        match self.command {
            None => self.serve.run(),
            Some(Command::Serve(command)) => command.run(),
            #[cfg(unix)]
            Some(Command::Up(command)) => command.run(),
            #[cfg(unix)]
            Some(Command::Down(command)) => command.run(),
            #[cfg(unix)]
            Some(Command::Ps(command)) => command.run(),
            Some(Command::Info(command)) => command.run(),
            Some(Command::Tools(command)) => command.run(),
            Some(Command::Call(command)) => command.run(),
            Some(Command::Resources(command)) => command.run(),
            Some(Command::Read(command)) => command.run(),
            Some(Command::Prompts(command)) => command.run(),
            Some(Command::Prompt(command)) => command.run(),
            Some(Command::Complete(command)) => command.run(),
            Some(Command::Watch(command)) => command.run(),
            Some(Command::Config(command)) => command.run(),
            Some(Command::Completions(command)) => command.run(Self::command()),
            Some(Command::Man(command)) => command.run(Self::command()),
        }
    }
}
