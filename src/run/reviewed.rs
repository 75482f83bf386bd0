//! Whether what was reviewed may still be carried out: a saved plan's age and way of writing, the reviewed
//! digest, and the tenant that a plan or a report is for.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Failure, unless_stopped};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::plan::guards::{self, Guard};
use crate::plan::writes::WriteWith;
use crate::render::clean::clean;
use crate::render::phrases::{duration, seen};
use crate::report::Recorded;

/// How old a saved plan may be by default.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// How far a plan may be ahead: two machines' clocks never agree.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// Returns how old a plan is; `None` if its time cannot be read or is in the future.
#[must_use]
pub fn age(created_at: &str, now: Timestamp) -> Option<Duration> {
    let created_at: Timestamp = created_at.parse().ok()?;
    let age = now.duration_since(created_at);
    if age < -CLOCKS_DIFFER {
        return None;
    }
    Some(Duration::try_from(age).unwrap_or_default())
}

/// Refuses a saved plan that is older than allowed: what the tenant looked like then says less and
/// less, and its approval is no longer informed.
///
/// # Errors
///
/// Says how old it is.
pub fn check_age(created_at: &str, max_age: Duration, now: Timestamp) -> Result<(), Failure> {
    let refused = |message: String| {
        Err(Failure::other(message)
            .hint("plan again, or allow it with `--max-age`; nothing was written"))
    };
    match age(created_at, now) {
        Some(age) if age <= max_age => Ok(()),
        Some(age) => refused(format!(
            "the plan is {} old; at most {} is allowed",
            duration(age),
            duration(max_age)
        )),
        None => Err(Failure::other(format!(
            "the plan says that it was made at `{created_at}`, which is not a time in the past"
        ))
        .hint("plan again; nothing was written")),
    }
}

/// Refuses a plan that is not the reviewed one.
///
/// # Errors
///
/// Names both digests.
pub fn check_digest(digest: &str, expected: Option<&str>) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != digest => Err(Failure::new(
            Exit::StalePlan,
            format!("the plan differs from the reviewed one: its digest is `{digest}`, not `{expected}`"),
        )
        .hint(
            "the tenant, the manifests or the accepted guards have changed since the review; nothing was \
             written; review the plan again",
        )),
        _ => Ok(()),
    }
}

/// Refuses to write a saved plan in another way than it shows.
///
/// # Errors
///
/// Names both ways.
pub fn check_write_with(planned: WriteWith, asked: Option<WriteWith>) -> Result<(), Failure> {
    match asked {
        Some(asked) if asked != planned => Err(Failure::usage(format!(
            "the saved plan shows the requests of `--write-with {}`, not those of `--write-with {}`",
            planned.name(),
            asked.name()
        ))
        .hint("leave `--write-with` out, or plan again with it; nothing was written")),
        _ => Ok(()),
    }
}

/// Where a file comes from: the tenant, if its token named it, and the service's URL.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The tenant's id; `None` if the token did not name it.
    pub tenant_id: Option<&'a str>,
    /// The service's URL.
    pub graph_url: &'a str,
}

impl<'a> Origin<'a> {
    /// Says where a file comes from.
    #[must_use]
    pub fn new(tenant_id: &'a Option<String>, graph_url: &'a str) -> Self {
        Self {
            tenant_id: tenant_id.as_deref(),
            graph_url,
        }
    }

    /// Whether both are one tenant. Where neither is named, the service's host is all that tells; a port means
    /// nothing, as proxies and emulators are started on others.
    pub fn is(self, other: Origin<'_>) -> bool {
        let host = |url: &str| Url::parse(url).ok()?.host_str().map(str::to_owned);
        self.tenant_id == other.tenant_id
            && (self.tenant_id.is_some() || host(self.graph_url) == host(other.graph_url))
    }
}

/// Refuses a file that is for another tenant than the sign-in.
///
/// # Errors
///
/// Names both tenants, or both services.
pub fn check_tenant(what: &str, file: Origin<'_>, here: Origin<'_>) -> Result<(), Failure> {
    let signed_in = here.tenant_id;
    if file.tenant_id != signed_in {
        return Err(Failure::other(format!(
            "the {what} is for tenant {}, but the sign-in is for tenant {}",
            file.tenant_id.unwrap_or("unknown"),
            signed_in.unwrap_or("unknown")
        )));
    }
    if file.is(here) {
        return Ok(());
    }
    Err(Failure::other(format!(
            "the {what} is for the service at {}, that of this run is at {}, and the tenant of both is unknown",
            clean(file.graph_url),
            here.graph_url
        ),
    )
    .hint("sign in with a token that names its tenant, or use the service that the file is for"))
}

/// Refuses a report that is for another tenant than the sign-in; one whose run had no plan is for none. Returns the id
/// of the tenant that is signed in to.
///
/// # Errors
///
/// As `check_tenant`, or says why the sign-in failed.
pub async fn check_report(recorded: &Recorded, reader: &Reader) -> Result<Option<String>, Failure> {
    let tenant_id = reader.tenant_id().await?;
    let here = Origin::new(&tenant_id, reader.graph_url());
    let of_report = Origin::new(&recorded.tenant_id, &recorded.graph_url);
    if recorded.has_plan() {
        check_tenant("report", of_report, here)?;
    }
    Ok(tenant_id)
}

/// Refuses a sign-in for another tenant than the configuration names, where no plan is judged.
///
/// # Errors
///
/// Names both tenants.
pub fn check_configured_tenant(
    named: Option<&str>,
    signed_in: Option<&str>,
) -> Result<(), Failure> {
    let Some(guard) = guards::tenant(named, signed_in).filter(Guard::refuses) else {
        return Ok(());
    };
    let seen = seen(&guard, |text| clean(text).into_owned());
    let message = format!("guard `{}` refuses: {seen}", guard.name.name());
    Err(Failure::new(Exit::GuardRefused, message)
        .hint("sign in to the tenant that the configuration names"))
}

/// Does the same for a command that only reads: what it finds may end up among the manifests.
///
/// # Errors
///
/// Names both tenants, or says why the sign-in failed.
pub async fn check_sign_in(
    client: &Arc<Client>,
    named: Option<&str>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    if named.is_none() {
        return Ok(());
    }
    let signed_in = async { Ok(Reader::new(Arc::clone(client)).tenant_id().await?) };
    let signed_in = unless_stopped(stop, signed_in).await?;
    match signed_in {
        // A token that names no tenant shows no other one.
        None => Ok(()),
        signed_in => check_configured_tenant(named, signed_in.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(created_at: &str) -> bool {
        let now = "2026-11-23T02:00:00Z".parse().expect("a time");
        check_age(created_at, MAX_AGE, now).is_ok()
    }

    #[test]
    fn a_plan_may_be_a_day_old() {
        assert!(check("2026-11-23T02:00:00Z"));
        assert!(check("2026-11-22T02:00:00Z"));
        assert!(check("2026-11-22T04:00:00+02:00"));
        assert!(!check("2026-11-22T01:59:59Z"));
        assert!(!check("1970-01-01T00:00:00Z"));
    }

    #[test]
    fn clocks_may_differ_a_little() {
        assert!(check("2026-11-23T02:05:00Z"));
        assert!(!check("2026-11-23T02:05:01Z"));
        assert!(!check("2126-11-23T02:00:00Z"));
        for wrong in ["", "yesterday", "2026-11-23"] {
            assert!(!check(wrong), "{wrong}");
        }
    }
}
