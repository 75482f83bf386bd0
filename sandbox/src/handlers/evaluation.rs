//! Which devices a filter's rule matches (DOCS:api-reference/beta/api/
//! intune-policyset-devicemanagement-evaluateassignmentfilter.md). The answer is a stream of bytes that are
//! JSON (microsoftgraph/msgraph-sdk-powershell#2088).

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::collections::Family;
use crate::machine::Machine;
use crate::reply::{Fault, Reply};
use crate::rules::body;
use crate::rules::expression::{Rule, property};
use crate::switches::FilterTable;
use crate::tenant::Device;

/// The default number of rows, and the largest: any other is taken for it.
const ROWS: u64 = 100;

/// The columns, by the names that a public lab saw.
const COLUMNS: [&str; 8] = [
    "deviceId",
    "deviceName",
    "manufacturer",
    "model",
    "osVersion",
    "deviceOwnership",
    "enrollmentProfileName",
    "userPrincipalName",
];

/// Returns the platform of a device as filters name it. The directory's words for systems are its own.
pub(super) fn platform(device: &Device) -> Option<&'static str> {
    let system = device.properties.get("operatingSystem")?.as_str()?;
    Some(match system {
        "Windows" => "windows10AndLater",
        "MacMDM" | "MacOS" | "macOS" => "macOS",
        "iOS" | "IPad" | "IPhone" | "iPadOS" => "iOS",
        "AndroidEnterprise" => "androidForWork",
        "AndroidForWork" => "androidWorkProfile",
        _ => return None,
    })
}

/// Whether Intune manages a device. One that says nothing of it is managed.
pub(super) fn is_enrolled(device: &Device) -> bool {
    device.properties.get("isManaged") != Some(&json!(false))
}

/// Answers `POST /deviceManagement/evaluateAssignmentFilter`.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    call.may_read(Family::Configuration)?;
    let mut body = body::object(call.header("content-type"), &call.request.body)?;
    let Some(Value::Object(data)) = body.remove("data") else {
        return Err(Fault::model("The parameter 'data' is missing."));
    };
    let text = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| data.get(name).and_then(Value::as_u64);
    let rule = Rule::read(text("rule"))?;
    let wanted = text("platform");
    let known = |device: &&Device| {
        platform(device).is_some_and(|platform| platform.eq_ignore_ascii_case(wanted))
    };
    let search = text("search").to_lowercase();
    let devices = machine.tenant().devices.iter();
    let mut found: Vec<&Device> = devices
        .filter(|device| is_enrolled(device))
        .filter(known)
        .filter(|device| rule.matches(device))
        .filter(|device| device.display_name.to_lowercase().contains(&search))
        .collect();
    found.sort_by_key(|device| (&device.display_name, &device.id));
    let top = number("top").filter(|top| (1..=ROWS).contains(top));
    let top = usize::try_from(top.unwrap_or(ROWS)).unwrap_or(usize::MAX);
    let skip = usize::try_from(number("skip").unwrap_or_default()).unwrap_or(usize::MAX);
    let rows: Vec<Value> = found.iter().skip(skip).take(top).map(row).collect();
    let table = match machine.tenant().service.filter_table {
        FilterTable::Columns => {
            let columns = COLUMNS.map(|name| json!({"name": name}));
            json!({"columns": columns, "values": rows})
        }
        FilterTable::Schema => {
            let schema = COLUMNS.map(|name| json!({"Column": name, "PropertyType": "String"}));
            json!({"TotalRowCount": found.len(), "Schema": schema, "Values": rows})
        }
    };
    let mut reply = Reply::json(200, table);
    let form = (
        "Content-Type".to_owned(),
        "application/octet-stream".to_owned(),
    );
    reply.headers.push(form);
    Ok(reply)
}

fn row(device: &&Device) -> Value {
    let cell = |name: &str| match name {
        "deviceId" => json!(device.id),
        name => json!(property(device, name)),
    };
    COLUMNS.iter().map(|name| cell(name)).collect()
}

/// Counts devices by their systems, in the words of the overview (DOCS:api-reference/beta/resources/
/// intune-devices-deviceoperatingsystemsummary.md).
pub(super) fn by_system<'d>(devices: impl Iterator<Item = &'d Device>) -> Map<String, Value> {
    let mut counts = Map::new();
    for name in [
        "androidCount",
        "iosCount",
        "macOSCount",
        "windowsMobileCount",
        "windowsCount",
        "unknownCount",
        "linuxCount",
    ] {
        counts.insert(name.to_owned(), json!(0));
    }
    for device in devices {
        let system = device.properties.get("operatingSystem");
        let name = match platform(device) {
            Some("windows10AndLater") => "windowsCount",
            Some("macOS") => "macOSCount",
            Some("iOS") => "iosCount",
            Some(_) => "androidCount",
            None if system == Some(&json!("Linux")) => "linuxCount",
            None => "unknownCount",
        };
        let number = counts.get(name).and_then(Value::as_u64).unwrap_or_default();
        counts.insert(name.to_owned(), json!(number + 1));
    }
    counts
}
