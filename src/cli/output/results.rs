//! The command's result: printed in the format that is asked for, saved as JSON, and kept for the
//! platform of a pipeline.

use std::borrow::Borrow;
use std::cell::LazyCell;
use std::io;
use std::path::Path;

use super::files::save;
use super::{Output, written};
use crate::ci::Platform;
use crate::cli::options::Format;
use crate::exit::Exit;
use crate::files;
use crate::plan::since::Cause;
use crate::render::json::{self, Json};
use crate::render::review::{Detail, ErrorView, Finding, Review};
use crate::render::{github, markdown};
use crate::report::PolicyResult;
use crate::run::plan::PreparedPlan;
use crate::run::{Failure, clock};

/// A result in the forms that a pipeline needs.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Recorded {
    pub(in crate::cli) markdown: String,
    /// Why the run did not do what it was asked, for people.
    pub(in crate::cli) error: Option<String>,
    /// `None` if the platform has no annotations.
    pub(in crate::cli) annotations: Option<String>,
    /// Whether all that differs is known to be manifests that were not applied yet.
    pub(in crate::cli) only_unapplied: bool,
    /// Whether the run has written anything, or may have.
    pub(in crate::cli) written: bool,
    /// Whether it is for a part of the tenants only: the comment is about all of them.
    pub(in crate::cli) is_part: bool,
}

/// Returns the form of annotations that a platform takes, if it has any.
pub(in crate::cli) fn annotation_form(platform: Platform) -> Option<github::Form> {
    match platform {
        Platform::GitHub => Some(github::Form::GitHub),
        Platform::AzureDevOps => Some(github::Form::AzureDevOps),
        Platform::GitLab => None,
    }
}

impl Output {
    fn record(&self, review: &Review<'_>) {
        let Some(platform) = self.platform else {
            return;
        };
        let form = annotation_form(platform);
        let own = |text: String| self.redactor.mask(&text).into_owned();
        *self.recorded.borrow_mut() = Some(Recorded {
            markdown: own(markdown::draw(review, self.max_bytes)),
            error: review.error.map(|error| own(error.message.to_owned())),
            annotations: form.map(|form| own(github::draw_as(form, review))),
            only_unapplied: review.plan.is_some_and(|view| {
                let mut changed = view.plan.changed().peekable();
                changed.peek().is_some()
                    && changed
                        .all(|policy| view.annotations.cause(policy) == Some(Cause::Unapplied))
            }),
            written: review
                .results
                .is_some_and(|results| results.not_set_aside().any(PolicyResult::may_be_written)),
            is_part: false,
        });
    }

    /// Starts to say what the command has to say; the findings are those of [`Self::findings`].
    pub(in crate::cli) fn review<'a>(&self, findings: &'a [Finding]) -> Review<'a> {
        Review {
            command: self.command.unwrap_or("assignctl"),
            plan: None,
            results: None,
            checked: None,
            findings,
            error: None,
        }
    }

    /// Prints the result: on stdout in the format that is asked for, and as JSON into a file where
    /// that is asked for. What that says is gathered once, and only where it is needed.
    pub(in crate::cli) fn print<'j, J: Borrow<Json<'j>>>(
        &self,
        review: &Review<'_>,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> J,
    ) -> Result<(), Failure> {
        self.record(review);
        let json = self.json_result(json)?;
        match self.format {
            Format::Text | Format::Csv | Format::Html => self.text(&text()),
            Format::Json => self.own(&json),
            Format::Markdown => self.plain(&markdown::draw(review, self.max_bytes)),
            Format::Github => self.plain(&github::draw(review)),
        }
    }

    /// Prints a plan, and saves it in a file if one is named.
    pub(in crate::cli) fn print_plan(
        &self,
        prepared: &PreparedPlan,
        out: Option<&Path>,
        detail: Detail<'_>,
    ) -> Result<(), Failure> {
        let json = LazyCell::new(|| Json::new(prepared.record(detail.all)));
        // Before anything is written.
        self.check_json(|| &*json)?;
        match out {
            // A saved plan has what changes only.
            Some(path) if detail.all => self.save_plan(path, &Json::new(prepared.record(false)))?,
            Some(path) => self.save_plan(path, &json)?,
            None => {}
        }
        let findings = self.findings();
        let review = Review {
            plan: Some(prepared.view(detail)),
            ..self.review(&findings)
        };
        self.print(&review, || prepared.text(detail), || &*json)
    }

    /// Saves the result as JSON, if that is asked for, and returns it if it is to be printed. It is
    /// made only if one of the two needs it.
    fn json_result<'j, J: Borrow<Json<'j>>>(
        &self,
        json: impl FnOnce() -> J,
    ) -> Result<String, Failure> {
        let text = match self.wants_json() {
            true => self.checked(json().borrow())?,
            false => String::new(),
        };
        self.printed.set(true);
        self.progress.finished();
        if let Some(path) = &self.json_into {
            save(path, &text)?;
        }
        Ok(text)
    }

    /// Refuses a format that a result of text and JSON does not come in.
    pub(in crate::cli) fn only_text_or_json(&self) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Json => Ok(()),
            Format::Markdown | Format::Github | Format::Csv | Format::Html => Err(Failure::usage(
                "the result of this command comes as text or JSON only",
            )
            .hint("leave `--format` out, or use `--format json`")),
        }
    }

    /// Refuses annotations of a result that has no places for them.
    pub(in crate::cli) fn no_annotations(&self, why: &str, hint: &str) -> Result<(), Failure> {
        match self.format {
            Format::Github => Err(Failure::usage(why).hint(hint)),
            _ => Ok(()),
        }
    }

    /// Prints a result that comes as text and JSON only.
    pub(in crate::cli) fn print_plain(
        &self,
        text: impl FnOnce() -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        let json = self.json_result(|| json)?;
        match self.format {
            Format::Json => self.own(&json),
            _ => self.plain(&text()),
        }
    }

    /// Prints a result that comes as text, Markdown and JSON.
    pub(in crate::cli) fn print_report(
        &self,
        text: impl FnOnce() -> String,
        markdown: impl FnOnce(usize) -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        let json = self.json_result(|| json)?;
        match self.format {
            Format::Json => self.own(&json),
            Format::Markdown | Format::Github => self.plain(&markdown(self.max_bytes)),
            Format::Text | Format::Csv | Format::Html => self.text(&text()),
        }
    }

    /// Prints JSON part by part, and saves it if that is asked for. Its parts were looked through for secrets
    /// when they were made.
    pub(in crate::cli) fn print_parts(&self, json: &Json<'_>) -> Result<(), Failure> {
        self.printed.set(true);
        self.progress.finished();
        if let Some(path) = &self.json_into {
            let saved = files::save_with(path, |file| json.write(file));
            saved.map_err(|error| Failure::unwritten(path, &error))?;
        }
        match self.format {
            Format::Json => written(json.write(&mut io::stdout().lock())),
            _ => Ok(()),
        }
    }

    /// Prints a result that is data as text, too.
    pub(in crate::cli) fn print_data(
        &self,
        text: impl FnOnce() -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        if self.format == Format::Json {
            return self.own(&self.json_result(|| json)?);
        }
        let text = text();
        self.check_data(&text)?;
        self.json_result(|| json)?;
        self.own(&text)
    }

    /// Prints the failure in the format that was asked for, unless that is text or a result has been printed:
    /// a program reads it, or it becomes a comment on a pull request.
    pub(in crate::cli) fn print_failure(&self, failure: &Failure) -> Result<(), Failure> {
        // Who mistypes a command has not asked for anything yet.
        if self.printed.get() || self.command.is_none() || failure.exit == Exit::Usage {
            return Ok(());
        }
        let findings = self.findings();
        let message = failure.summary(findings.iter().filter(|finding| finding.is_error()).count());
        let message = self.without_secrets_in(&message);
        let hint = failure.hint.as_deref();
        let hint = hint.map(|hint| self.without_secrets_in(hint));
        let error = ErrorView {
            hint: hint.as_deref(),
            ..failure.view(&message)
        };
        let created_at = clock::now();
        let json = || {
            json::failure(
                self.command(),
                &created_at,
                &self.selection,
                &findings,
                error,
            )
        };
        if let Some(path) = self.json_into.as_ref().filter(|_| self.may_save.get()) {
            save(path, &self.checked(&json())?)?;
        }
        let review = Review {
            // What was found says more than that it was found.
            error: (!failure.message.is_empty()).then_some(error),
            ..self.review(&findings)
        };
        self.record(&review);
        match self.format {
            Format::Text | Format::Csv | Format::Html => Ok(()),
            Format::Json => self.own(&self.checked(&json())?),
            Format::Markdown => self.plain(&markdown::draw(&review, self.max_bytes)),
            Format::Github => self.plain(&github::draw(&review)),
        }
    }
}
