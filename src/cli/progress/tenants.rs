//! Progress of runs for several tenants: on a terminal a line for each tenant that is at work and one for all,
//! elsewhere a line as each is done.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use super::lines::{say, unlisted, waiting};
use super::{Display, WORTH_TELLING};
use crate::apply::ObserveApply;
use crate::graph::observe::{Event, Observe};
use crate::plan::PlannedPolicy;
use crate::render::clean::clean;
use crate::report::{Outcome, PolicyResult};
use crate::text::count;

/// How often the display moves by itself.
const TICK: Duration = Duration::from_millis(250);

/// What is known of the tenants that are at work. Clones share it.
#[derive(Clone, Debug)]
pub(in crate::cli) struct TenantsProgress {
    display: Display,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    all: usize,
    done: usize,
    failed: usize,
    /// How many policies were written in all of them.
    applied: usize,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    lines: MultiProgress,
    total: ProgressBar,
    at_work: BTreeMap<String, ProgressBar>,
}

impl TenantsProgress {
    pub(in crate::cli) fn new(display: Display) -> Self {
        Self {
            display,
            inner: Arc::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Numbers are sound whatever happened to whoever held them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count: so many tenants will be planned, or carried out.
    pub(in crate::cli) fn expect(&self, all: usize) {
        self.expect_on(all, ProgressDrawTarget::stderr);
    }

    fn expect_on(&self, all: usize, target: impl FnOnce() -> ProgressDrawTarget) {
        let mut inner = self.inner();
        let live = (self.display == Display::Live).then(|| {
            let lines = MultiProgress::with_draw_target(target());
            let total = lines.add(ProgressBar::new_spinner());
            Live {
                lines,
                total,
                at_work: BTreeMap::new(),
            }
        });
        *inner = Inner {
            all,
            live,
            ..Inner::default()
        };
        inner.draw_total();
    }

    pub(in crate::cli) fn begins(&self, tenant: &str) {
        if let Some(live) = &mut self.inner().live {
            let line = live.lines.add(ProgressBar::new_spinner());
            line.set_message(tenant.to_owned());
            line.enable_steady_tick(TICK);
            live.at_work.insert(tenant.to_owned(), line);
        }
    }

    fn says(&self, tenant: &str, text: &str) {
        if let Some(live) = &self.inner().live
            && let Some(line) = live.at_work.get(tenant)
        {
            line.set_message(format!("{tenant}: {text}"));
        }
    }

    pub(in crate::cli) fn ends(&self, tenant: &str, state: &str, failed: bool) {
        let mut inner = self.inner();
        inner.done += 1;
        inner.failed += usize::from(failed);
        if let Some(live) = &mut inner.live
            && let Some(line) = live.at_work.remove(tenant)
        {
            line.disable_steady_tick();
            live.lines.remove(&line);
        }
        inner.draw_total();
        if self.display == Display::Lines {
            let state = clean(state);
            say(&format!("[{}/{}] {tenant}: {state}", inner.done, inner.all));
        }
    }

    /// Says how many tenants are not done, of how many; `None` if none is left.
    pub(super) fn left(&self) -> Option<String> {
        let inner = self.inner();
        let tenants = count(inner.all, "tenant", "tenants");
        (inner.all > inner.done)
            .then(|| format!("{} of {tenants} not done", inner.all - inner.done))
    }

    /// Takes the display away, so that something else can be printed.
    pub(in crate::cli) fn clear(&self) {
        if let Some(live) = self.inner().live.take() {
            for line in live.at_work.values() {
                line.disable_steady_tick();
            }
            // The run goes on even if the terminal has gone away.
            let _ = live.lines.clear();
            live.lines.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Returns what the requests and policies of a tenant are reported to.
    pub(in crate::cli) fn of(&self, tenant: &str) -> OfTenant {
        OfTenant {
            all: self.clone(),
            tenant: tenant.to_owned(),
        }
    }
}

impl Inner {
    /// Shows the totals.
    fn draw_total(&self) {
        let Some(live) = &self.live else {
            return;
        };
        let tenants = count(self.all, "tenant", "tenants");
        let mut text = format!("{} of {tenants} done", self.done);
        if self.failed > 0 {
            let _ = write!(text, ", {} failed", self.failed);
        }
        if self.applied > 0 {
            let policies = count(self.applied, "policy", "policies");
            let _ = write!(text, ", {policies} applied");
        }
        live.total.set_message(text);
    }
}

/// One tenant's part of the progress.
#[derive(Debug)]
pub(in crate::cli) struct OfTenant {
    all: TenantsProgress,
    tenant: String,
}

impl Observe for OfTenant {
    fn notice(&self, event: Event) {
        match event {
            Event::PageRead { list, total } => {
                self.all
                    .says(&self.tenant, &format!("read {total} of {list}"));
            }
            Event::LimitReached { class, wait } | Event::Waiting { class, wait } => {
                if wait >= WORTH_TELLING {
                    let asked = matches!(event, Event::Waiting { .. });
                    self.all.says(&self.tenant, &waiting(class, wait, asked));
                }
            }
            Event::Unlisted { requests } => self.all.says(&self.tenant, &unlisted(requests)),
        }
    }
}

impl ObserveApply for OfTenant {
    fn settled(&self, _: &PlannedPolicy, settled: &PolicyResult, done: usize, all: usize) {
        if settled.outcome == Outcome::Applied {
            let mut inner = self.all.inner();
            inner.applied += 1;
            inner.draw_total();
        }
        let all = count(all, "policy", "policies");
        self.all.says(&self.tenant, &format!("{done} of {all}"));
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use indicatif::TermLike;

    use super::*;
    use crate::graph::pace::Class;

    const WIDTH: u16 = 80;

    /// A terminal whose lines can be looked at.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<Shown>>);

    #[derive(Debug, Default)]
    struct Shown {
        lines: Vec<Vec<char>>,
        line: usize,
        column: usize,
    }

    impl Screen {
        fn change(&self, change: impl FnOnce(&mut Shown)) -> io::Result<()> {
            change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
            Ok(())
        }

        fn lines(&self) -> Vec<String> {
            let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The spinner turns as it likes.
            let lines = shown.lines.iter();
            let lines = lines.map(|line| line.iter().collect::<String>());
            let lines =
                lines.map(|line| line.trim_matches(|c| c == ' ' || c > '\u{2800}').to_owned());
            lines.filter(|line| !line.is_empty()).collect()
        }
    }

    impl Shown {
        /// Writes as a terminal does: what does not fit goes on in the next line.
        fn write(&mut self, letter: char) {
            if letter == '\r' {
                self.column = 0;
                return;
            }
            if self.column == usize::from(WIDTH) {
                (self.line, self.column) = (self.line + 1, 0);
            }
            self.lines
                .resize(self.lines.len().max(self.line + 1), Vec::new());
            let line = &mut self.lines[self.line];
            line.resize(line.len().max(self.column + 1), ' ');
            line[self.column] = letter;
            self.column += 1;
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            WIDTH
        }

        fn move_cursor_up(&self, lines: usize) -> io::Result<()> {
            self.change(|shown| shown.line = shown.line.saturating_sub(lines))
        }

        fn move_cursor_down(&self, lines: usize) -> io::Result<()> {
            self.change(|shown| shown.line += lines)
        }

        fn move_cursor_right(&self, columns: usize) -> io::Result<()> {
            self.change(|shown| shown.column += columns)
        }

        fn move_cursor_left(&self, columns: usize) -> io::Result<()> {
            self.change(|shown| shown.column = shown.column.saturating_sub(columns))
        }

        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)?;
            self.change(|shown| (shown.line, shown.column) = (shown.line + 1, 0))
        }

        fn write_str(&self, text: &str) -> io::Result<()> {
            self.change(|shown| text.chars().for_each(|letter| shown.write(letter)))
        }

        fn clear_line(&self) -> io::Result<()> {
            self.change(|shown| {
                if let Some(line) = shown.lines.get_mut(shown.line) {
                    line.clear();
                }
                shown.column = 0;
            })
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_terminal_shows_a_line_a_tenant_at_work_and_the_totals() {
        let screen = Screen::default();
        let progress = TenantsProgress::new(Display::Live);
        assert_eq!(progress.left(), None);
        let target = screen.clone();
        progress.expect_on(3, || ProgressDrawTarget::term_like(Box::new(target)));
        assert_eq!(screen.lines(), ["0 of 3 tenants done"]);
        for tenant in ["adatum", "contoso"] {
            progress.begins(tenant);
        }
        progress.of("contoso").notice(Event::PageRead {
            list: "/groups",
            total: 7,
        });
        progress.of("adatum").notice(Event::Waiting {
            class: Class::Write,
            wait: Duration::from_secs(12),
        });
        assert_eq!(
            screen.lines(),
            [
                "0 of 3 tenants done",
                "adatum: pausing writes for 12 s, as the service asked",
                "contoso: read 7 of /groups",
            ]
        );
        progress.ends("contoso", "no consent", true);
        progress.begins("fabrikam");
        assert_eq!(
            screen.lines(),
            [
                "1 of 3 tenants done, 1 failed",
                "adatum: pausing writes for 12 s, as the service asked",
                "fabrikam",
            ]
        );
        assert_eq!(progress.left().as_deref(), Some("2 of 3 tenants not done"));
        progress.clear();
        assert!(screen.lines().is_empty(), "{:?}", screen.lines());
        // What comes after that is not drawn.
        progress.ends("adatum", "no changes", false);
        assert!(screen.lines().is_empty(), "{:?}", screen.lines());
    }
}
