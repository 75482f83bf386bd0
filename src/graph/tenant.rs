//! All that one run needs to know of a tenant, read side by side.

use std::collections::{BTreeSet, HashSet};

use super::error::GraphError;
use super::read::Reader;
use super::whole_tenant::apart;
use crate::model::{LiveFilter, LiveGroup, LiveTenant, Needs, PolicyKind, SimilarGroups, encode};

impl Reader {
    /// Reads policies of several kinds, groups and filters side by side. The first part that
    /// cannot be read ends it all: what is not known is not empty. Of lists that are refused, all are named.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn tenant(&self, needs: &Needs) -> Result<LiveTenant, GraphError> {
        match self.tenant_in_part(needs).await? {
            (tenant, None) => Ok(tenant),
            (_, Some(refused)) => Err(refused),
        }
    }

    /// Reads the same; beside what could be read, returns the failure if lists are refused.
    ///
    /// # Errors
    ///
    /// Whatever else keeps a part from being complete.
    pub async fn tenant_in_part(
        &self,
        needs: &Needs,
    ) -> Result<(LiveTenant, Option<GraphError>), GraphError> {
        let (policies, groups, filters) = futures::try_join!(
            self.policies_of(needs.kinds.iter().copied()),
            held(self.groups(&needs.group_names, &needs.group_ids)),
            held(self.filters_if(needs.filters)),
        )?;
        let (policies, refused) = apart(policies);
        let (spare, refused): (Vec<_>, Vec<_>) = refused
            .into_iter()
            .partition(|list| needs.spare.contains(&list.kind));
        let refused = match refused.is_empty() {
            true => None,
            false => Some(self.refused(refused).await),
        };
        let (groups, filters) = match (groups, filters, refused.as_ref()) {
            (Ok(groups), Ok(filters), _) => (groups, filters),
            (_, _, Some(refused)) => return Err(refused.clone()),
            (Err(error), _, None) | (_, Err(error), None) => return Err(error),
        };
        let similar_groups = self.similar_groups(&needs.group_names, &groups).await;
        let tenant = LiveTenant {
            similar_groups,
            policies,
            groups,
            filters,
            unavailable: spare.into_iter().map(Into::into).collect(),
        };
        Ok((tenant, refused))
    }

    /// Looks up what is still without a name: groups by id, and the filters if asked for.
    ///
    /// # Errors
    ///
    /// Whatever keeps a part from being complete.
    pub async fn names(
        &self,
        group_ids: &BTreeSet<String>,
        filters: bool,
    ) -> Result<(Vec<LiveGroup>, Vec<LiveFilter>), GraphError> {
        let no_names = BTreeSet::new();
        futures::try_join!(self.groups(&no_names, group_ids), self.filters_if(filters),)
    }

    /// Reads what policies are called, one after the other; `None` where that is not known.
    pub async fn names_of_policies(
        &self,
        policies: &[(PolicyKind, String)],
    ) -> Vec<Option<String>> {
        let path = |(kind, id): &(PolicyKind, String)| {
            let spec = kind.spec();
            let (collection, name) = (spec.collection, spec.name_property);
            format!("{collection}/{}?$select=id,{name}", encode(id))
        };
        let paths: Vec<String> = policies.iter().map(path).collect();
        let answers = self.client().read_batch(&paths).await.unwrap_or_default();
        let mut answers = answers.into_iter();
        let name = |(kind, _): &(PolicyKind, String)| {
            let answer = answers.next()?.ok()?;
            Some(answer.get(kind.spec().name_property)?.as_str()?.to_owned())
        };
        policies.iter().map(name).collect()
    }

    /// Looks for names that may be meant by those that were not found. The run ends with an error
    /// anyway, so that a failure here only costs the hint.
    async fn similar_groups(&self, asked: &BTreeSet<String>, found: &[LiveGroup]) -> SimilarGroups {
        let found: HashSet<String> = found
            .iter()
            .map(|group| group.name.to_lowercase())
            .collect();
        let missing: Vec<&String> = asked
            .iter()
            .filter(|name| !found.contains(&name.to_lowercase()))
            .collect();
        if missing.is_empty() {
            return SimilarGroups::default();
        }
        self.groups_like(&missing).await.unwrap_or_default()
    }

    async fn filters_if(&self, wanted: bool) -> Result<Vec<LiveFilter>, GraphError> {
        if wanted {
            self.filters().await
        } else {
            Ok(Vec::new())
        }
    }
}

/// Holds back that permission is lacking, until it is known which other permissions are.
async fn held<T>(
    read: impl Future<Output = Result<T, GraphError>>,
) -> Result<Result<T, GraphError>, GraphError> {
    match read.await {
        Err(GraphError::Service { request, error }) if error.status == 403 => {
            Ok(Err(GraphError::Service { request, error }))
        }
        Err(error) => Err(error),
        Ok(value) => Ok(Ok(value)),
    }
}
