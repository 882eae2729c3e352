use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;

use crate::stack::{ServiceId, Sink};
use crate::terminal::{Paint, render_log_line};

/// Prints service logs after the start; an error during it shows the last lines.
#[derive(Debug)]
pub struct Follow {
    on: Arc<AtomicBool>,
    json: bool,
}

impl Follow {
    pub fn new(json: bool) -> Self {
        Self { on: Arc::default(), json }
    }

    pub fn sink(&self) -> Sink {
        let on = Arc::clone(&self.on);
        let json = self.json;
        let zone = TimeZone::system();
        let paint = Paint::for_stdout();
        Sink::new(move |service, line| {
            if on.load(Ordering::Relaxed) {
                write(service, line, json, &zone, paint);
            }
        })
    }

    pub fn begin(&self) {
        self.on.store(true, Ordering::Relaxed);
    }

    pub fn end(&self) {
        self.on.store(false, Ordering::Relaxed);
    }
}

/// Ignores errors: a closed pipe must not stop the stack.
fn write(service: ServiceId, line: &str, json: bool, zone: &TimeZone, paint: Paint) {
    let _ = if json {
        writeln!(std::io::stderr(), "{line}")
    } else {
        writeln!(std::io::stdout(), "{}", render_log_line(service, line, zone, paint))
    };
}
