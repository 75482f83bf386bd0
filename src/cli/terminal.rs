//! What the terminal is like.

/// Returns how many columns stdout has, if that is known.
pub(super) fn width() -> Option<usize> {
    /// Less is of no use.
    const NARROWEST: usize = 20;
    let terminal = terminal_size::terminal_size_of(std::io::stdout());
    let of_terminal = terminal.map(|(width, _)| usize::from(width.0));
    let of_variable = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width: Option<usize> = of_terminal.or_else(of_variable);
    width.map(|width| width.max(NARROWEST))
}
