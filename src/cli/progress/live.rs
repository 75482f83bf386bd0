//! Progress on a terminal: two lines that are drawn over and over, and leave nothing behind but the
//! policies that did not end as planned.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::counts::Counts;
use super::lines::{LITTLE_TIME, outcome, waiting};
use crate::graph::pace::Class;
use crate::plan::PlannedPolicy;
use crate::render::phrases::{count, duration};
use crate::report::PolicyResult;

/// How often the display moves by itself, so that a countdown counts down.
const TICK: Duration = Duration::from_millis(250);

const READING: &str = "{spinner} reading {wide_msg}";
const APPLYING: &str = "applying [{bar:20}] {left}{wide_msg}";
/// What was done last, or what is waited for.
const DETAIL: &str = "  {detail}";

/// The longest detail, in characters.
const LONGEST_DETAIL: usize = 70;

/// What is drawn at the moment, if anything is.
#[derive(Debug, Default)]
pub(super) struct Live {
    drawn: Option<Drawn>,
}

#[derive(Debug)]
struct Drawn {
    template: &'static str,
    both: MultiProgress,
    /// What is done of all.
    main: ProgressBar,
    /// What is waited for, else what was done last.
    detail: ProgressBar,
    wait: Option<Wait>,
    latest: String,
}

impl Drawn {
    fn set_detail(&self) {
        self.detail
            .set_style(detail(self.wait, self.latest.clone()));
    }
}

/// What is waited for, and until when.
#[derive(Clone, Copy, Debug)]
struct Wait {
    class: Class,
    until: Instant,
    asked: bool,
}

impl Live {
    pub(super) fn reading(&mut self, counts: &Counts) {
        // While a plan is carried out, what is read is a part of it.
        if self.is_applying() {
            return;
        }
        let lists: Vec<String> = counts
            .lists
            .iter()
            .map(|(list, (pages, objects))| {
                let name = list.rsplit('/').next().unwrap_or(list);
                format!("{objects} {name} ({})", count(*pages, "page", "pages"))
            })
            .collect();
        self.draw(READING).main.set_message(lists.join(", "));
    }

    pub(super) fn applying(&mut self, counts: &Counts, left: Duration) {
        let mut message = format!(
            "{} of {}, {} of {}",
            counts.policies_done,
            count(counts.policies, "policy", "policies"),
            counts.writes_done,
            count(counts.writes, "write", "writes"),
        );
        if counts.not_as_planned > 0 {
            // Writing to a string cannot fail.
            let _ = write!(message, ", {} not as planned", counts.not_as_planned);
        }
        let main = &self.draw(APPLYING).main;
        main.set_style(bar(APPLYING, Instant::now() + left));
        main.set_length(u64::try_from(counts.policies).unwrap_or(u64::MAX));
        main.set_position(u64::try_from(counts.policies_done).unwrap_or(u64::MAX));
        main.set_message(message);
    }

    /// Leaves a line on the screen.
    pub(super) fn say(&mut self, line: &str) {
        // The run goes on even if the terminal has gone away.
        let _ = self.draw(READING).both.println(line);
    }

    pub(super) fn settled(
        &mut self,
        policy: &PlannedPolicy,
        settled: &PolicyResult,
        counts: &Counts,
        left: Duration,
    ) {
        self.applying(counts, left);
        let latest = outcome(policy, settled);
        let drawn = self.draw(APPLYING);
        if settled.outcome.is_good() {
            drawn.latest = latest.chars().take(LONGEST_DETAIL).collect();
            drawn.set_detail();
        } else {
            // It stays on the screen. The run goes on even if the terminal has gone away.
            let _ = drawn.both.println(latest);
        }
    }

    pub(super) fn waiting(&mut self, class: Class, wait: Duration, asked: bool) {
        let template = if self.is_applying() {
            APPLYING
        } else {
            READING
        };
        let until = Instant::now() + wait;
        let wait = Some(Wait {
            class,
            until,
            asked,
        });
        let drawn = self.draw(template);
        drawn.wait = wait;
        drawn.set_detail();
    }

    pub(super) fn clear(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            drawn.main.disable_steady_tick();
            drawn.detail.disable_steady_tick();
            // The run goes on even if the terminal has gone away.
            let _ = drawn.both.clear();
            // Nothing is drawn while the rest is taken down.
            drawn.both.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    fn is_applying(&self) -> bool {
        matches!(&self.drawn, Some(drawn) if drawn.template == APPLYING)
    }

    /// Returns what is drawn, with the first line that is asked for.
    fn draw(&mut self, template: &'static str) -> &mut Drawn {
        if matches!(&self.drawn, Some(drawn) if drawn.template != template) {
            self.clear();
        }
        self.drawn.get_or_insert_with(|| {
            let both = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let main = both.add(ProgressBar::new(1));
            main.set_style(bar(template, Instant::now()));
            let shown = both.add(ProgressBar::new(0));
            shown.set_style(detail(None, String::new()));
            main.enable_steady_tick(TICK);
            shown.enable_steady_tick(TICK);
            Drawn {
                template,
                both,
                main,
                detail: shown,
                wait: None,
                latest: String::new(),
            }
        })
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are known to be good.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The first line; what is left counts down.
fn bar(template: &str, end: Instant) -> ProgressStyle {
    style(template).progress_chars("=> ").with_key(
        "left",
        move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
            let left = end.saturating_duration_since(Instant::now());
            if left > LITTLE_TIME {
                let _ = write!(line, "{} left, ", duration(left));
            }
        },
    )
}

/// The second line: a wait that counts down, and what was done last once it is over.
fn detail(wait: Option<Wait>, latest: String) -> ProgressStyle {
    style(DETAIL).with_key(
        "detail",
        move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
            let now = Instant::now();
            let _ = match wait.filter(|wait| wait.until > now) {
                Some(Wait {
                    class,
                    until,
                    asked,
                }) => line.write_str(&waiting(class, until - now, asked)),
                None => line.write_str(&latest),
            };
        },
    )
}
