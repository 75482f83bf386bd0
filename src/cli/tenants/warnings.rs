//! Warnings of runs for several tenants: of plans that may not be meant, and of what one part of a run cannot see.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::output::Output;
use crate::manifest::Tenant;
use crate::model::Guid;
use crate::plan::guards::{GuardRules, warn_of_looser_limit};
use crate::run::Failure;
use crate::run::tenants::{self, Input, Shard, TenantFile, TenantResults};

/// Warns of plans of an earlier run. Those of other shards belong to this one.
pub(super) fn warn_of_others(folder: &Path, results: &TenantResults, output: &Output) {
    let mut others = tenants::planned_tenants(folder).unwrap_or_default();
    let entries = &results.entries;
    others.retain(|name| entries.iter().all(|entry| entry.tenant.name != *name));
    if others.is_empty() {
        return;
    }
    let shown = folder.display();
    let message = format!(
        "`{shown}` also holds plans of tenants that this run is not for: {}",
        others.join(", ")
    );
    let hint = format!("`apply {shown}` applies all of them; remove those that are not intended");
    output.warn("other-plans", message, hint);
}

/// Warns of saved plans that are not of the run which saved the newest: of a tenant that has left since then, or of a
/// part that was not planned again.
pub(super) fn warn_of_runs(folder: &Path, files: &[TenantFile], output: &Output) {
    let others = tenants::of_other_runs(files);
    if others.is_empty() {
        return;
    }
    let names = others
        .iter()
        .map(|file| format!("{} ({})", file.tenant.name, file.created_at));
    let names: Vec<String> = names.collect();
    let message = format!(
        "`{}` holds plans of different runs; not of the latest are those of {}",
        folder.display(),
        names.join(", ")
    );
    let hint = "all of them are part of this run; remove those that are not intended, and plan all tenants in one run";
    output.warn("other-plans", message, hint);
}

/// Warns once of a limit that saved plans keep, and that lets more through than today's.
pub(super) fn warn_of_limit(input: &Input<'_>, rules: &GuardRules, output: &Output) {
    let looser = input
        .saved_guards(rules)
        .iter()
        .find_map(|guard| warn_of_looser_limit(guard, rules));
    output.saved_diagnostics(looser.as_slice());
}

/// Returns the parts of the tenants that saved plans are for, and warns of those that are missing beside them: a
/// folder with a single part is that of one machine.
pub(super) fn saved_shards(
    folder: &Path,
    files: &[TenantFile],
    output: &Output,
) -> Result<BTreeSet<Shard>, Failure> {
    let shards = tenants::saved_shards(folder, files)?;
    let missing = Shard::missing(&shards);
    if shards.len() > 1 && !missing.is_empty() {
        let numbers: Vec<String> = missing.iter().map(ToString::to_string).collect();
        let message = format!(
            "`{}` lacks the plans of {} of {} shards: {}",
            folder.display(),
            missing.len(),
            missing.len() + shards.len(),
            numbers.join(", ")
        );
        let hint = "their tenants are not part of this run; apply their plans too";
        output.warn("missing-plans", message, hint);
    }
    Ok(shards)
}

/// Warns of tenants that a shard which is about to write cannot tell from those of other shards: whether a domain is
/// that of a tenant shows once both are signed in to.
pub(super) fn warn_of_domains(tenants: &[Tenant], shard: Shard, output: &Output) {
    let by_domain = tenants
        .iter()
        .filter(|tenant| Guid::parse(&tenant.tenant_id).is_none());
    let names: Vec<&str> = by_domain.map(|tenant| tenant.name.as_str()).collect();
    if names.is_empty() || shard.of == 1 || tenants.len() == 1 {
        return;
    }
    let message = format!(
        "no shard can tell whether a tenant that is named by a domain is named in another shard too: {}",
        names.join(", ")
    );
    let hint = "write their `tenantId` as GUIDs, or apply plans that `tenants merge` has joined";
    output.warn("tenant-by-domain", message, hint);
}
