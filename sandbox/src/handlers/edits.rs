//! Edits of what a policy says, as other people and tools make them. Assignments are handled elsewhere.

use serde_json::Value;

use super::shape;
use crate::call::Call;
use crate::collections::Collection;
use crate::machine::Machine;
use crate::reply::{Fault, Reply};
use crate::rules::body;

/// Answers `PATCH` of a policy (DOCS:api-reference/beta/api/intune-deviceconfigv2-devicemanagementconfigurationpolicy-update.md):
/// the name, and what the service says of such an object.
pub(super) fn answer(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    machine.may_write(call, collection)?;
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let mut policy = machine.policy(collection, id)?.clone();
    let spec = collection.spec();
    for (name, value) in sent {
        match value {
            Value::String(text) if name == spec.name => policy.name = text,
            _ if name.starts_with("@odata.") => {}
            value if spec.properties.contains(&name.as_str()) => {
                policy.properties.insert(name, value);
            }
            _ => {
                return Err(Fault::model(format!(
                    "The property '{name}' does not exist on type '{}' or cannot be changed.",
                    spec.entity
                )));
            }
        }
    }
    let shown = shape::policy(&policy);
    let context = call.context(&format!("{}/{}/$entity", spec.root, spec.segment));
    machine.edit(call, policy);
    Ok(Reply::object(200, context, shown))
}
