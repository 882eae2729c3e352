use console::Term;

/// For a terminal that does not say how wide it is.
const USUAL: usize = 80;

/// The columns of the terminal at standard output. `None` for a file or a pipe.
pub(super) fn width() -> Option<usize> {
    let terminal = Term::stdout();
    let columns = || terminal.size_checked().map(|(_, columns)| usize::from(columns));
    terminal.is_term().then(|| columns().filter(|columns| *columns > 0).unwrap_or(USUAL))
}
