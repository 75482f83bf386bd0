//! The one place for retry rules: what may be repeated, how often, and after how long.
//!
//! - A read is repeated after 408, 429, 500, 502, 503, 504, after a lost connection, and after an
//!   answer that is not the JSON it should be. It is given up after 5 tries or 30 s of trying,
//!   whichever is first. A wait that the service asked for does not use up the 30 s.
//! - A write is never repeated before the policy was read back. One that the service did not take
//!   (429) may be tried until `--max-wait` is used up; one whose outcome nobody knows (time-out,
//!   reset, 5xx) 5 times, each time only after reading back shows that it had no effect.
//! - `Retry-After` is obeyed as a minimum, in seconds with or without a fraction or as a date.
//!   Intune often leaves it out (almenscorner/IntuneCD#217); then the wait doubles from try to try.

use std::time::Duration;

use jiff::Timestamp;

use super::transport::Response;

/// How many times a read is tried.
pub const READ_TRIES: u32 = 5;

/// How long a read is tried.
pub const READ_TIME: Duration = Duration::from_secs(30);

/// How long one write may take. It is longer than a read's time: giving up on a write leaves an
/// unknown outcome behind, and the service cancels its own work after 15 s
/// (microsoft/Intune-PowerShell-SDK#21).
pub const WRITE_TIME: Duration = Duration::from_secs(60);

/// How many times the writing of one policy is tried when nobody knows what became of a try.
pub const WRITE_TRIES: u32 = 5;

/// How long a policy that was just read is taken to be as it was read, so that a second write to
/// it needs no second look.
pub const FRESH: Duration = Duration::from_secs(1);

/// Reading back: the waits before each further look at a policy that does not show yet what was
/// written. There is no documented bound for the lag; other tools look for up to a minute.
pub const LOOKS: [Duration; 9] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(8),
    Duration::from_secs(8),
    Duration::from_secs(8),
];

/// After a write with an unknown outcome, so many looks that show no change mean that it had none.
/// They take 15.75 s: the service cancels its own work after 15 s
/// (microsoft/Intune-PowerShell-SDK#21), so that nothing comes after them.
pub const LOOKS_AFTER_UNKNOWN: usize = 6;

const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const FIRST_THROTTLE_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// Longer than anybody waits, short enough for arithmetic with clocks.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// Whether a status says that the same request may succeed later.
pub fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a status asks the whole class to slow down.
pub fn is_throttle(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Returns how long to wait before try number `tries + 1` when the service does not say. `dice`
/// is in `0.0..1.0` and spreads clients that failed together.
pub fn backoff(tries: u32, throttled: bool, dice: f64) -> Duration {
    let first = if throttled {
        FIRST_THROTTLE_BACKOFF
    } else {
        FIRST_BACKOFF
    };
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(LONGEST_BACKOFF).mul_f64(0.75 + dice / 4.0)
}

/// Returns the wait that an answer asks for.
pub fn retry_after(response: &Response) -> Option<Duration> {
    parse_retry_after(response.header("retry-after")?, response.header("date"))
}

/// Reads a `Retry-After` value. A date is taken against the answer's own `Date`, since the two
/// come from one clock; without it against ours.
pub fn parse_retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        if seconds.is_nan() || seconds < 0.0 {
            return None;
        }
        return Some(
            Duration::try_from_secs_f64(seconds)
                .unwrap_or(LONGEST_RETRY_AFTER)
                .min(LONGEST_RETRY_AFTER),
        );
    }
    let until = parse_http_date(value)?;
    let now = date
        .and_then(parse_http_date)
        .unwrap_or_else(Timestamp::now);
    // A date that has passed means now.
    Some(
        Duration::try_from(until.duration_since(now))
            .unwrap_or_default()
            .min(LONGEST_RETRY_AFTER),
    )
}

fn parse_http_date(text: &str) -> Option<Timestamp> {
    // RFC 9110 dates end in `GMT`, which RFC 2822 knows as an obsolete zone.
    jiff::fmt::rfc2822::DateTimeParser::new()
        .relaxed_weekday(true)
        .parse_timestamp(text)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_all_its_forms() {
        let date = Some("Mon, 23 Nov 2026 10:00:00 GMT");
        for (value, expected) in [
            ("0", Some(0.0)),
            ("17", Some(17.0)),
            (" 2.128 ", Some(2.128)),
            ("Mon, 23 Nov 2026 10:00:30 GMT", Some(30.0)),
            ("Mon, 23 Nov 2026 09:00:00 GMT", Some(0.0)),
            ("", None),
            ("-1", None),
            ("NaN", None),
            ("soon", None),
            ("1e300", Some(LONGEST_RETRY_AFTER.as_secs_f64())),
            ("inf", Some(LONGEST_RETRY_AFTER.as_secs_f64())),
        ] {
            assert_eq!(
                parse_retry_after(value, date),
                expected.map(Duration::from_secs_f64),
                "{value}"
            );
        }
    }

    #[test]
    fn backoff_doubles_within_bounds() {
        assert_eq!(backoff(1, false, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, false, 1.0), Duration::from_secs(2));
        assert_eq!(backoff(1, true, 0.0), Duration::from_millis(750));
        assert_eq!(backoff(400, true, 1.0), LONGEST_BACKOFF);
    }
}
