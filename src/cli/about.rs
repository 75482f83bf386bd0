//! What the program says of itself: `version` and `man`.

use super::arguments::{Arguments, Man};
use super::output::Output;
use crate::exit::Exit;
use crate::render::json::Json;
use crate::run::Failure;

/// What a build is made of.
#[derive(serde::Serialize)]
struct Build {
    version: &'static str,
    commit: &'static str,
    target: &'static str,
}

const BUILD: Build = Build {
    version: env!("CARGO_PKG_VERSION"),
    commit: env!("ASSIGNCTL_COMMIT"),
    target: env!("ASSIGNCTL_TARGET"),
};

pub(super) fn version(output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let (version, commit, target) = (BUILD.version, BUILD.commit, BUILD.target);
    let text = || format!("assignctl {version}\ncommit: {commit}\ntarget: {target}\n");
    output.print_plain(text, &Json::new(&BUILD))?;
    Ok(Exit::Success)
}

/// Writes a page for the program and one for each command.
pub(super) fn man(command: &Man, output: &Output) -> Result<Exit, Failure> {
    let mut tree = Arguments::tree().disable_help_subcommand(true);
    tree.build();
    let mut left = vec![&tree];
    let mut count = 0;
    while let Some(page) = left.pop() {
        left.extend(page.get_subcommands());
        let name = page.get_display_name().unwrap_or(page.get_name());
        let path = command.out.join(format!("{name}.1"));
        let mut text = Vec::new();
        clap_mangen::Man::new(page.clone())
            .title(name.to_uppercase())
            .render(&mut text)
            .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
        output.save(&path, &String::from_utf8_lossy(&text))?;
        count += 1;
    }
    output.own(&format!("{count} pages in `{}`\n", command.out.display()))?;
    Ok(Exit::Success)
}
