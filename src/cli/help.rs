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

/// Returns the help on a topic, which may be the words of a nested command; without one, the program's.
pub(super) fn topic(words: &[String]) -> Result<String, Failure> {
    let mut tree = Arguments::tree();
    tree.build();
    if words.is_empty() {
        return Ok(tree.render_help().to_string());
    }
    if let Some(help) = of_command(&mut tree, words) {
        return Ok(help);
    }
    let topic = words.join(" ");
    match topic.as_str() {
        ENVIRONMENT => return Ok(reference::variables()),
        EXIT_CODES => return Ok(exit_codes()),
        _ => {}
    }
    code(&topic).ok_or_else(|| {
        let topics: Vec<String> = topics().into_iter().chain(nested(&tree)).collect();
        let known = topics.iter().map(String::as_str);
        Failure::usage(format!("no help on `{topic}`")).hint(match nearest(&topic, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "topics are the commands, `{ENVIRONMENT}`, `{EXIT_CODES}`, and the codes of errors, warnings and guards"
            ),
        })
    })
}

/// Returns the help on a command, or on one below it.
fn of_command(command: &mut clap::Command, words: &[String]) -> Option<String> {
    match words {
        [] => Some(command.render_long_help().to_string()),
        [word, rest @ ..] => of_command(command.find_subcommand_mut(word)?, rest),
    }
}

/// Returns the commands that stand below others, with the words of these.
fn nested(tree: &clap::Command) -> impl Iterator<Item = String> {
    tree.get_subcommands().flat_map(|command| {
        let below = command.get_subcommands();
        below.map(|below| format!("{} {}", command.get_name(), below.get_name()))
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
            let text = topic(&[code.to_owned()]).expect("help");
            assert!(text.lines().count() > 2, "{text}");
            assert!(!text.contains("\n### "), "{text}");
        }
    }
}
