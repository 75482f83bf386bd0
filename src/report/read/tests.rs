use super::*;
use crate::text::causes;

const START: &str = r#"{"formatVersion":"1.0","event":"start","digest":"sha256:d","tenantId":"t","graphUrl":"https://graph.example/beta"}"#;
const ROW: &str = r#"{"target":{"type":"group","id":"a0000000-0000-4000-8000-000000000001","name":"A"},"filter":null,"source":"direct","sourceId":null}"#;

fn line(event: &str, id: &str, rest: &str) -> String {
    format!(
        r#"{{"event":"{event}","kind":"configurationPolicy","id":"{id}","name":"P","before":[],"after":[{ROW}]{rest}}}"#
    )
}

fn outcomes(lines: &[String], tail: &str) -> String {
    let text = format!("{START}\n{}\n{tail}", lines.join("\n"));
    let recorded = read(text.as_bytes()).expect("a report");
    assert_eq!(
        recorded.names.group("a0000000-0000-4000-8000-000000000001"),
        Some("A")
    );
    let policies = recorded.policies.iter().map(|policy| {
        let outcome = policy.outcome.map_or("killed", Outcome::name);
        let changed = if policy.may_be_changed() { "!" } else { "" };
        format!("{} {outcome}{changed}", policy.id)
    });
    policies.collect::<Vec<_>>().join(", ")
}

#[test]
fn without_a_whole_start_no_one_knows_what_a_run_did() {
    for end in 0..START.len() {
        let read = read(&START.as_bytes()[..end]);
        assert!(matches!(read, Err(ReportError::Torn)), "{end}");
    }
    assert!(read(START.as_bytes()).is_ok());
}

#[test]
fn an_error_leads_to_what_the_parser_says() {
    let error = read(format!("{START}\n{{}} x\n").as_bytes()).expect_err("a wrong line");
    assert!(error.to_string().starts_with("not a report: line 2: "));
    let said = causes(&error).find_map(|error| error.downcast_ref::<serde_json::Error>());
    assert!(said.is_some_and(serde_json::Error::is_syntax), "{error}");
    let lacks = read(format!("{START}\n{{}}\n").as_bytes()).expect_err("no event");
    assert_eq!(lacks.to_string(), "not a report: line 2: it has no `event`");
}

#[test]
fn what_was_announced_and_never_settled_may_be_changed() {
    let lines = [
        line("sending", "1", ""),
        line("sending", "2", ""),
        line("policy", "1", r#","outcome":"applied""#),
        line("policy", "3", r#","outcome":"already""#),
        line("sending", "4", ""),
        line("policy", "4", r#","outcome":"failed","error":null"#),
        line("policy", "5", r#","outcome":"failed""#),
        line("sending", "6", ""),
        line("policy", "6", r#","outcome":"failed","written":false"#),
    ];
    let expected = "1 applied!, 2 killed!, 3 already, 4 failed!, 5 failed, 6 failed";
    assert_eq!(outcomes(&lines, ""), expected);
    // Wherever the kill tore the line that was being written.
    let torn = line("policy", "2", r#","outcome":"applied""#);
    for end in 0..torn.len() {
        assert_eq!(outcomes(&lines, &torn[..end]), expected);
    }
}

#[test]
fn a_newer_minor_version_may_say_more() {
    let text = format!(
        "{}\n{{\"event\":\"weather\",\"sun\":true}}\n",
        START.replace("1.0", "1.7")
    );
    assert!(read(text.as_bytes()).is_ok());
}

#[test]
fn what_is_no_report_is_told_with_its_line() {
    let wrong = |text: &str| read(text.as_bytes()).expect_err("no report").to_string();
    assert!(wrong("{}\n").starts_with("not a report: line 1:"));
    assert!(wrong("no").starts_with("not a report: line 1:"));
    assert!(wrong("[1]\n").starts_with("not a report: line 1:"));
    assert_eq!(
        wrong(&format!("{}\n", START.replace("1.0", "2.0"))),
        "the report's format version `2.0` is not known to this program, which reads 1.x"
    );
    let kind = line("sending", "1", "").replace("configurationPolicy", "nonsense");
    assert_eq!(
        wrong(&format!("{START}\n{kind}\n")),
        "not a report: line 2: unknown policy kind `nonsense`"
    );
    let odd = line("sending", "../x", "");
    assert!(wrong(&format!("{START}\n{odd}\n")).ends_with("its `id` is not a policy id"));
    let odd = line("sending", "1", "").replace("a0000000-", "../../x-");
    assert!(wrong(&format!("{START}\n{odd}\n")).ends_with("is not a group id"));
    let torn_in_the_middle = format!("{START}\n{{\"event\n{}\n", line("sending", "1", ""));
    assert!(wrong(&torn_in_the_middle).starts_with("not a report: line 2:"));
}
