//! `help TOPIC`: a command's help, the environment, the exit codes, and what errors, warnings and guards
//! mean. The texts are those of the pages in `docs`.

use std::fmt::Write as _;

use super::arguments::Arguments;
use super::reference;
use crate::diagnostic::nearest;
use crate::run::Failure;

const ERRORS: &str = include_str!("../../docs/errors.md");
const USAGE: &str = include_str!("../../docs/usage.md");

const ENVIRONMENT: &str = "environment";
const EXIT_CODES: &str = "exit-codes";

/// Returns the help on a topic; without one, the program's.
pub(super) fn topic(topic: Option<&str>) -> Result<String, Failure> {
    let mut tree = Arguments::tree();
    tree.build();
    let Some(topic) = topic else {
        return Ok(tree.render_help().to_string());
    };
    if let Some(command) = tree.find_subcommand_mut(topic) {
        return Ok(command.render_long_help().to_string());
    }
    match topic {
        ENVIRONMENT => return Ok(reference::variables()),
        EXIT_CODES => return Ok(exit_codes()),
        _ => {}
    }
    code(topic).ok_or_else(|| {
        let topics = topics();
        let known = topics.iter().map(String::as_str);
        Failure::usage(format!("no help on `{topic}`")).hint(match nearest(topic, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "topics are the commands, `{ENVIRONMENT}`, `{EXIT_CODES}`, and the codes of errors, warnings and guards"
            ),
        })
    })
}

/// Returns the topics that there is help on, but for reasons and guards.
pub(super) fn topics() -> Vec<String> {
    let tree = Arguments::tree();
    let commands = tree.get_subcommands().map(clap::Command::get_name);
    let topics = commands.chain([ENVIRONMENT, EXIT_CODES]).chain(codes());
    topics.map(str::to_owned).collect()
}

fn exit_codes() -> String {
    let section = USAGE.split("\n## Exit codes\n").nth(1).unwrap_or_default();
    let mut text = "Exit codes:\n".to_owned();
    for (code, meaning) in rows(section.split("\n## ").next().unwrap_or_default()) {
        let _ = writeln!(text, "{code:>5}  {}", meaning.replace('`', ""));
    }
    text
}

/// Returns the first two cells of each row of the tables in a text, without their heads.
fn rows(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(first, rest)| (first, rest.trim_end_matches(" |")))
        .filter(|(first, _)| *first != "code")
}

/// The codes that have a section.
fn codes<'c>() -> impl Iterator<Item = &'c str> {
    ERRORS
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`'))
}

/// Returns what a page says of a code.
fn code(code: &str) -> Option<String> {
    let heading = format!("### `{code}`\n");
    if let Some((_, rest)) = ERRORS.split_once(&heading) {
        let section = rest.split("\n### ").next().unwrap_or_default();
        let section = section.split("\n## ").next().unwrap_or_default();
        return Some(format!("{code}\n{}\n", section.trim_end()));
    }
    // Reasons in reports and guards are rows of tables.
    let cell = format!("`{code}`");
    [ERRORS, USAGE].into_iter().find_map(|page| {
        let (_, meaning) = rows(page).find(|(first, _)| *first == cell)?;
        Some(format!("{code}\n\n{}\n", meaning.replace(" | ", "\n")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_help() {
        let codes: Vec<&str> = codes().collect();
        assert!(codes.len() > 30, "{codes:?}");
        for code in codes {
            let text = topic(Some(code)).expect("help");
            assert!(text.lines().count() > 2, "{text}");
            assert!(!text.contains("\n### "), "{text}");
        }
    }
}
