//! Reading a whole tenant, to write it down as manifests or to keep a copy of it.

use std::collections::BTreeSet;

use super::error::GraphError;
use super::read::Reader;
use crate::model::{Guid, PolicyKind, RawTenant, WholeTenant};

impl Reader {
    /// Reads all policies and filters, and the groups that policies are assigned to.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn whole_tenant(&self) -> Result<WholeTenant, GraphError> {
        let kinds = PolicyKind::all().map(|kind| self.policies(kind));
        let (policies, filters) =
            futures::try_join!(futures::future::try_join_all(kinds), self.filters())?;
        let policies: Vec<_> = policies.into_iter().flatten().collect();
        let ids: BTreeSet<String> = policies
            .iter()
            .flat_map(|policy| policy.rows.iter())
            .filter_map(|row| row.key.target.group_id())
            // What is no GUID the directory refuses to look for.
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
        })
    }

    /// Reads all policies, filters and groups as the service sends them.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn raw_tenant(&self) -> Result<RawTenant, GraphError> {
        let kinds = PolicyKind::all().map(|kind| self.policies_as_sent(kind));
        let (policies, filters, groups) = futures::try_join!(
            futures::future::try_join_all(kinds),
            self.filter_objects(),
            self.group_objects(),
        )?;
        Ok(RawTenant {
            policies: policies.into_iter().flatten().collect(),
            groups,
            filters,
        })
    }
}
