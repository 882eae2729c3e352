use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;

use crate::stack::{ServiceId, Sink};
use crate::terminal::{Output, render_log_line, say, write_line};

/// Prints service logs after the start; an error during it shows the last lines.
#[derive(Debug)]
pub struct Follow {
    on: Arc<AtomicBool>,
    output: Output,
}

impl Follow {
    pub fn new(output: Output) -> Self {
        Self { on: Arc::default(), output }
    }

    pub fn sink(&self) -> Sink {
        let on = Arc::clone(&self.on);
        let output = self.output;
        let zone = TimeZone::system();
        Sink::new(move |service, line| {
            if on.load(Ordering::Relaxed) {
                show(service, line, output, &zone);
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
fn show(service: ServiceId, line: &str, output: Output, zone: &TimeZone) {
    if output.json {
        say(line);
    } else {
        _ = write_line(render_log_line(service, line, zone, output.paint));
    }
}
