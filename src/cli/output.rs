//! Where things are printed: data on stdout, everything else on stderr.

use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use tracing_subscriber::EnvFilter;

use super::arguments::{Color, Common, Format, LogFormat};
use super::failure::Failure;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::render;
use crate::render::clean::clean;

/// How this run prints.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) progress: bool,
    json_into: Option<std::path::PathBuf>,
    choice: ColorChoice,
}

impl Output {
    pub(super) fn new(common: &Common) -> Self {
        Self {
            format: common.format,
            progress: !common.no_progress,
            json_into: common.json_into.clone(),
            choice: match common.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
        }
    }

    /// Prints data as it stands. A reader that has gone away is no failure.
    pub(super) fn data(&self, text: &str) -> Result<(), Failure> {
        written(io::stdout().write_all(text.as_bytes()))
    }

    /// Prints text that may hold colours, without them where none are wanted. Only what was drawn
    /// for people goes here: in data, what looks like a colour is somebody's name.
    pub(super) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut stream = AutoStream::new(io::stdout(), self.choice);
        written(stream.write_all(text.as_bytes()))
    }

    /// Prints the result: as text or JSON on stdout, and as JSON into a file where one is asked for.
    pub(super) fn result(
        &self,
        text: impl FnOnce() -> String,
        json: impl Fn() -> String,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.json_into {
            save(path, &json())?;
        }
        match self.format {
            Format::Text => self.text(&text()),
            Format::Json => self.data(&json()),
        }
    }

    /// Prints a result that is JSON only, where JSON is wanted.
    pub(super) fn json(&self, text: &str) -> Result<(), Failure> {
        if let Some(path) = &self.json_into {
            save(path, text)?;
        }
        match self.format {
            Format::Text => Ok(()),
            Format::Json => self.data(text),
        }
    }

    /// Whether the result is wanted as JSON anywhere.
    pub(super) fn wants_json(&self) -> bool {
        self.format == Format::Json || self.json_into.is_some()
    }

    /// Prints a note to stderr, whatever becomes of it.
    pub(super) fn note(&self, text: &str) {
        let mut stream = AutoStream::new(io::stderr(), self.choice);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
    }

    pub(super) fn diagnostics(&self, list: &[Diagnostic], sources: &Sources) {
        if list.is_empty() {
            return;
        }
        // The stream takes colours out where none are wanted.
        self.note(&render::diagnostics::diagnostics(list, sources, true));
    }

    pub(super) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let style = anstyle::AnsiColor::Red.on_default().bold();
        let mut text = format!("{style}error{style:#}: {}\n", clean(&failure.message));
        if let Some(hint) = &failure.hint {
            text.push_str("hint: ");
            text.push_str(&clean(hint));
            text.push('\n');
        }
        self.note(&text);
    }
}

/// Judges a write to stdout.
fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Failure,
            format!("stdout cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Refuses a run that would write over what it reads: a manifest, a plan or the sandbox's tenant.
pub(super) fn keep_inputs(
    outputs: &[(&str, Option<&Path>)],
    inputs: &[PathBuf],
) -> Result<(), Failure> {
    for (number, (option, path)) in outputs.iter().enumerate() {
        let twin = outputs[..number]
            .iter()
            .find(|(_, other)| path.is_some() && other == path);
        if let Some((other, _)) = twin {
            return Err(Failure::usage(format!(
                "`{other}` and `{option}` name the same file"
            )));
        }
        let Some(path) = path else { continue };
        // What does not exist yet cannot be written over.
        let Ok(output) = path.canonicalize() else {
            continue;
        };
        for input in inputs.iter().filter_map(|input| input.canonicalize().ok()) {
            let is_manifest = output
                .extension()
                .is_some_and(|extension| extension == "yaml" || extension == "yml");
            if output == input || (is_manifest && input.is_dir() && output.starts_with(&input)) {
                return Err(Failure::usage(format!(
                    "`{option} {}` would write over what the run reads",
                    path.display()
                ))
                .hint("name another file; nothing was written"));
            }
        }
    }
    Ok(())
}

/// Writes a file so that it is either the old or the new one, never a part.
pub(super) fn save(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::new(
            Exit::Failure,
            format!("`{}` cannot be written: {error}", path.display()),
        )
    };
    // A device, a pipe or a link is written to, not replaced.
    if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        return std::fs::write(path, text).map_err(failed);
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Starts the log. It holds our own lines only: what libraries log is not ours to vouch for.
pub(super) fn start_logging(common: &Common) {
    let level = match common.verbose {
        0 => return,
        1 => "assignctl=info",
        2 => "assignctl=debug",
        _ => "assignctl=trace",
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_writer(io::stderr);
    let started = match common.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    // There is one start a process; a second would be a mistake of ours without harm.
    drop(started);
}
