use clap_complete::Shell;
use serde_json::json;

use crate::exit::Exit;
use crate::terminal::Output;

const EXAMPLES: &str = "\
Examples:
  shopctl completions bash > ~/.local/share/bash-completion/completions/shopctl
  shopctl completions zsh > \"${fpath[1]}/_shopctl\"
  shopctl completions fish > ~/.config/fish/completions/shopctl.fish";

/// `shopctl completions SHELL`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Shell that completes the command line
    shell: Shell,
}

pub fn run(args: &Args, mut command: clap::Command, output: Output) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "shopctl", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    output.print(&json!({"script": script}), |_| script.trim_end().to_owned())?;
    Ok(Exit::Success)
}
