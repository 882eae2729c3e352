use std::io::{self, IsTerminal};

use clap::Parser;
use console::settings::{Command, Settings};

#[actix_web::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_target(false).with_ansi(io::stdout().is_terminal()).init();
    let settings = Settings::parse();
    if let Some(Command::Healthcheck) = settings.command {
        return console::check(&settings).await;
    }
    let running = console::bind(settings)?;
    tracing::info!("the console is at {}://{}{}/", running.scheme, running.address, running.base);
    running.server.await
}
