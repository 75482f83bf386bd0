//! Request limits: sliding windows over the requests of one application, and of all of them.
//!
//! A limit holds in *any* window of its length, not in fixed ones. Throttled calls count too
//! (facts, section 3), so a client that does not pause is never let in again.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::collections::Pool;
use crate::switches::Throttling;

/// The time within which the directory counts its resource units (DOCS:concepts/throttling-limits.md).
const DIRECTORY_WINDOW: Duration = Duration::from_secs(10);

/// The requests of a window, each with its cost.
#[derive(Debug, Default)]
struct Window {
    entries: VecDeque<(Duration, u32)>,
    total: u64,
}

impl Window {
    /// Counts a request; if there is no room for it, returns how long until there is.
    fn count(
        &mut self,
        now: Duration,
        cost: u32,
        limit: u32,
        length: Duration,
    ) -> Option<Duration> {
        while let Some((then, gone)) = self.entries.front().copied() {
            if now.saturating_sub(then) < length {
                break;
            }
            self.entries.pop_front();
            self.total = self.total.saturating_sub(u64::from(gone));
        }
        let limit = u64::from(limit);
        self.entries.push_back((now, cost));
        self.total += u64::from(cost);
        if self.total <= limit {
            return None;
        }
        // Only the newest entries that fill the limit decide; the older ones are dropped, so that
        // a client that hammers does not fill the memory.
        while let Some((_, oldest)) = self.entries.front().copied() {
            if self.entries.len() <= 1 || self.total.saturating_sub(u64::from(oldest)) < limit {
                break;
            }
            self.entries.pop_front();
            self.total = self.total.saturating_sub(u64::from(oldest));
        }
        // There is room again once the entries that exceed it are old enough.
        let mut left = self.total;
        let mut free = now;
        for (then, gone) in &self.entries {
            if left + u64::from(cost) <= limit {
                break;
            }
            left = left.saturating_sub(u64::from(*gone));
            free = *then + length;
        }
        Some(free.saturating_sub(now))
    }
}

/// All windows of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Writes and requests of any kind by each application, for each pool.
    apps: HashMap<(Pool, String), [Window; 2]>,
    /// The same of all applications.
    tenant: HashMap<Pool, [Window; 2]>,
    directory: HashMap<String, Window>,
}

impl Meter {
    /// Counts a request to Intune. If a limit is exceeded, returns how long to wait.
    pub(crate) fn intune(
        &mut self,
        limits: &Throttling,
        pool: Pool,
        app: &str,
        is_write: bool,
        now: Duration,
    ) -> Option<Duration> {
        if !limits.enabled {
            return None;
        }
        let length = Duration::from_secs_f64(limits.window.clamp(0.0, 86_400.0));
        let tenant_any = limits.tenant_any.saturating_sub(limits.other_apps_any);
        let tenant_writes = limits
            .tenant_writes
            .saturating_sub(limits.other_apps_writes);
        let [writes, any] = self.apps.entry((pool, app.to_owned())).or_default();
        let [all_writes, all] = self.tenant.entry(pool).or_default();
        let mut waits = vec![
            any.count(now, 1, limits.app_any, length),
            all.count(now, 1, tenant_any, length),
        ];
        if is_write {
            waits.push(writes.count(now, 1, limits.app_writes, length));
            waits.push(all_writes.count(now, 1, tenant_writes, length));
        }
        waits.into_iter().flatten().max()
    }

    /// Counts a request to the directory by its cost in resource units.
    pub(crate) fn directory(
        &mut self,
        limits: &Throttling,
        app: &str,
        cost: u32,
        now: Duration,
    ) -> Option<Duration> {
        if !limits.enabled {
            return None;
        }
        let units = self.directory.entry(app.to_owned()).or_default();
        units.count(now, cost, limits.directory_units, DIRECTORY_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[test]
    fn nothing_is_let_in_by_an_empty_limit() {
        let mut window = Window::default();
        assert!(window.count(at(0.0), 1, 0, at(20.0)).is_some());
    }

    #[test]
    fn the_limit_holds_in_any_window() {
        let mut window = Window::default();
        for _ in 0..3 {
            assert_eq!(window.count(at(10.0), 1, 3, at(20.0)), None);
        }
        // Throttled, and counted: at 30 s it is still in the window.
        assert_eq!(window.count(at(25.0), 1, 3, at(20.0)), Some(at(5.0)));
        assert_eq!(window.count(at(30.0), 1, 3, at(20.0)), None);
        assert_eq!(window.count(at(30.0), 1, 3, at(20.0)), None);
        // The throttled one is among those that have to grow old.
        assert_eq!(window.count(at(30.0), 1, 3, at(20.0)), Some(at(20.0)));
    }

    #[test]
    fn hammering_is_never_let_in_and_costs_no_memory() {
        let mut window = Window::default();
        for step in 0..10_000_u32 {
            let throttled = window.count(at(f64::from(step) / 100.0), 1, 100, at(20.0));
            assert_eq!(throttled.is_some(), step >= 100, "{step}");
        }
        assert!(window.entries.len() <= 101);
    }

    #[test]
    fn writes_count_as_requests_and_other_apps_take_their_share() {
        let mut limits = Throttling {
            app_any: 2,
            ..Throttling::default()
        };
        let mut meter = Meter::default();
        assert_eq!(
            meter.intune(&limits, Pool::Catalog, "a", true, at(0.0)),
            None
        );
        assert_eq!(
            meter.intune(&limits, Pool::Catalog, "a", false, at(0.0)),
            None
        );
        assert!(
            meter
                .intune(&limits, Pool::Catalog, "a", false, at(0.0))
                .is_some()
        );
        assert_eq!(
            meter.intune(&limits, Pool::Catalog, "b", false, at(0.0)),
            None
        );
        limits.other_apps_writes = 199;
        assert!(
            meter
                .intune(&limits, Pool::Catalog, "b", true, at(0.0))
                .is_some()
        );
        // Another pool has limits of its own.
        let apps = Pool::Applications;
        assert_eq!(meter.intune(&limits, apps, "a", false, at(0.0)), None);
        limits.enabled = false;
        assert_eq!(
            meter.intune(&limits, Pool::Catalog, "a", true, at(0.0)),
            None
        );
    }
}
