//! The window on a clock of its own: every bound at the moment itself, and right before and behind it.

use super::*;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
/// A window of 10 s with the margin of the clocks.
const LENGTH: Duration = Duration::from_millis(10_005);
/// How long a probe may leave after the request before it: a twentieth of a window.
const BEHIND_THE_LAST: Duration = Duration::from_micros(500_250);

const NOW: Option<Option<Instant>> = None;
const AFTER_AN_ANSWER: Option<Option<Instant>> = Some(None);

fn at(moment: Instant) -> Option<Option<Instant>> {
    Some(Some(moment))
}

fn limit(count: usize) -> RateLimit {
    RateLimit {
        count,
        window: SECOND * 10,
    }
}

/// A window in which `admitted` requests were answered at `now`, and as many more refused as are asked for.
fn shared(mut window: Window, admitted: usize, refused: usize, now: Instant) -> Window {
    window.take(admitted + refused);
    window.answered(admitted + refused, now);
    window.refused(refused, true, now, now + SECOND);
    window
}

#[test]
fn a_slot_comes_back_one_window_after_its_answer() {
    let start = Instant::now();
    let mut window = Window::of_writes(limit(3));
    window.take(2);
    assert_eq!(window.look_again(1, start), NOW);
    assert_eq!(window.look_again(2, start), AFTER_AN_ANSWER);
    window.take(1);
    assert_eq!(window.look_again(1, start), AFTER_AN_ANSWER);
    window.answered(1, start);
    window.answered(2, start + SECOND);
    let now = start + SECOND * 2;
    assert_eq!(window.look_again(1, now), at(start + LENGTH));
    assert_eq!(window.look_again(2, now), at(start + SECOND + LENGTH));
    window.forget_old(start + LENGTH - MS);
    assert_eq!(window.answered.len(), 3);
    window.forget_old(start + LENGTH);
    assert_eq!(window.answered.len(), 2);
    assert_eq!(window.look_again(1, start + LENGTH), NOW);
}

#[test]
fn what_never_left_gives_its_slots_back_at_once() {
    let start = Instant::now();
    let mut window = Window::of_writes(limit(3));
    window.take(3);
    window.unsent(2);
    assert_eq!(window.in_flight, 1);
    assert_eq!(window.look_again(2, start), NOW);
}

#[test]
fn what_is_larger_than_the_limit_leaves_alone() {
    let start = Instant::now();
    let mut window = Window::of_writes(limit(3));
    assert_eq!(window.look_again(5, start), NOW);
    window.take(1);
    assert_eq!(window.look_again(5, start), AFTER_AN_ANSWER);
    window.answered(1, start);
    assert_eq!(window.look_again(5, start), at(start + LENGTH));
}

#[test]
fn a_refusal_shows_the_share() {
    let start = Instant::now();
    let window = shared(Window::of_writes(limit(20)), 8, 2, start);
    assert_eq!(window.share, 8);
    // Never less than one write, or half of the requests of any kind.
    assert_eq!(shared(Window::of_writes(limit(20)), 0, 4, start).share, 1);
    assert_eq!(shared(Window::of_any(limit(20)), 3, 4, start).share, 10);
    assert_eq!(shared(Window::of_any(limit(1)), 0, 1, start).share, 1);
    // Nor more than it was.
    let mut window = shared(Window::of_writes(limit(20)), 8, 2, start);
    window.answered.extend(std::iter::repeat_n(start, 5));
    window.refused(1, false, start, start);
    assert_eq!(window.share, 8);
}

#[test]
fn refusals_of_one_burst_count_together() {
    let start = Instant::now();
    let mut window = Window::of_writes(limit(20));
    window.take(10);
    window.answered(10, start);
    window.refused(1, true, start, start);
    window.refused(2, false, start, start);
    assert_eq!((window.share, window.refused.len()), (7, 3));
    window.refused(1, true, start, start);
    assert_eq!((window.share, window.refused.len()), (7, 1));
}

#[test]
fn a_probe_waits_for_the_pause_and_for_one_window_more_each_time() {
    let start = Instant::now();
    let until = start + SECOND;
    let mut window = shared(Window::of_writes(limit(20)), 5, 2, start);
    assert_eq!(window.probe.at, Some(until + LENGTH));
    assert!(!window.probe.at_once);
    // More of the same burst changes nothing before the end of its own pause.
    window.refused(1, false, start, start);
    assert_eq!(window.probe.at, Some(until + LENGTH));
    window.refused(1, false, start, until + LENGTH * 2);
    assert_eq!(window.probe.at, Some(until + LENGTH * 2));
    for _ in 0..3 {
        window.refused(1, true, start, until);
        assert_eq!(window.probe.at, Some(until + LENGTH * 2));
    }
    // A share below a quarter is probed right after its pause, once.
    let mut window = shared(Window::of_writes(limit(20)), 4, 2, start);
    assert_eq!((window.probe.at, window.probe.at_once), (Some(until), true));
    window.refused(1, true, start, until);
    assert_eq!(window.probe.at, Some(until + LENGTH));
    assert!(!window.probe.at_once);
}

#[test]
fn a_probe_leaves_right_behind_another_request() {
    let start = Instant::now();
    let mut window = shared(Window::of_writes(limit(20)), 8, 2, start);
    let time = window.probe.at.expect("a probe");
    // What the window held is forgotten by then; the share is used up once more.
    window.forget_old(time);
    window.take(8);
    window.answered(8, time - SECOND);
    let free = time - SECOND + LENGTH;
    assert_eq!(window.look_again(1, time - MS), at(time));
    assert_eq!(window.look_again(1, time), at(free), "long after the last");
    window.answered.clear();
    window.take(8);
    window.answered(8, time);
    assert_eq!(window.look_again(1, time + BEHIND_THE_LAST), NOW);
    let late = time + BEHIND_THE_LAST + MS;
    assert_eq!(window.look_again(1, late), at(time + LENGTH));
    // One at a time, until it is answered; as wide as what has to leave together.
    assert_eq!(window.look_again(3, time), NOW);
    window.take(1);
    assert_eq!(window.look_again(1, late), at(time + LENGTH));
    window.answered(1, late);
    assert_eq!(window.look_again(1, late), NOW);
    // One that is still in flight counts as the request before it, however long ago the others were answered.
    window.probe.width = 2;
    (window.in_flight, window.answered) = (1, [time; 8].into());
    assert_eq!(window.look_again(1, late), NOW);
}

#[test]
fn a_probe_at_once_needs_no_other_request() {
    let start = Instant::now();
    let mut window = shared(Window::of_writes(limit(20)), 2, 2, start);
    let time = start + SECOND;
    assert_eq!(window.look_again(1, time - MS), at(time));
    assert_eq!(window.look_again(1, time), NOW);
    // A slot that is free before the probe is worth waiting for, too.
    window.answered = [start - LENGTH + MS * 3; 2].into();
    window.refused.clear();
    assert_eq!(window.look_again(1, start), at(start + MS * 3));
}

#[test]
fn a_probe_that_passes_widens_the_share_up_to_the_limit() {
    let start = Instant::now();
    let mut window = shared(Window::of_writes(limit(20)), 8, 2, start);
    window.passed(start);
    assert_eq!((window.share, window.probe.width), (8, 1));
    // Whatever passes after a refusal passes beside all that the log holds.
    window.take(0);
    assert_eq!(window.refused.len(), 2);
    window.take(1);
    assert_eq!(window.refused.len(), 0);
    window.answered(1, start);
    window.passed(start);
    let Probe { width, windows, .. } = window.probe;
    assert_eq!((window.share, width, windows), (11, 2, 1));
    window.take(4);
    window.answered(4, start);
    window.passed(start);
    assert_eq!((window.share, window.probe.width), (15, 4));
    window.take(6);
    window.answered(6, start);
    window.passed(start);
    let Probe { at, width, .. } = window.probe;
    assert_eq!((window.share, at, width), (20, None, 1));
    // Passed, but a window ago.
    let mut window = shared(Window::of_writes(limit(20)), 8, 2, start);
    window.take(3);
    window.answered(3, start);
    window.passed(start + LENGTH);
    assert_eq!(window.share, 8);
}

#[test]
fn near_the_end_of_a_share_few_writes_are_under_way() {
    let start = Instant::now();
    let mut window = shared(Window::of_writes(limit(100)), 64, 1, start);
    window.answered.clear();
    window.refused.clear();
    window.probe.at = None;
    assert_eq!(window.share, 64);
    // 64 / 16 at once, once fewer than ten are left.
    for (in_flight, answered, looked) in [
        (3, 60, NOW),
        (4, 51, AFTER_AN_ANSWER),
        (4, 50, NOW),
        (54, 0, NOW),
        (55, 0, AFTER_AN_ANSWER),
    ] {
        window.in_flight = in_flight;
        window.answered = std::iter::repeat_n(start, answered).collect();
        assert_eq!(
            window.look_again(1, start),
            looked,
            "{in_flight} {answered}"
        );
    }
    // Also where a probe may leave.
    window.probe.at = Some(start);
    window.probe.width = 20;
    (window.in_flight, window.answered) = (4, [start; 51].into());
    assert_eq!(window.look_again(1, start), AFTER_AN_ANSWER);
    // Two at least; not where the whole limit is ours, and not for reads.
    let mut small = shared(Window::of_writes(limit(20)), 6, 1, start);
    small.probe.at = None;
    (small.in_flight, small.answered) = (1, [start; 2].into());
    assert_eq!(small.look_again(1, start), NOW);
    small.in_flight = 2;
    assert_eq!(small.look_again(1, start), AFTER_AN_ANSWER);
    let mut whole = Window::of_writes(limit(20));
    whole.take(19);
    assert_eq!(whole.look_again(1, start), NOW);
    let mut reads = shared(Window::of_any(limit(20)), 12, 1, start);
    (reads.in_flight, reads.answered) = (11, VecDeque::new());
    assert_eq!(reads.look_again(1, start), NOW);
}

#[test]
fn reads_leave_beyond_their_share_if_nothing_grows_old() {
    let start = Instant::now();
    let mut window = shared(Window::of_any(limit(20)), 12, 1, start);
    window.probe.at = None;
    (window.in_flight, window.answered) = (12, VecDeque::new());
    assert_eq!(window.look_again(8, start), NOW);
    assert_eq!(
        window.look_again(9, start),
        AFTER_AN_ANSWER,
        "over the limit"
    );
    window.answered.push_back(start);
    // 14 of 12: the second slot to come back is not known yet.
    assert_eq!(window.look_again(1, start), AFTER_AN_ANSWER);
    window.in_flight = 11;
    assert_eq!(window.look_again(1, start), at(start + LENGTH));
    let mut writes = shared(Window::of_writes(limit(20)), 12, 1, start);
    writes.probe.at = None;
    (writes.in_flight, writes.answered) = (12, VecDeque::new());
    assert_eq!(writes.look_again(1, start), AFTER_AN_ANSWER);
}

/// Close to an estimated share, only a few requests are in flight at a time. A share equal to the full limit is not an
/// estimate.
#[test]
fn what_leaves_near_the_whole_limit_need_not_wait_for_answers() {
    let start = Instant::now();
    let mut window = Window::of_writes(limit(20));
    window.careful = true;
    window.take(15);
    assert_eq!(window.share, 20);
    assert_eq!(window.look_again(1, start), NOW);
    window.share = 19;
    assert_eq!(window.look_again(1, start), AFTER_AN_ANSWER);
}
