//! When colours are used: `--color`, then `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR`, then whether
//! there is a terminal to show them (<https://no-color.org>, <https://bixense.com/clicolors>).

use std::io::IsTerminal as _;

use anstream::ColorChoice;

use super::options::Color;
use super::settings::variable;

/// Decides for a stream.
pub(super) fn choice(color: Color, is_terminal: bool) -> ColorChoice {
    let wanted = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if variable("NO_COLOR").is_some() => false,
        // A zero does not force.
        Color::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        Color::Auto => {
            is_terminal && is_able() && variable("CLICOLOR").is_none_or(|value| value != "0")
        }
    };
    if wanted {
        ColorChoice::Always
    } else {
        ColorChoice::Never
    }
}

/// Decides for help and for mistakes on the command line, which are printed before it is parsed.
pub(super) fn of_help() -> ColorChoice {
    let mut color = Color::Auto;
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        let value = match argument.to_str() {
            Some("--") => break,
            Some("--color") => arguments.next().and_then(|value| value.into_string().ok()),
            Some(argument) => argument.strip_prefix("--color=").map(str::to_owned),
            None => None,
        };
        match value.as_deref() {
            Some("always") => color = Color::Always,
            Some("never") => color = Color::Never,
            _ => {}
        }
    }
    // It goes to either stream; a pipe on one of them is enough to do without.
    let terminal = std::io::stdout().is_terminal() && std::io::stderr().is_terminal();
    choice(color, terminal)
}

/// Whether a terminal can do more than write line after line.
pub(super) fn is_able() -> bool {
    cfg!(windows) || variable("TERM").is_some_and(|term| term != "dumb")
}
