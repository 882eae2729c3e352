use std::io::{self, IsTerminal};

use clap::Parser;
use console::settings::Settings;

#[actix_web::main]
async fn main() -> io::Result<()> {
    tracing_subscriber::fmt().with_target(false).with_ansi(io::stdout().is_terminal()).init();
    let settings = Settings::parse();
    let running = console::bind(settings)?;
    tracing::info!("the console is at http://{}{}/", running.address, running.base);
    running.server.await
}
