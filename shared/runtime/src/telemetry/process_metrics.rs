//! What the operating system says about this process, under the names that all Prometheus clients use.

use std::fmt::{Display, Write};

use metrics_process::collector;

/// Appends the metrics as text: the recorder's counters are whole numbers, and seconds of the processor
/// are not.
pub(super) fn render(text: &mut String) {
    let found = collector::collect();
    let cpu = "User and system CPU time spent, in seconds";
    append(text, "process_cpu_seconds_total", "counter", cpu, found.cpu_seconds_total);
    let start = "Start time of the process, in seconds since 1970";
    append(text, "process_start_time_seconds", "gauge", start, found.start_time_seconds);
    for (name, help, value) in [
        ("process_open_fds", "Open file descriptors", found.open_fds),
        ("process_max_fds", "Most open file descriptors; 0: unlimited", found.max_fds),
        ("process_threads", "Threads of the operating system", found.threads),
        ("process_resident_memory_bytes", "Resident memory size", found.resident_memory_bytes),
        ("process_virtual_memory_bytes", "Virtual memory size", found.virtual_memory_bytes),
        ("process_virtual_memory_max_bytes", "Most virtual memory", found.virtual_memory_max_bytes),
    ] {
        append(text, name, "gauge", help, value);
    }
}

/// Leaves out what the operating system does not say.
fn append(text: &mut String, name: &str, kind: &str, help: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        // A String takes all.
        _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
    }
}
