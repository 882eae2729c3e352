mod bar;
mod log_line;
mod output;
mod paint;
mod printable;
mod progress;
mod table;
mod timeline;

pub use bar::Bar;
pub use log_line::render as render_log_line;
pub use output::Output;
pub use paint::{Colour, Paint};
pub use printable::printable;
pub use progress::Progress;
pub use table::table;
pub use timeline::{render_order, render_transition};
