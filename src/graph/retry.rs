//! The one place for retry rules: what may be repeated, how often, and after how long.
//!
//! - A read is repeated after 408, 429, 500, 502, 503, 504, after a lost connection, and after an
//!   answer that is not the JSON it should be. It is given up after 5 tries or 30 s of trying,
//!   whichever is first. A wait that the service asked for does not use up the 30 s. An answer that
//!   is too large is the end of it: the next one will be as large.
//! - A write is never repeated before the policy was read back. One that the service did not take
//!   (429) may be tried until `--max-wait` is used up; one whose outcome no one knows (time-out,
//!   reset, 5xx) 5 times, each time only after reading back shows that it had no effect.
//! - `Retry-After` is obeyed as a minimum, in seconds with or without a fraction or as a date.
//!   Intune often leaves it out (almenscorner/IntuneCD#217); then, or where waiting as long as it
//!   says did not help, the wait doubles from try to try.

use std::time::Duration;

use super::transport::Response;
use crate::net;

/// How many times a read is tried.
pub const READ_TRIES: u32 = 5;

/// How long a read is tried.
pub const READ_TIME: Duration = Duration::from_secs(30);

/// How long one write may take. It is longer than a read's time: giving up on a write leaves an
/// unknown outcome behind, and the service cancels its own work after 15 s
/// (microsoft/Intune-PowerShell-SDK#21).
pub const WRITE_TIME: Duration = Duration::from_secs(60);

/// How many times the writing of one policy is tried when no one knows what became of a try.
pub const WRITE_TRIES: u32 = 5;

/// How long a policy that was just read is taken to be as it was read, so that a second write to
/// it needs no second look. It is the time that our own work between the two takes, no more.
pub const MAX_READ_AGE: Duration = Duration::from_millis(100);

/// Reading back: the longest wait before the first look.
pub const MAX_FIRST_READ_BACK_DELAY: Duration = Duration::from_secs(2);

/// Reading back: the waits before each further look at a policy that does not show yet what was
/// written. There is no documented bound for the lag; other tools look for up to a minute.
pub const READ_BACK_DELAYS: [Duration; 9] = [
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

/// After a write with an unknown outcome, this many reads without a change mean that it had no effect.
/// They take 15.75 s: the service cancels its own work after 15 s
/// (microsoft/Intune-PowerShell-SDK#21), so that nothing comes after them.
pub const READ_BACKS_AFTER_UNKNOWN: usize = 6;

/// Limit for read-backs after an interrupt.
/// GitHub ends a cancelled job by force 7.5 s after it asked (docs.github.com: "Workflow
/// cancellation reference").
pub const READ_BACK_TIME_AFTER_INTERRUPT: Duration = Duration::from_secs(5);

/// Reading back what shows late, like app protection: the waits before each further look. Tools look
/// for a minute; exclusions have taken longer.
pub const SLOW_READ_BACK_DELAYS: [Duration; 15] = {
    let mut waits = [Duration::from_secs(5); 15];
    waits[0] = Duration::from_secs(1);
    waits[1] = Duration::from_secs(2);
    waits
};

/// How many looks in a row have to show what was written, where reads alternate between old and new state.
pub const READ_BACKS_THAT_AGREE: usize = 2;

/// How many times, and after how long, a write is tried again that was refused since an earlier
/// change of the policy had not settled.
pub const BUSY_TRIES: u32 = 5;
/// See [`BUSY_TRIES`].
pub const BUSY_WAIT: Duration = Duration::from_secs(5);

/// How many times, and after how long, the requests for approval are listed to find one that has to be
/// there. A new one may take some seconds to be listed.
pub const LISTING_TRIES: u32 = 5;
/// See [`LISTING_TRIES`].
pub const LISTING_WAIT: Duration = Duration::from_secs(3);

/// How long the service may take to list a new request.
pub const LISTED_WITHIN: Duration = Duration::from_mins(1);

/// How often approvals are polled while a run waits.
pub const APPROVAL_POLL: Duration = Duration::from_secs(15);

/// A request expires after three days, so that no run waits longer.
pub const LONGEST_APPROVAL_WAIT: Duration = Duration::from_secs(3 * 24 * 3600);

/// Returns how long to wait before the requests are listed again, after so many tries: most are listed
/// within a second.
pub fn listing_wait(tries: usize) -> Duration {
    let wait = READ_BACK_DELAYS.get(tries).copied();
    wait.unwrap_or(LISTING_WAIT).min(LISTING_WAIT)
}

const FIRST_BACKOFF: Duration = Duration::from_millis(500);
const FIRST_THROTTLE_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);

/// The budget of one read: how often it was tried, for how long, and how long the service made it
/// wait.
#[derive(Clone, Debug, Default)]
pub struct Retry {
    tries: u32,
    /// Time spent on trying: neither queueing for a slot nor a wait that the service asked for.
    spent: Duration,
    /// What the service asked for.
    waited: Duration,
}

/// Why a read is not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was tried often or long enough.
    GivenUp,
    /// The service asked for longer waits than allowed: so long in all.
    TooLong(Duration),
}

impl Retry {
    /// Returns how many tries were made.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Returns how long the next try may take.
    pub fn time_left(&self) -> Duration {
        READ_TIME.saturating_sub(self.spent)
    }

    /// Counts a try that took so long.
    pub fn tried(&mut self, took: Duration) {
        self.tries += 1;
        self.spent += took;
    }

    /// Returns how long to wait before the next try, and counts the wait.
    pub fn wait(&mut self, asked: Option<Duration>, backoff: Duration) -> Duration {
        let wait = wait(asked, self.tries, backoff);
        if asked.is_some() {
            self.waited += wait;
        } else {
            self.spent += wait;
        }
        wait
    }

    /// Returns why there is no next try; `None` if there is one.
    pub fn end(&self, longest_wait: Duration) -> Option<End> {
        if self.waited > longest_wait {
            Some(End::TooLong(self.waited))
        } else if self.tries >= READ_TRIES || self.spent >= READ_TIME {
            Some(End::GivenUp)
        } else {
            None
        }
    }
}

/// Whether a status says that the same request may succeed later.
pub fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Whether a status asks the whole class to slow down.
pub fn is_throttle(status: u16) -> bool {
    matches!(status, 429 | 503)
}

/// Whether a status says that a limit was reached.
pub fn is_limit(status: u16) -> bool {
    status == 429
}

/// Returns how long to wait before try number `tries + 1` when the service does not say. `random`
/// is in `0.0..1.0` and spreads clients that failed together.
pub fn backoff(tries: u32, throttled: bool, random: f64) -> Duration {
    let first = if throttled {
        FIRST_THROTTLE_BACKOFF
    } else {
        FIRST_BACKOFF
    };
    let doubled = first.saturating_mul(1 << tries.saturating_sub(1).min(16));
    doubled.min(LONGEST_BACKOFF).mul_f64(0.75 + random / 4.0)
}

/// Returns how long to wait after refusal number `tries` in a row. What the service asks for is a
/// minimum; where it asks for the same short wait again and again (msgraph-sdk-javascript#297), or
/// for none at all, obeying it literally would retry forever.
pub fn wait(asked: Option<Duration>, tries: u32, backoff: Duration) -> Duration {
    match asked {
        Some(asked) if tries <= 1 && !asked.is_zero() => asked,
        Some(asked) => asked.max(backoff),
        None => backoff,
    }
}

/// Returns the wait that an answer asks for.
pub fn retry_after(response: &Response) -> Option<Duration> {
    net::retry_after(response.header("retry-after")?, response.header("date"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_asks_for_is_a_minimum() {
        let seconds = Duration::from_secs;
        assert_eq!(wait(Some(seconds(1)), 1, seconds(2)), seconds(1));
        assert_eq!(wait(Some(seconds(1)), 3, seconds(2)), seconds(2));
        assert_eq!(wait(Some(seconds(9)), 3, seconds(2)), seconds(9));
        assert_eq!(wait(Some(Duration::ZERO), 1, seconds(2)), seconds(2));
        assert_eq!(wait(None, 1, seconds(2)), seconds(2));
    }

    #[test]
    fn a_budget_ends_by_tries_by_time_or_by_waits() {
        let seconds = Duration::from_secs;
        let allowed = seconds(60);
        let mut often = Retry::default();
        for _ in 0..READ_TRIES {
            assert_eq!(often.end(allowed), None);
            often.tried(seconds(1));
            often.wait(None, seconds(1));
        }
        assert_eq!(often.end(allowed), Some(End::GivenUp));
        let mut long = Retry::default();
        long.tried(seconds(28));
        assert_eq!(long.time_left(), seconds(2));
        assert_eq!(long.wait(None, seconds(1)), seconds(1));
        assert_eq!(long.end(allowed), None);
        long.tried(seconds(1));
        assert_eq!(long.end(allowed), Some(End::GivenUp));
        // What the service asks for does not use the time up.
        let mut patient = Retry::default();
        patient.tried(seconds(1));
        assert_eq!(patient.wait(Some(seconds(60)), seconds(1)), seconds(60));
        assert_eq!((patient.end(allowed), patient.tries()), (None, 1));
        patient.tried(seconds(1));
        patient.wait(Some(seconds(1)), seconds(1));
        assert_eq!(patient.end(allowed), Some(End::TooLong(seconds(61))));
    }

    #[test]
    fn backoff_doubles_within_bounds() {
        assert_eq!(backoff(1, false, 1.0), Duration::from_millis(500));
        assert_eq!(backoff(3, false, 1.0), Duration::from_secs(2));
        assert_eq!(backoff(1, true, 0.0), Duration::from_millis(750));
        assert_eq!(backoff(400, true, 1.0), LONGEST_BACKOFF);
    }
}
