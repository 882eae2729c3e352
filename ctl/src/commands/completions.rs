use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;

/// `shopctl completions SHELL`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shopctl completions bash > /etc/bash_completion.d/shopctl")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Exit {
    clap_complete::generate(args.shell, &mut Cli::command(), "shopctl", &mut std::io::stdout());
    Exit::Success
}
