//! Paths: the segments below the version, and how the services write them in messages.

use crate::encoding::percent_decode;
use crate::reply::Fault;

/// Takes a path apart; the version is `beta`, the only one that has these policies.
pub(crate) fn below_version(path: &str) -> Result<Vec<String>, Fault> {
    let mut segments = Vec::new();
    for raw in path.split('/').skip(1) {
        let segment = percent_decode(raw, false)
            .ok_or_else(|| Fault::bad_request(format!("The segment '{raw}' is malformed.")))?;
        // `name('key')` is the same as `name/key`.
        let keyed = segment
            .strip_suffix("')")
            .and_then(|rest| rest.split_once("('"));
        match keyed {
            Some((name, key)) => segments.extend([name.to_owned(), key.replace("''", "'")]),
            None => {
                // Actions may be called by their full name.
                let name = segment.strip_prefix("microsoft.graph.").unwrap_or(&segment);
                segments.push(name.to_owned());
            }
        }
    }
    if segments.is_empty() {
        return Err(Fault::no_segment(path));
    }
    let version = segments.remove(0);
    match version.as_str() {
        "beta" if !segments.is_empty() => Ok(segments),
        "beta" => Err(Fault::no_segment("")),
        "v1.0" => Err(Fault::no_segment(
            segments.last().map_or("", String::as_str),
        )),
        other => Err(Fault::bad_request(format!("Invalid version: {other}."))),
    }
}

/// Writes a path as the Intune services do in their messages.
pub(crate) fn message_place(segments: &[String]) -> String {
    match segments {
        [root, name, key, rest @ ..] if root.starts_with("device") => {
            let mut place = format!("{root}/{name}('{key}')");
            if let [first, more @ ..] = rest {
                let action = match first.as_str() {
                    "assign" | "update" => "microsoft.management.services.api.",
                    _ => "",
                };
                place = format!("{place}/{action}{first}");
                if let [key, ..] = more {
                    place = format!("{place}('{key}')");
                }
            }
            place
        }
        _ => segments.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_parentheses_are_keys() {
        for (path, expected) in [
            ("/beta/groups", "groups"),
            ("/beta/a('x')/microsoft.graph.assign", "a/x/assign"),
            ("/beta/a('O''Neil')", "a/O'Neil"),
            ("/beta/a%28%27x%27%29", "a/x"),
        ] {
            let segments = below_version(path).expect(path);
            assert_eq!(segments.join("/"), expected);
        }
        for path in [
            "",
            "/",
            "/beta",
            "/beta/",
            "/v1.0/groups",
            "/groups",
            "/beta/%",
        ] {
            assert!(
                below_version(path).map(|rest| rest == [""]).unwrap_or(true),
                "{path}"
            );
        }
    }

    #[test]
    fn messages_have_keys_in_parentheses() {
        let segments = ["deviceManagement", "p", "1", "assign"].map(str::to_owned);
        assert_eq!(
            message_place(&segments),
            "deviceManagement/p('1')/microsoft.management.services.api.assign"
        );
        assert_eq!(message_place(&[]), "");
    }
}
