//! The filter of a target: which id and mode go together, and whether the kind has filters at all.

use serde_json::{Map, Value, json};

use super::body::wrong_type;
use crate::collections::Filters;
use crate::encoding::is_guid;
use crate::reply::Fault;
use crate::target::{FILTER_ID, FILTER_TYPE, TargetType, ZERO_GUID};
use crate::tenant::Tenant;

/// Checks the filter of a target and leaves both of its properties set.
pub(super) fn check(
    tenant: &Tenant,
    filters: Filters,
    kind: TargetType,
    target: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let (id, mode) = parts(target)?;
    match (&id, mode) {
        (None, "none") => {}
        (Some(id), "none") => {
            return Err(Fault::invalid(format!(
                "Assignment filter {id} is given with the filter type none"
            )));
        }
        (None, mode) => {
            return Err(Fault::invalid(format!(
                "Assignment filter type {mode} is given without a filter"
            )));
        }
        (Some(_), _) if kind == TargetType::ExclusionGroup => {
            return Err(Fault::invalid(
                "Assignment filters are not supported on an exclusion group",
            ));
        }
        (Some(id), _) => exists(tenant, filters, id)?,
    }
    target.insert(FILTER_ID.to_owned(), json!(id));
    target.insert(FILTER_TYPE.to_owned(), json!(mode));
    Ok(())
}

/// Returns the id and the mode of a target's filter.
fn parts(target: &Map<String, Value>) -> Result<(Option<String>, &'static str), Fault> {
    let id = match target.get(FILTER_ID) {
        None | Some(Value::Null) => None,
        // The empty string and the zero GUID mean "none" (facts, section 2.3).
        Some(Value::String(id)) if id.is_empty() || id == ZERO_GUID => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(other) => return Err(wrong_type(FILTER_ID, "a string or null", other)),
    };
    let mode = match target.get(FILTER_TYPE) {
        None => "none",
        Some(Value::String(mode)) if mode == "none" => "none",
        Some(Value::String(mode)) if mode == "include" => "include",
        Some(Value::String(mode)) if mode == "exclude" => "exclude",
        Some(other) => {
            return Err(wrong_type(
                FILTER_TYPE,
                "'none', 'include' or 'exclude'",
                other,
            ));
        }
    };
    Ok((id, mode))
}

/// Checks that a filter is there and is one for such objects.
fn exists(tenant: &Tenant, filters: Filters, id: &str) -> Result<(), Fault> {
    let unknown = || {
        // Micke-K/IntuneManagement#373.
        Fault::invalid(format!(
            "Scope Tags validation failed : Filters {id} , Validated filters"
        ))
    };
    let filter = tenant.filter(id).filter(|_| is_guid(id));
    let filter = filter.ok_or_else(unknown)?;
    let managed = filter.properties.get("assignmentFilterManagementType");
    let is_for_apps = managed.and_then(Value::as_str) == Some("apps");
    match filters {
        Filters::Devices if !is_for_apps => Ok(()),
        Filters::Apps if is_for_apps => Ok(()),
        Filters::Devices | Filters::Apps => Err(Fault::invalid(format!(
            "Assignment filter {id} is of a management type that does not apply here"
        ))),
        Filters::Refused => Err(Fault::invalid(
            "Assignment filters are not supported on this type of object",
        )),
    }
}
