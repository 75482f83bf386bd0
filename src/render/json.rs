//! Plans and results as JSON. Names are carried as they are, escaped by JSON.

use std::fmt;
use std::io::{self, BufWriter, Write};

use serde::Serialize;

use super::review::{ErrorView, Finding};
use crate::graph::observe::RequestCounts;
use crate::plan::saved::{
    AssignmentRecord, DiagnosticRecord, FORMAT_VERSION, PlanRecord, SelectionRecord, TOOL,
};
use crate::plan::{Names, Plan, Selection};
use crate::report::{OutcomeCounts, PolicyLine, Results};
use crate::text::escaped_in_json;

/// A result as JSON, with indentation and a line end.
///
/// It is written part by part, as often as it is asked for: of a plan that changes a large tenant
/// the text is larger than all that it is made from.
pub struct Json<'a> {
    write: Box<WriteInto<'a>>,
}

type WriteInto<'a> = dyn Fn(&mut dyn Write) -> io::Result<()> + 'a;

impl fmt::Debug for Json<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Json")
    }
}

impl<'a> Json<'a> {
    /// What a value says.
    pub fn new(value: impl Serialize + 'a) -> Self {
        const PART: usize = 128 * 1024;
        let write = move |to: &mut dyn Write| {
            let mut parts = Escaping(BufWriter::with_capacity(PART, to));
            serde_json::to_writer_pretty(&mut parts, &value)?;
            parts.write_all(b"\n")?;
            parts.flush()
        };
        Self {
            write: Box::new(write),
        }
    }

    /// Writes it.
    ///
    /// # Errors
    ///
    /// Those of the writer.
    pub fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        (self.write)(to)
    }

    /// Returns all of it as a text.
    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        // Structs of texts and numbers always serialise, and memory takes what is written.
        let _ = self.write(&mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Escapes what a terminal or a build service would act upon: control and direction characters, and commands.
/// The serializer writes each part of a text at once, so that no character is divided.
struct Escaping<W>(W);

impl<W: Write> Write for Escaping<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        // Hardly a part has more than these, and bytes are looked through quickly.
        let is_plain = |byte: &u8| matches!(byte, b'\n' | b' '..=b'"' | b'$'..=b'~');
        if part.iter().all(is_plain) {
            self.0.write_all(part)?;
        } else {
            let text = std::str::from_utf8(part).map_err(io::Error::other)?;
            self.0.write_all(escaped_in_json(text).as_bytes())?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// A plan's record with what became of it, and why nothing more did.
#[derive(Serialize)]
pub struct WithResults<'a> {
    /// The plan.
    #[serde(flatten)]
    pub plan: PlanRecord<'a>,
    /// What became of it, where it was to be carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<ResultsRecord<'a>>,
    /// Why the command did not do what it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorView<'a>>,
}

/// What became of a plan.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResultsRecord<'a> {
    exit_code: u8,
    summary: OutcomeCounts,
    requests: RequestCounts,
    policies: Vec<PolicyLine<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    moved: Vec<MovedRecord<'a>>,
}

/// A policy that moved since the plan was saved: its assignments then and now.
#[derive(Serialize)]
struct MovedRecord<'a> {
    kind: &'a str,
    id: &'a str,
    name: &'a str,
    planned: Vec<AssignmentRecord<'a>>,
    /// Null if the policy was deleted.
    live: Option<Vec<AssignmentRecord<'a>>>,
}

impl<'a> ResultsRecord<'a> {
    /// Writes out what became of a plan.
    pub fn new(
        plan: &'a Plan,
        names: &'a Names,
        results: &'a Results,
        requests: RequestCounts,
        exit_code: u8,
    ) -> Self {
        Self {
            exit_code,
            summary: OutcomeCounts::new(results),
            requests,
            policies: results
                .all(plan)
                .map(|(policy, settled)| PolicyLine::new(policy, settled, names))
                .collect(),
            moved: results
                .moved(plan)
                .map(|(policy, live)| MovedRecord {
                    kind: policy.kind.name(),
                    id: &policy.id,
                    name: &policy.name,
                    planned: AssignmentRecord::all(&policy.before, names),
                    live: live.map(|live| AssignmentRecord::all(live, names)),
                })
                .collect(),
        }
    }
}

/// A plan that could not be made: the same keys, with null for what is not known.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureRecord<'a> {
    format_version: &'static str,
    tool: &'static str,
    command: &'static str,
    created_at: &'a str,
    tenant_id: Option<&'a str>,
    graph_url: Option<&'a str>,
    selection: SelectionRecord,
    complete: bool,
    summary: Option<()>,
    guards: [(); 0],
    policies: [(); 0],
    diagnostics: Vec<DiagnosticRecord>,
    digest: Option<()>,
    error: ErrorView<'a>,
}

/// That there is no plan, and why.
pub fn failure<'a>(
    command: &'static str,
    created_at: &'a str,
    selection: &Selection,
    findings: &[Finding],
    error: ErrorView<'a>,
) -> Json<'a> {
    Json::new(FailureRecord {
        format_version: FORMAT_VERSION,
        tool: TOOL,
        command,
        created_at,
        tenant_id: None,
        graph_url: None,
        selection: SelectionRecord::asked(selection),
        complete: false,
        summary: None,
        guards: [],
        policies: [],
        diagnostics: diagnostic_records(findings),
        digest: None,
        error,
    })
}

/// Writes out what was found in manifests.
pub fn diagnostic_records(findings: &[Finding]) -> Vec<DiagnosticRecord> {
    let findings = findings.iter();
    findings
        .map(|finding| DiagnosticRecord::new(&finding.diagnostic))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::text::{holds_command, is_unsafe};

    #[test]
    fn control_and_direction_characters_are_escaped_and_nothing_is_changed() {
        let name = "a\u{1b}[31m\u{7f}\u{9b}\u{202e}b\u{2066}\u{feff}\u{ad}\u{e0041} ü 👩\u{200d}💻";
        let value = json!({ name: [name] });
        let written = Json::new(&value).text();
        let read: Value = serde_json::from_str(&written).expect("JSON");
        assert_eq!(read, value);
        assert!(
            written.contains(r"a\u001b[31m\u007f\u009b\u202eb\u2066\ufeff\u00ad\udb40\udc41 ü 👩"),
            "{written}"
        );
        let shown = written.replace('\n', "");
        assert!(!shown.chars().any(is_unsafe), "{written:?}");
    }

    #[test]
    fn commands_are_broken_up_and_nothing_is_changed() {
        for text in [
            "##vso[task.complete]x",
            "####[group]\u{1b}##VSO[x] ##",
            "#1 \"##[x]\"\n##",
            "## [x",
        ] {
            let value = json!({ text: [text, { "plain": [] }], "empty": {} });
            let written = Json::new(&value).text();
            assert!(!holds_command(&written), "{written}");
            let read: Value = serde_json::from_str(&written).expect("JSON");
            assert_eq!(read, value);
        }
        let plain = json!({ "## x": ["#a", "##"], "n": [1, null, {}] });
        let usual = serde_json::to_string_pretty(&plain).expect("plain data");
        assert_eq!(Json::new(&plain).text(), usual + "\n");
    }
}
