//! Who is signed in, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::clean;

/// Who is signed in and what is permitted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// The version of this form.
    pub format_version: &'static str,
    /// The tenant; `None` if the token cannot be read.
    pub tenant_id: Option<String>,
    /// The application's client id.
    pub app_id: Option<String>,
    /// The application's name.
    pub app_name: Option<String>,
    /// The user, where one is signed in.
    pub user: Option<String>,
    /// The credential that the token was got with; none in the sandbox.
    pub credential: Option<&'static str>,
    /// When the token expires.
    pub expires_at: Option<String>,
    /// Whether it has run out.
    pub expired: bool,
    /// What is granted; `None` if the token cannot be read.
    pub permissions: Option<Vec<String>>,
    /// What is missing, for each group of commands.
    pub needs: Vec<NeedRecord>,
    /// What can be done with which kinds; `None` if the token cannot be read.
    pub kinds: Option<Vec<FamilyRecord>>,
}

/// What can be done with the kinds that take the same permissions.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FamilyRecord {
    /// The least permission that reads them.
    pub permission: &'static str,
    /// The kinds.
    pub kinds: Vec<&'static str>,
    /// Whether they can be read.
    pub read: bool,
    /// Whether they can be written.
    pub write: bool,
}

/// What some commands need and have not.
#[derive(Debug, Serialize)]
pub struct NeedRecord {
    /// The commands.
    pub commands: &'static [&'static str],
    /// The missing permissions; `None` if they are not known.
    pub missing: Option<Vec<&'static str>>,
}

/// Says it for people.
pub fn text(identity: &Identity) -> String {
    let Identity {
        format_version: _,
        tenant_id,
        app_id,
        app_name,
        user,
        credential,
        expires_at,
        expired,
        permissions,
        needs,
        kinds,
    } = identity;
    let unknown = || "unknown".to_owned();
    let cleaned = |text: &Option<String>| {
        text.as_deref()
            .map_or_else(unknown, |text| clean(text).into_owned())
    };
    let app = match app_name {
        Some(name) => format!("{} ({})", cleaned(app_id), clean(name)),
        None => cleaned(app_id),
    };
    let verb = if *expired { "expired" } else { "expires" };
    let expiry = match expires_at {
        Some(time) => format!("{verb} at {time}"),
        None => "its expiry is not known".to_owned(),
    };
    let granted = match permissions.as_deref() {
        None => unknown(),
        Some([]) => "none".to_owned(),
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| clean(name)).collect();
            names.join(", ")
        }
    };
    let lines = [
        ("tenant", Some(cleaned(tenant_id))),
        ("app", Some(app)),
        ("user", user.as_ref().map(|_| cleaned(user))),
        (
            "credential",
            Some(credential.unwrap_or("sandbox").to_owned()),
        ),
        ("token", Some(expiry)),
        ("permissions", Some(granted)),
    ];
    let mut text = String::new();
    for (name, value) in lines {
        if let Some(value) = value {
            let _ = writeln!(text, "{:<13}{value}", format!("{name}:"));
        }
    }
    for NeedRecord { commands, missing } in needs {
        let commands = commands.join(", ");
        let writes = commands.contains("apply");
        let lacks = |family: &FamilyRecord| !(family.write || family.read && !writes);
        let some_lack = kinds.iter().flatten().any(lacks);
        let missing = match missing.as_deref() {
            None => unknown(),
            Some([]) if some_lack => "nothing is missing, except for some kinds (below)".to_owned(),
            Some([]) => "nothing is missing".to_owned(),
            Some(names) => format!("missing {}", names.join(", ")),
        };
        let _ = writeln!(text, "{commands}: {missing}");
    }
    for FamilyRecord {
        permission,
        kinds,
        read,
        write,
    } in kinds.iter().flatten()
    {
        let may = match (read, write) {
            (_, true) => "can be read and written".to_owned(),
            (true, false) => "can be read".to_owned(),
            (false, false) => format!("cannot be read without {permission}"),
        };
        let _ = writeln!(text, "{may}: {}", kinds.join(", "));
    }
    text
}
