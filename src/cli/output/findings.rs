//! What is printed about mistakes: findings in manifests, failures, and command lines that are not
//! understood.

use std::io::{self, Write as _};
use std::path::Path;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::Output;
use crate::cli::color;
use crate::cli::options::Format;
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::exit::Exit;
use crate::export::{Export, LeftOut};
use crate::plan::PlanDiagnostic;
use crate::render;
use crate::render::clean::{clean, clean_message};
use crate::render::review::Finding;
use crate::run::tenants::Drawn;
use crate::run::{Failure, unavailable};

impl Output {
    /// Returns what was found so far.
    pub(in crate::cli) fn findings(&self) -> Vec<Finding> {
        self.findings.borrow().clone()
    }

    pub(in crate::cli) fn diagnostics(&self, list: &[Diagnostic], sources: &Sources) {
        let each = self.format == Format::Markdown || self.platform.is_some();
        self.tell(self.drawn(list, sources, each));
    }

    /// Warns of something that is in no file.
    pub(in crate::cli) fn warn(
        &self,
        code: &'static str,
        message: String,
        hint: impl Into<String>,
    ) {
        let warning = Diagnostic::new(Severity::Warning, code, None, message).hint(hint);
        self.diagnostics(&[warning], &Sources::default());
    }

    /// Warns of what an export leaves out.
    pub(in crate::cli) fn left_out(&self, export: &Export) {
        let mut warnings: Vec<Diagnostic> = export.left_out.iter().map(LeftOut::warning).collect();
        warnings.extend(unavailable::warnings(&export.unavailable, "exported"));
        self.diagnostics(&warnings, &Sources::default());
    }

    /// Prints what was drawn, and keeps it for the result.
    pub(in crate::cli) fn tell(&self, drawn: Drawn) {
        if !drawn.printed.is_empty() {
            self.note(&drawn.printed);
        }
        self.findings.borrow_mut().extend(drawn.findings);
    }

    /// Draws what was found in manifests, without secrets; also each by itself, if that is needed.
    pub(in crate::cli) fn drawn(
        &self,
        list: &[Diagnostic],
        sources: &Sources,
        each: bool,
    ) -> Drawn {
        if list.is_empty() {
            return Drawn::default();
        }
        // Lines are cut where they are long, and a secret with them; so it is taken out before.
        let sources = &sources.with_texts(|_, text| self.redactor.cover(text));
        let mask = |text: &str| self.redactor.mask(text).into_owned();
        let list: Vec<Diagnostic> = list.iter().map(|found| found.masked(mask)).collect();
        let list = list.as_slice();
        let mut drawn = if each {
            render::diagnostics::each(list, sources, false)
        } else {
            Vec::new()
        }
        .into_iter();
        let findings = list.iter().map(|diagnostic| Finding {
            diagnostic: PlanDiagnostic::new(diagnostic, sources),
            drawn: drawn.next().unwrap_or_default(),
        });
        Drawn {
            findings: findings.collect(),
            // The stream takes colours out where none are wanted.
            printed: render::diagnostics::diagnostics(list, sources, true),
        }
    }

    /// Draws what a saved plan has to say of its manifests.
    pub(in crate::cli) fn drawn_saved(list: &[PlanDiagnostic]) -> Drawn {
        let found = list.iter().map(|diagnostic| Finding {
            diagnostic: diagnostic.clone(),
            drawn: strip_str(&render::text::diagnostics(std::slice::from_ref(diagnostic)))
                .to_string(),
        });
        Drawn {
            printed: render::text::diagnostics(list),
            findings: found.collect(),
        }
    }

    /// Prints what a saved plan has to say of its manifests.
    pub(in crate::cli) fn saved_diagnostics(&self, list: &[PlanDiagnostic]) {
        self.tell(Self::drawn_saved(list));
    }

    /// Prints what a failure found in files, and returns what is left of it to be printed.
    pub(in crate::cli) fn print_findings(&self, mut failure: Failure) -> Failure {
        if let Some(findings) = failure.findings.take() {
            let (diagnostics, sources) = *findings;
            self.diagnostics(&diagnostics, &sources);
        }
        failure
    }

    pub(in crate::cli) fn failure(&self, failure: &Failure) {
        if let Some((diagnostics, sources)) = failure.findings.as_deref() {
            self.diagnostics(diagnostics, sources);
        }
        if failure.message.is_empty() {
            return;
        }
        let style = anstyle::AnsiColor::Red.on_default().bold();
        let mut text = format!(
            "{style}error{style:#}: {}\n",
            clean_message(&failure.message)
        );
        if let Some(hint) = &failure.hint {
            text.push_str("hint: ");
            text.push_str(&clean(hint));
            text.push('\n');
        }
        self.note(&text);
    }

    /// Says where an earlier report is now.
    pub(in crate::cli) fn kept_report(&self, kept: &Path) {
        self.note(&format!(
            "the earlier report, which may be needed, was kept as {}\n",
            clean(&kept.display().to_string())
        ));
    }
}

/// Answers a command line that is not understood in a sentence.
pub(in crate::cli) fn print_answer(answer: &str) -> Exit {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let text = format!("{style}error{style:#}: {}\n", clean_message(answer));
    // Ignore a closed pipe.
    let _ = AutoStream::new(io::stderr(), color::of_help()).write_all(text.as_bytes());
    Exit::Usage
}

/// Prints help, the version, or a mistake on the command line: coloured by the same rules as all
/// else, and in one piece, since the parser's own way asks the system to write each line.
pub(in crate::cli) fn print_parser(error: &clap::Error) -> Exit {
    let color = color::of_help();
    let text = match color {
        ColorChoice::Never => error.render().to_string(),
        _ => error.render().ansi().to_string(),
    };
    // Ignore a closed pipe.
    if error.use_stderr() {
        let _ = AutoStream::new(io::stderr(), color).write_all(text.as_bytes());
        Exit::Usage
    } else {
        let mut stream = AutoStream::new(io::stdout(), color);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        Exit::Success
    }
}
