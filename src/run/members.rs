//! `--members`: how many devices and users a plan is about, and Microsoft's rules of targeting.

use std::collections::BTreeSet;

use super::Failure;
use crate::diagnostic::Diagnostic;
use crate::graph::Reader;
use crate::plan::guards::GuardRules;
use crate::plan::members::{self, Members, Wanted};
use crate::plan::{Annotations, Draft, Plan, lints};

/// How members are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Counting {
    /// They are not.
    #[default]
    Off,
    /// By numbers.
    Counts,
    /// By the members themselves.
    Exact,
}

/// What is counted, and which warnings are given.
#[derive(Clone, Debug, Default)]
pub struct MembersRequest {
    /// How members are counted.
    pub counting: Counting,
    /// Whether it is counted how many devices filters match.
    pub filters: bool,
    /// How many members may be read in all.
    pub limit: u64,
    /// Whether unchanged policies are looked at as well.
    pub lint_all: bool,
    /// The codes of warnings that are not given.
    pub off: BTreeSet<String>,
}

/// Counts again for a saved plan what is asked for; `exact` if a guard has to know who loses its policies.
/// Without either, what the file says of members stays.
pub(super) async fn recount(
    plan: &Plan,
    annotations: &mut Annotations,
    reader: &Reader,
    request: &MembersRequest,
    exact: bool,
) -> Result<(), Failure> {
    if !exact && request.counting == Counting::Off {
        return Ok(());
    }
    let wanted = Wanted {
        exact: exact || request.counting == Counting::Exact,
        filters: request.filters,
        all: false,
        limit: request.limit,
    };
    let names = &annotations.names;
    let needs = members::needs(plan, names, wanted);
    let counted = reader.population(&needs).await?;
    let mut members = Members::count(plan, names, &counted, wanted.exact);
    if let Some(saved) = annotations.members.take().filter(|_| !wanted.filters) {
        members.filters = saved.filters;
    }
    annotations.members = Some(members);
    Ok(())
}

/// Counts, and returns what the rules say.
pub(super) async fn count(
    draft: &mut Draft,
    reader: &Reader,
    request: &MembersRequest,
    rules: &GuardRules,
    strict: bool,
) -> Result<Vec<Diagnostic>, Failure> {
    let all = request.lint_all;
    if draft.contents.is_empty() && !all {
        return Ok(Vec::new());
    }
    let counting = match rules.max_members_lost {
        Some(_) => Counting::Exact,
        None => request.counting,
    };
    let mut population = None;
    if counting != Counting::Off {
        let wanted = Wanted {
            exact: counting == Counting::Exact,
            filters: request.filters,
            all,
            limit: request.limit,
        };
        let needs = members::needs(&draft.contents, &draft.annotations.names, wanted);
        let counted = reader.population(&needs).await?;
        draft.add_members(&counted, wanted.exact);
        population = Some(counted);
    }
    let (plan, names) = (&draft.contents, &draft.annotations.names);
    Ok(lints::find(
        plan,
        names,
        population.as_ref(),
        all,
        &request.off,
        strict,
    ))
}
