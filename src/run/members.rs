//! `--members`: how many devices and users a plan is about, and Microsoft's rules of targeting.

use std::collections::BTreeSet;

use super::Failure;
use crate::diagnostic::Diagnostic;
use crate::graph::Reader;
use crate::plan::guards::GuardRules;
use crate::plan::members::{self, Members, Wanted};
use crate::plan::{Draft, Names, Plan};

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

/// Counts again who loses a saved plan's policies.
pub(super) async fn recount(
    plan: &Plan,
    names: &Names,
    reader: &Reader,
    limit: u64,
) -> Result<Members, Failure> {
    let wanted = Wanted {
        exact: true,
        limit,
        ..Wanted::default()
    };
    let needs = members::needs(plan, names, wanted);
    let counted = reader.population(&needs).await?;
    Ok(Members::count(plan, names, &counted, true))
}

/// Counts, and returns what the rules say.
pub(super) async fn count(
    draft: &mut Draft,
    reader: &Reader,
    request: &MembersRequest,
    rules: &GuardRules,
    strict: bool,
) -> Result<Vec<Diagnostic>, Failure> {
    let MembersRequest {
        counting,
        filters,
        limit,
        lint_all,
        off,
    } = request;
    if draft.is_empty() && !lint_all {
        return Ok(Vec::new());
    }
    let counting = match rules.max_members_lost {
        Some(_) => Counting::Exact,
        None => *counting,
    };
    let mut population = None;
    if counting != Counting::Off {
        let wanted = Wanted {
            exact: counting == Counting::Exact,
            filters: *filters,
            all: *lint_all,
            limit: *limit,
        };
        let counted = reader.population(&draft.population_needs(wanted)).await?;
        draft.add_members(&counted, wanted.exact);
        population = Some(counted);
    }
    Ok(draft.lints(population.as_ref(), *lint_all, off, strict))
}
