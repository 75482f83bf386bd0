//! Reads the values of options, and of keys in the configuration that mean the same.

use std::str::FromStr;
use std::time::Duration;

use crate::auth::Method;
use crate::diagnostic::nearest;
use crate::graph::permissions::NEEDS;
use crate::manifest::tenants::{is_tenant_name, tenant_name_rule};
use crate::model::PolicyKind;
use crate::model::RateLimit;
use crate::net::{CLOUDS, Cloud};
use crate::plan::guards::{GuardName, RemovalLimit};
use crate::plan::writes::WriteWith;
use crate::render::markdown;
use crate::run::tenants::Shard;

/// The default of `--max-wait`.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// The default of `--concurrency`.
pub(super) const CONCURRENCY: usize = 8;
/// More requests side by side only wait for each other.
const MOST_SIDE_BY_SIDE: usize = 1000;
/// More in a window than any service takes.
const MOST_IN_A_WINDOW: usize = 1_000_000;
const LONGEST_DURATION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Why a text is not a duration that an option takes, to follow "it is".
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum DurationError {
    #[error("not a duration")]
    NotADuration,
    #[error("too long: the maximum is 365 days")]
    TooLong,
}

/// Reads `20s`, `15m`, `1h 30m`, `7d`; a bare number is seconds.
pub(super) fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    let days = text.strip_suffix('d');
    let days = days.and_then(|days| days.parse::<u32>().ok());
    let duration = match (text.parse::<u32>(), days) {
        (Ok(seconds), _) => Duration::from_secs(u64::from(seconds)),
        (_, Some(days)) => Duration::from_secs(u64::from(days) * 24 * 3600),
        (Err(_), None) => text
            .parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .ok_or(DurationError::NotADuration)?,
    };
    if duration > LONGEST_DURATION {
        return Err(DurationError::TooLong);
    }
    Ok(duration)
}

/// Reads `100/20s`.
pub(super) fn limit(text: &str) -> Result<RateLimit, String> {
    parse_limit(text).ok_or_else(|| {
        format!("`{text}` is not a limit; write a count and a window, like `100/20s`")
    })
}

/// Reads a limit of requests of any kind: a write and the look before it are two.
pub(super) fn read_limit(text: &str) -> Result<RateLimit, String> {
    match limit(text)? {
        RateLimit { count: 0 | 1, .. } => {
            Err("a write and the read before it are two requests, so the minimum is 2".to_owned())
        }
        limit => Ok(limit),
    }
}

/// Checks how many requests are sent side by side.
pub(super) fn concurrency(number: usize) -> Result<usize, String> {
    within(number, MOST_SIDE_BY_SIDE)
}

fn within(number: usize, most: usize) -> Result<usize, String> {
    match (1..=most).contains(&number) {
        true => Ok(number),
        false => Err(format!("expected a number from 1 to {most}")),
    }
}

pub(super) fn side_by_side(text: &str) -> Result<usize, String> {
    concurrency(text.parse().unwrap_or_default())
}

/// Reads a cloud's name.
pub(super) fn cloud(name: &str) -> Result<&'static Cloud, String> {
    Cloud::from_name(name).ok_or_else(|| format!("unknown cloud `{name}`; {}", near_cloud(name)))
}

/// Says which cloud may have been meant, or which there are.
pub(super) fn near_cloud(name: &str) -> String {
    let known: Vec<&str> = CLOUDS.iter().map(|cloud| cloud.name).collect();
    near_or_all(name, &known)
}

/// Says which word may have been meant, or what there is.
pub(super) fn near_or_all(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("use one of {}", known.join(", ")),
    }
}

fn parse_limit(text: &str) -> Option<RateLimit> {
    let (count, window) = text.split_once('/')?;
    let count = count.trim().parse().ok();
    let count = count.filter(|count| (1..=MOST_IN_A_WINDOW).contains(count))?;
    let window = parse_duration(window).ok();
    let window = window.filter(|window| !window.is_zero())?;
    Some(RateLimit { count, window })
}

/// Reads a number; what Rust says of one that it cannot read is not for people.
pub(super) fn number<N: FromStr>(text: &str) -> Result<N, String> {
    let number = text.parse();
    number.map_err(|_| "expected a whole number".to_owned())
}

/// More tenants side by side than one machine is of use for.
const MOST_TENANTS: usize = 64;

pub(super) fn parallel(text: &str) -> Result<usize, String> {
    within(text.parse().unwrap_or_default(), MOST_TENANTS)
}

pub(super) fn tenant_name(text: &str) -> Result<String, String> {
    match is_tenant_name(text) {
        true => Ok(text.to_owned()),
        false => Err(tenant_name_rule()),
    }
}

pub(super) fn shard(text: &str) -> Result<Shard, String> {
    Shard::parse(text, std::env::var("JOB_COMPLETION_INDEX").ok().as_deref())
}

pub(super) fn run_id(text: &str) -> Result<String, String> {
    const LONGEST: usize = 128;
    match text.len() <= LONGEST && !text.is_empty() && text.chars().all(|it| it.is_ascii_graphic())
    {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "expected {LONGEST} letters, digits and signs at most, and no spaces"
        )),
    }
}

pub(super) fn max_bytes(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|bytes| *bytes >= markdown::MIN_MAX_BYTES)
        .ok_or_else(|| format!("expected a number of at least {}", markdown::MIN_MAX_BYTES))
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(|error| match error {
        DurationError::NotADuration => "expected a duration like `90m`, `36h` or `7d`".to_owned(),
        DurationError::TooLong => format!("it is {error}"),
    })
}

pub(super) fn digest(text: &str) -> Result<String, String> {
    if text.starts_with("sha256:") {
        Ok(text.to_owned())
    } else {
        Err("expected `sha256:` and what follows it in the plan".to_owned())
    }
}

pub(super) fn auth(text: &str) -> Result<Method, String> {
    let names = Method::ALL.iter().map(|method| method.name());
    Method::from_name(text).ok_or_else(|| no_such("sign-in", names))
}

pub(super) fn policy_kind(text: &str) -> Result<PolicyKind, String> {
    let names = PolicyKind::all().map(PolicyKind::name);
    PolicyKind::from_name(text).ok_or_else(|| no_such("policy kind", names))
}

pub(super) fn guard_name(text: &str) -> Result<GuardName, String> {
    match GuardName::from_name(text) {
        Some(guard) if guard.can_be_accepted() => Ok(guard),
        Some(guard) => Err(format!("guard `{}` cannot be accepted", guard.name())),
        None => Err(no_such("guard", acceptable_guards())),
    }
}

/// Returns the names of the guards that can be accepted.
pub(super) fn acceptable_guards() -> impl Iterator<Item = &'static str> {
    let guards = GuardName::ALL.iter();
    let guards = guards.filter(|guard| guard.can_be_accepted());
    guards.map(|guard| guard.name())
}

/// Says that a word is none of those that there are.
fn no_such<'n>(what: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.collect();
    format!("no such {what}; use one of {}", names.join(", "))
}

pub(super) fn removal_limit(text: &str) -> Result<RemovalLimit, String> {
    RemovalLimit::parse(text)
        .ok_or_else(|| "expected a number like `40` or a percentage like `25%`".to_owned())
}

/// Reads why changes are made. The service counts characters, in which unit no one knows: the larger
/// count has to fit.
pub(super) fn justification(text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.encode_utf16().count() {
        0 => Err("expected the reason as text".to_owned()),
        1..=1024 => Ok(text.to_owned()),
        length => Err(format!(
            "expected at most 1024 characters, and it has {length}"
        )),
    }
}

pub(super) fn write_with(text: &str) -> Result<WriteWith, String> {
    WriteWith::from_name(text).ok_or_else(|| "expected auto, create or assign".to_owned())
}

/// Returns the commands that need permissions.
pub(super) fn permitted_commands() -> impl Iterator<Item = &'static str> {
    NEEDS.iter().flat_map(|need| need.commands.iter().copied())
}

/// Reads the name of a command that needs permissions.
pub(super) fn permitted_command(text: &str) -> Result<String, String> {
    let commands: Vec<&str> = permitted_commands().collect();
    if commands.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(format!("expected one of {}", commands.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::pace::PUBLISHED_WRITES;

    #[test]
    fn limits_and_durations_are_read() {
        assert_eq!(parse_limit("100/20s"), Some(PUBLISHED_WRITES));
        assert_eq!(
            parse_limit("5/1m"),
            Some(RateLimit {
                count: 5,
                window: Duration::from_secs(60)
            })
        );
        for wrong in [
            "",
            "100",
            "0/20s",
            "18446744073709551615/20s",
            "-1/20s",
            "100/0s",
            "100/x",
            "1/2/3",
        ] {
            assert_eq!(parse_limit(wrong), None, "{wrong}");
        }
        assert_eq!(parse_duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(7 * 24 * 3600)));
        for wrong in ["-5s", "-1d", "d", "1x", "soon", ""] {
            let error = parse_duration(wrong);
            assert_eq!(error, Err(DurationError::NotADuration), "{wrong}");
        }
        assert_eq!(parse_duration("365d"), Ok(LONGEST_DURATION));
        for long in ["366d", "100000h", "31536001", "4294967295d"] {
            assert_eq!(parse_duration(long), Err(DurationError::TooLong), "{long}");
        }
    }
}
