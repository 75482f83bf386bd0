//! Reading a whole tenant, to write it down as manifests or to keep a copy of it.

use std::collections::BTreeSet;

use super::error::{GraphError, RefusedList};
use super::read::Reader;
use crate::model::{
    Guid, LiveFilter, LivePolicy, PolicyKind, RawTenant, UnavailableKind, WholeTenant,
};

/// What the objects of a tenant are called, each as often as an object has the name.
#[derive(Clone, Debug)]
pub struct AllNames {
    /// Policies that take assignments, with their kinds.
    pub policies: Vec<(PolicyKind, String)>,
    /// Assignment filters.
    pub filters: Vec<LiveFilter>,
    /// Groups.
    pub groups: Vec<String>,
    /// Kinds whose list the service refuses.
    pub unavailable: Vec<UnavailableKind>,
}

impl Reader {
    /// Reads all policies and filters, and the groups that policies are assigned to.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn whole_tenant(&self) -> Result<WholeTenant, GraphError> {
        let (policies, filters) =
            futures::try_join!(self.policies_of(PolicyKind::all()), self.filters())?;
        let (policies, unavailable) = self.require_some_available(policies).await?;
        self.with_names(policies, filters, unavailable).await
    }

    /// Reads what [`Self::whole_tenant`] reads, of some kinds only. One that is refused is a failure
    /// here, since it was asked for.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn whole_tenant_of(&self, kinds: &[PolicyKind]) -> Result<WholeTenant, GraphError> {
        let kinds: BTreeSet<PolicyKind> = kinds.iter().copied().collect();
        let (policies, filters) = futures::try_join!(self.policies_of(kinds), self.filters())?;
        let (policies, refused) = apart(policies);
        if !refused.is_empty() {
            return Err(self.refused(refused).await);
        }
        self.with_names(policies, filters, Vec::new()).await
    }

    /// Looks up what the groups of policies are called, and which groups have the same names.
    async fn with_names(
        &self,
        policies: Vec<LivePolicy>,
        filters: Vec<LiveFilter>,
        unavailable: Vec<UnavailableKind>,
    ) -> Result<WholeTenant, GraphError> {
        let ids: BTreeSet<String> = policies
            .iter()
            .flat_map(|policy| policy.assignments.iter())
            .filter_map(|assignment| assignment.key.target.group_id())
            // The directory refuses to look for anything but a GUID.
            .filter(|id| Guid::parse(id).is_some())
            .map(str::to_owned)
            .collect();
        let groups = self.groups(&BTreeSet::new(), &ids).await?;
        let mut seen = BTreeSet::new();
        let names: BTreeSet<String> = groups
            .iter()
            .map(|group| &group.name)
            .filter(|name| !name.trim().is_empty() && !name.contains(char::is_control))
            .filter(|name| seen.insert(name.to_lowercase()))
            .cloned()
            .collect();
        let namesakes = self.groups(&names, &BTreeSet::new()).await?;
        Ok(WholeTenant {
            policies,
            groups,
            namesakes,
            filters,
            unavailable,
        })
    }

    /// Reads the names of all policies, filters and groups, and no assignments.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn all_names(&self) -> Result<AllNames, GraphError> {
        let kinds = PolicyKind::all().map(|kind| async move {
            let names = self.policy_names(kind).await;
            let named = names.map(|names| names.into_iter().map(|name| (kind, name)).collect());
            available(named)
        });
        let (policies, filters, groups) = futures::try_join!(
            futures::future::try_join_all(kinds),
            self.filters(),
            self.group_names(),
        )?;
        let (policies, unavailable) = self.require_some_available(policies).await?;
        Ok(AllNames {
            policies,
            filters,
            groups,
            unavailable,
        })
    }

    /// Reads all policies, filters and groups as the service sends them.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn raw_tenant(&self) -> Result<RawTenant, GraphError> {
        let kinds = PolicyKind::all()
            .map(|kind| async move { available(self.policies_as_sent(kind).await) });
        let (policies, filters, groups) = futures::try_join!(
            futures::future::try_join_all(kinds),
            self.filter_objects(),
            self.group_objects(),
        )?;
        let (policies, unavailable) = self.require_some_available(policies).await?;
        Ok(RawTenant {
            policies,
            groups,
            filters,
            unavailable,
        })
    }
}

impl Reader {
    /// Reads the policies of kinds side by side.
    pub(super) async fn policies_of(
        &self,
        kinds: impl IntoIterator<Item = PolicyKind>,
    ) -> Result<Vec<Available<LivePolicy>>, GraphError> {
        let read = |kind| async move { available(self.policies(kind).await) };
        futures::future::try_join_all(kinds.into_iter().map(read)).await
    }

    /// Takes what is not refused. A service that refuses every kind refuses to be read.
    async fn require_some_available<T>(
        &self,
        kinds: Vec<Available<T>>,
    ) -> Result<(Vec<T>, Vec<UnavailableKind>), GraphError> {
        let number = kinds.len();
        let (policies, refused) = apart(kinds);
        if refused.len() == number {
            return Err(self.refused(refused).await);
        }
        Ok((policies, refused.into_iter().map(Into::into).collect()))
    }

    /// Makes the failure of lists that are refused: the token may say which permissions are missing.
    pub(super) async fn refused(&self, mut lists: Vec<RefusedList>) -> GraphError {
        let claims = self.client().claims().await.ok().flatten();
        let claims = claims.filter(|claims| !claims.permissions.is_empty());
        for list in &mut lists {
            list.claims.clone_from(&claims);
        }
        GraphError::RefusedLists(lists)
    }
}

/// What a kind has, or that the service refuses its list.
pub(super) type Available<T> = Result<Vec<T>, Vec<RefusedList>>;

/// Takes the refusal of a kind's list for what it most often is: a kind that the tenant has no licence for, or that
/// the sign-in may not see. Anything else is a failure: policies that are there must not be missing in silence.
fn available<T>(read: Result<Vec<T>, GraphError>) -> Result<Available<T>, GraphError> {
    match read {
        Ok(policies) => Ok(Ok(policies)),
        Err(GraphError::RefusedLists(lists)) => Ok(Err(lists)),
        Err(error) => Err(error),
    }
}

/// Separates available kinds from refused ones.
pub(super) fn apart<T>(kinds: Vec<Available<T>>) -> (Vec<T>, Vec<RefusedList>) {
    let (mut policies, mut refused) = (Vec::new(), Vec::new());
    for kind in kinds {
        match kind {
            Ok(of_kind) => policies.extend(of_kind),
            Err(lists) => refused.extend(lists),
        }
    }
    (policies, refused)
}
