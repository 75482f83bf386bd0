use super::*;

#[test]
fn schedules_are_said_in_words() {
    for (value, expected) in [
        (
            r#"{"interval":1,"time":"02:00:00","type":"daily","useUtc":true}"#,
            Some("daily 02:00 UTC"),
        ),
        (
            r#"{"interval":1,"time":"02:00:30","type":"daily","useUtc":false}"#,
            Some("daily 02:00:30"),
        ),
        (r#"{"interval":4,"type":"hourly"}"#, Some("every 4 hours")),
        (
            r#"{"date":"2026-12-01","time":"02:00:00","type":"once","useUtc":false}"#,
            Some("once 2026-12-01 02:00"),
        ),
        (r#"{"type":"daily","interval":1,"other":1}"#, None),
        (r#""hideAll""#, None),
    ] {
        assert_eq!(schedule(value).as_deref(), expected, "{value}");
    }
}

#[test]
fn durations_read_well() {
    for (seconds, text) in [
        (0, "under a second"),
        (1, "1 s"),
        (119, "119 s"),
        (120, "2 min 0 s"),
        (7199, "119 min 59 s"),
        (7200, "2 h 0 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
    ] {
        assert_eq!(duration(Duration::from_secs(seconds)), text);
    }
}
