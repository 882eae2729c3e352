use std::path::PathBuf;

use anyhow::Context as _;
use serde_json::json;

use crate::exit::Exit;
use crate::terminal::Output;

const EXAMPLES: &str = "\
Examples:
  shopctl man | man -l -                           read the page
  shopctl man --dir ~/.local/share/man/man1        one page a command: man shopctl-load";

/// `shopctl man`
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Write a page for each command into this folder instead
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub fn run(args: &Args, command: clap::Command, output: Output) -> anyhow::Result<Exit> {
    match &args.dir {
        Some(folder) => {
            let unwritten = || format!("cannot write into {}", folder.display());
            std::fs::create_dir_all(folder).with_context(unwritten)?;
            clap_mangen::generate_to(command, folder).with_context(unwritten)?;
            output.print(&json!({"dir": folder}), |_| format!("wrote the pages to {}", folder.display()))?;
        }
        None => {
            let mut page = Vec::new();
            clap_mangen::Man::new(command).render(&mut page).context("cannot render the page")?;
            let page = String::from_utf8_lossy(&page).into_owned();
            output.print(&json!({"page": page}), |_| page.trim_end().to_owned())?;
        }
    }
    Ok(Exit::Success)
}
