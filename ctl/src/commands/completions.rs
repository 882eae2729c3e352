use clap_complete::Shell;

use crate::exit::Exit;

/// `shopctl completions SHELL`
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  shopctl completions bash > /etc/bash_completion.d/shopctl")]
pub struct Args {
    /// The shell to complete in
    shell: Shell,
}

pub fn run(args: &Args, mut command: clap::Command) -> Exit {
    clap_complete::generate(args.shell, &mut command, "shopctl", &mut std::io::stdout());
    Exit::Success
}
