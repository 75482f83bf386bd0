//! `list`: live assignments. There is no writer in this module.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::explain::{not_found, of_kinds};
use super::manifests::compared;
use super::reviewed::check_sign_in;
use super::tenants::Host;
use super::{Failure, unavailable, unless_stopped};
use crate::diagnostic::nearest;
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::memberships::Member;
use crate::manifest::{Loaded, Tenant};
use crate::model::{
    Guid, LiveFilter, LiveGroup, LiveTenant, Needs, PolicyKind, UnavailableKind, WholeTenant,
};
use crate::plan::Selection;
use crate::plan::inventory::{Inventory, InventoryQuery, Subject, SubjectKind, inventory};
use crate::plan::needs::needs;
use crate::render::inventory::{record, summary};
use crate::render::json::Json;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Which policies.
    pub selection: Selection,
    /// The options of that which make the list partial.
    pub partial: Selection,
    /// Whose assignments.
    pub subject: Option<AskedSubject>,
    /// The name or id of the filter that assignments have.
    pub filter: Option<String>,
    /// Whether only policies that reach no one are listed.
    pub unassigned: bool,
}

/// What a tenant has of what was asked for, and the kinds that could not be read.
pub type Found = (Inventory, Vec<UnavailableKind>);

/// Someone, by name or id.
#[derive(Clone, Debug)]
pub struct AskedSubject {
    /// What it is.
    pub kind: SubjectKind,
    /// Its name or id.
    pub name: String,
    /// Whether all that reaches it is listed.
    pub effective: bool,
}

/// Reads the tenant, and returns what was asked for with what was found to be wrong or odd. What manifests manage is
/// left out, if some are given.
///
/// # Errors
///
/// Says what cannot be read, or which name the tenant does not have.
pub async fn list(
    client: &Arc<Client>,
    request: &ListRequest,
    managed_by: Option<&Loaded>,
    stop: &CancellationToken,
) -> Result<Found, Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        // A name that does not exist ends the run before the tenant is read.
        let (subject, unknown) = match &request.subject {
            None => (None, None),
            Some(asked) => {
                let (subject, unknown) = subject(&reader, asked).await?;
                (Some(subject), unknown)
            }
        };
        let tenant = of_kinds(&reader, &request.selection.kinds).await?;
        let subject_id = subject.as_ref().and_then(|subject| subject.id.as_deref());
        if let (Some(unknown), Some(id)) = (unknown, subject_id)
            && !is_assigned_to(&tenant, id)
        {
            return Err(match tenant.unavailable.is_empty() {
                true => unknown,
                false => not_found(unknown.message, None, "", &tenant.unavailable),
            });
        }
        let managed = match managed_by {
            None => None,
            Some(loaded) => Some(managed(&reader, loaded, &tenant).await?),
        };
        let query = InventoryQuery {
            selection: request.selection.clone(),
            partial: request.partial.clone(),
            subject,
            filter: match &request.filter {
                None => None,
                Some(name) => Some(filter(&tenant.filters, name)?),
            },
            unassigned: request.unassigned,
            managed,
        };
        check_globs(&tenant, &request.selection)?;
        let mut found = inventory(&tenant, tenant_id, &query);
        let policies = found.policies.iter();
        let assignments = policies.flat_map(|policy| &policy.assignments);
        let groups =
            assignments.filter_map(|assignment| assignment.assignment.key.target.group_id());
        let missing = groups.filter(|id| found.names.is_missing_group(id));
        let missing: BTreeSet<String> = missing.map(str::to_owned).collect();
        for group in reader.deleted_groups(&missing).await? {
            found.names.add_deleted_group(group);
        }
        Ok((found, tenant.unavailable))
    })
    .await
}

/// Fails if kinds are missing for lack of permission: an incomplete list must not be taken to mean "not assigned".
///
/// # Errors
///
/// Names the kinds.
pub fn check_complete(unavailable: &[UnavailableKind]) -> Result<(), Failure> {
    let forbidden = unavailable.iter().filter(|list| list.is_forbidden);
    let forbidden: Vec<&'static str> = forbidden.map(|list| list.kind.name()).collect();
    if forbidden.is_empty() {
        return Ok(());
    }
    let message = format!(
        "the list is not complete: {} could not be read",
        forbidden.join(", ")
    );
    Err(Failure::new(Exit::Refused, message)
        .hint("name the kinds that can be read with `--kind`, or grant the permissions"))
}

/// Lists the assignments of several tenants, of `parallel` at a time. Returns what came of each, in their order: it holds
/// no secret.
pub async fn list_tenants(
    host: &impl Host,
    (tenants, managed_by): (&[Tenant], Option<&Loaded>),
    request: &ListRequest,
    parallel: usize,
    stop: &CancellationToken,
) -> Vec<Result<Found, Failure>> {
    host.expects(tenants.len());
    let work = tenants.iter().map(|tenant| async {
        host.begins(tenant);
        let managed_by = managed_by.and_then(|loaded| loaded.of_tenant(&tenant.name));
        let listed = async {
            let (client, service) = host.connect(tenant, stop)?;
            check_sign_in(&client, service.tenant_id.as_deref(), stop).await?;
            let found = list(&client, request, managed_by.as_ref(), stop).await?;
            host.check_data(&Json::new(record(&found.0, std::iter::empty())).text())?;
            Ok(found)
        };
        let listed = listed.await.map_err(|failure| host.masked(failure));
        let state = match &listed {
            Ok((found, _)) => summary(found),
            Err(failure) => failure.message.clone(),
        };
        host.ends(tenant, &state, listed.is_err());
        listed
    });
    let work = futures::stream::iter(work).buffered(parallel);
    let found = work.collect().await;
    host.all_done();
    found
}

/// Returns how a list of several tenants ends: one of which something could not be read is not complete.
#[must_use]
pub fn exit_of_tenants(listed: &[Result<Found, Failure>]) -> Exit {
    Exit::most_severe(listed.iter().map(|listed| match listed {
        Ok((_, refused)) if refused.iter().any(|list| list.is_forbidden) => Exit::Refused,
        Ok(_) => Exit::Success,
        Err(failure) => failure.exit,
    }))
}

/// The failure to find something by its name.
fn unknown(message: String, hint: Option<String>, otherwise: &str) -> Failure {
    Failure::new(Exit::InvalidManifests, message).hint(hint.unwrap_or_else(|| otherwise.to_owned()))
}

/// Returns the only one of what has a name.
fn only<'f, T>(
    found: &'f [T],
    (place, word, name): (&str, &str, &str),
    id: impl Fn(&T) -> &str,
    near: Option<String>,
    otherwise: &str,
) -> Result<&'f T, Failure> {
    match found {
        [one] => Ok(one),
        [] => Err(unknown(
            format!("the {place} has no {word} `{name}`"),
            near,
            otherwise,
        )),
        several => {
            let ids: Vec<&str> = several.iter().map(id).collect();
            let message = format!("the {place} has {} {word}s `{name}`", several.len());
            Err(Failure::new(Exit::InvalidManifests, message)
                .hint(format!("give the id of one: {}", ids.join(", "))))
        }
    }
}

fn did_you_mean<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    nearest(name, known).map(|near| format!("did you mean `{near}`?"))
}

/// Whether policies are assigned to a group, or leave it out.
fn is_assigned_to(tenant: &WholeTenant, group_id: &str) -> bool {
    let policies = tenant.policies.iter();
    let mut assignments = policies.flat_map(|policy| policy.assignments.iter());
    assignments.any(|assignment| assignment.key.target.group_id() == Some(group_id))
}

/// Finds whose assignments are asked for, and the groups that it is in. The failure is that of a group which the
/// directory does not have, unless policies are still assigned to it.
async fn subject(
    reader: &Reader,
    asked: &AskedSubject,
) -> Result<(Subject, Option<Failure>), Failure> {
    let mut unknown_group = None;
    let AskedSubject {
        kind,
        name,
        effective,
    } = asked;
    let (id, shown, groups) = match kind {
        SubjectKind::Group => {
            let LiveGroup { id, name } = match (group(reader, name).await, Guid::parse(name)) {
                (Ok(group), _) => group,
                (Err(failure), Some(id)) if failure.exit == Exit::InvalidManifests => {
                    unknown_group = Some(failure);
                    let id = id.to_string();
                    LiveGroup {
                        name: id.clone(),
                        id,
                    }
                }
                (Err(failure), _) => return Err(failure),
            };
            let mut groups = match *effective && unknown_group.is_none() {
                true => reader.groups_of(Member::Group(&id)).await?,
                false => Some(Vec::new()),
            };
            groups.iter_mut().for_each(|groups| groups.push(id.clone()));
            (Some(id), name, groups)
        }
        SubjectKind::User => {
            let groups = reader.groups_of(Member::User(name)).await?;
            let id = match (Guid::parse(name), &groups) {
                (Some(id), _) => Some(id.to_string()),
                (None, Some(_)) => reader.user_id(name).await?,
                (None, None) => None,
            };
            (id, name.clone(), groups)
        }
        SubjectKind::Device => {
            let (id, name) = device(reader, name).await?;
            let groups = reader.groups_of(Member::Device(&id)).await?;
            (Some(id), name, groups)
        }
    };
    let groups = groups.ok_or_else(|| {
        unknown(
            format!("the directory has no {} `{name}`", kind.name()),
            None,
            match kind {
                SubjectKind::User => "give the sign-in name, as in `ada@example.com`, or the id",
                SubjectKind::Group | SubjectKind::Device => {
                    "give its name, or the id of its object"
                }
            },
        )
    })?;
    let subject = Subject {
        kind: *kind,
        id,
        name: shown,
        groups: groups.into_iter().collect(),
        effective: *effective,
    };
    Ok((subject, unknown_group))
}

async fn group(reader: &Reader, name: &str) -> Result<LiveGroup, Failure> {
    let mut needs = Needs::default();
    match Guid::parse(name) {
        Some(id) => needs.group_ids.insert(id.to_string()),
        None => needs.group_names.insert(name.to_owned()),
    };
    let LiveTenant {
        groups,
        similar_groups,
        ..
    } = reader.tenant(&needs).await?;
    let near = did_you_mean(name, similar_groups.names.iter().map(String::as_str));
    let what = ("tenant", "group", name);
    let otherwise = "group names are case-insensitive";
    only(&groups, what, |group| &group.id, near, otherwise).cloned()
}

/// Finds a device: its id, and what it is called.
async fn device(reader: &Reader, name: &str) -> Result<(String, String), Failure> {
    if let Some(id) = Guid::parse(name) {
        return Ok((id.to_string(), name.to_owned()));
    }
    let devices = reader.devices_named(name).await?;
    let what = ("directory", "device", name);
    let otherwise = "give the name that Entra ID shows, or the id of the device's object";
    let device = only(&devices, what, |device| &device.id, None, otherwise)?;
    Ok((device.id.clone(), device.name.clone()))
}

fn filter(filters: &[LiveFilter], name: &str) -> Result<String, Failure> {
    let same = |filter: &&LiveFilter| match Guid::parse(name) {
        Some(id) => filter.id == id.to_string(),
        None => filter.name.to_lowercase() == name.to_lowercase(),
    };
    let found: Vec<&LiveFilter> = filters.iter().filter(same).collect();
    let near = did_you_mean(name, filters.iter().map(|filter| filter.name.as_str()));
    let what = ("tenant", "assignment filter", name);
    let otherwise = "filter names are case-insensitive";
    let filter = only(&found, what, |filter| &filter.id, near, otherwise)?;
    Ok(filter.id.clone())
}

/// Refuses a glob that no policy matches: a misspelt name must not read as "assigned to no one".
fn check_globs(tenant: &WholeTenant, selection: &Selection) -> Result<(), Failure> {
    let of_kind = |kind: PolicyKind| selection.kinds.is_empty() || selection.kinds.contains(&kind);
    let policies = tenant.policies.iter();
    let names: Vec<&str> = policies
        .filter(|policy| of_kind(policy.kind))
        .map(|policy| &*policy.name)
        .collect();
    for glob in selection.only.iter().chain(&selection.exclude) {
        if !names.iter().any(|name| glob.matches(name)) {
            return Err(not_found(
                format!("no policy matches `{}`", glob.as_str()),
                did_you_mean(glob.as_str(), names.iter().copied()),
                "globs are case-sensitive; `*` matches any text",
                &tenant.unavailable,
            ));
        }
    }
    Ok(())
}

/// Returns the policies that manifests manage. Their kinds were read, or they manage none of those that
/// were.
pub(super) async fn managed(
    reader: &Reader,
    loaded: &Loaded,
    tenant: &WholeTenant,
) -> Result<BTreeSet<(PolicyKind, String)>, Failure> {
    let mut needs = needs(&loaded.manifest);
    let read: BTreeSet<PolicyKind> = tenant.policies.iter().map(|policy| policy.kind).collect();
    let policies = tenant.policies.iter();
    let policies: Vec<_> = policies
        .filter(|policy| needs.kinds.contains(&policy.kind))
        .cloned()
        .collect();
    needs.kinds.retain(|kind| !read.contains(kind));
    needs.filters = false;
    let live = reader.tenant(&needs).await;
    let mut live = live.map_err(|error| unavailable::failure(error, Some(loaded)))?;
    live.policies.extend(policies);
    live.filters.clone_from(&tenant.filters);
    let (draft, _) = compared(loaded, &loaded.manifest, &live)?;
    let managed = draft.contents.policies.iter();
    Ok(managed
        .map(|policy| (policy.kind, policy.id.to_lowercase()))
        .collect())
}
