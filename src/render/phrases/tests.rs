use super::*;
use crate::model::FilterMode;

#[test]
fn durations_read_well() {
    for (seconds, text) in [
        (0, "under a second"),
        (1, "1 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min 59 s"),
        (7200, "2 h"),
        (172_799, "47 h 59 min"),
        (172_800, "2 days"),
    ] {
        assert_eq!(duration(Duration::from_secs(seconds)), text);
    }
}

/// A name comes from the tenant, where anyone may have chosen it.
#[test]
fn no_name_reads_as_an_assignment_with_a_filter() {
    const FILTERED: &str = "group Kiosk, filter Corporate (include)";
    let mut names = Names::default();
    names.add_group("1".to_owned(), "Kiosk".to_owned());
    names.add_group(
        "2".to_owned(),
        "Kiosk, filter Corporate (include)".to_owned(),
    );
    names.add_group("3".to_owned(), " \"Kiosk\" ".to_owned());
    names.add_filter("f".to_owned(), "Corporate".to_owned());
    let of = |id: &str| Assignment::direct(Target::Group(id.into()));
    let mut filtered = of("1");
    filtered.filter = Some(Filter {
        id: "f".into(),
        mode: FilterMode::Include,
    });
    assert_eq!(assignment(&filtered, &names), FILTERED);
    let imitates = r#"group "Kiosk, filter Corporate (include)""#;
    assert_eq!(assignment(&of("2"), &names), imitates);
    assert_eq!(assignment(&of("3"), &names), r#"group " \"Kiosk\" ""#);
}
