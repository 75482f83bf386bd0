//! Writes whose outcome no one knows.

use std::time::Duration;

use assignctl::auth::{SignInError, Token, TokenSource};
use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::Service;
use secrecy::SecretString;

use super::{adding, moving};
use crate::library::support::answers::{cut, error, html, plain, with_header};
use crate::library::support::tenants::{all_rows, tenant, wants};
use crate::library::support::wire::{Act, Sent};
use crate::library::support::world::{LONGEST_WAIT, World, first_reason, outcomes, published};

/// Does something to the first write, and lets the others pass.
fn first_write(world: &World, act: impl Fn() -> Act + Send + 'static) {
    let mut first = true;
    world.wire.rule(move |sent| {
        if sent.is_write() && std::mem::replace(&mut first, false) {
            act()
        } else {
            Act::Pass
        }
    });
}

/// Ways for a write to have its effect and not to say so.
fn after_the_effect() -> Vec<fn() -> Act> {
    vec![
        || Act::LostAfter,
        || Act::AnswerAfter(error(408, "Timeout")),
        || Act::AnswerAfter(error(500, "UnknownError")),
        || Act::AnswerAfter(html(502)),
        || Act::AnswerAfter(error(503, "CancelledOnServiceTimeout")),
        || Act::AnswerAfter(plain(504, "")),
        // What an answer of status 200 holds says nothing that anyone could rely on.
        || Act::AnswerAfter(plain(200, "")),
        || Act::AnswerAfter(plain(204, "")),
        || Act::AnswerAfter(html(200)),
        || Act::alter(cut),
    ]
}

/// Ways for a write to have no effect, and for no one to know.
fn before_the_effect() -> Vec<fn() -> Act> {
    vec![
        || Act::LostBefore,
        || Act::NotSent,
        || Act::Silence,
        || Act::Answer(error(408, "Timeout")),
        || Act::Answer(error(500, "UnknownError")),
        || Act::Answer(html(502)),
        || Act::Answer(error(503, "CancelledOnServiceTimeout")),
        || Act::Answer(plain(504, "")),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_had_its_effect_is_not_written_twice() {
    for (index, act) in after_the_effect().into_iter().enumerate() {
        for lag in [0.0, 2.0] {
            let mut tenant = tenant(1);
            tenant.service.read_after_write_lag = lag;
            let (world, plan) = moving(tenant.clone()).await;
            first_write(&world, act);
            assert_eq!(outcomes(&world.apply(&plan).await), "applied", "{index}");
            assert_eq!(world.writes_reached(), 1, "assign {index}, lag {lag}");
            assert_eq!(all_rows(&world.tenant()), ["B"]);

            let (world, plan) = adding(tenant).await;
            first_write(&world, act);
            assert_eq!(outcomes(&world.apply(&plan).await), "applied", "{index}");
            assert_eq!(world.writes_reached(), 1, "create {index}, lag {lag}");
            assert_eq!(all_rows(&world.tenant()), ["A B"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_had_no_effect_is_written_again_after_reading_back() {
    for (index, act) in before_the_effect().into_iter().enumerate() {
        let (world, plan) = moving(tenant(1)).await;
        let before = world.wire.log().len();
        first_write(&world, act);
        assert_eq!(outcomes(&world.apply(&plan).await), "applied", "{index}");
        assert_eq!(world.writes_reached(), 1, "{index}");
        assert_eq!(all_rows(&world.tenant()), ["B"]);
        let steps: String = world.wire.log()[before..]
            .iter()
            .map(|sent| if sent.is_write() { 'w' } else { 'r' })
            .collect();
        // Seven looks find no change; then one before the second write, one after it.
        assert_eq!(steps, "rwrrrrrrrrwr", "{index}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_by_one_each_lost_answer_is_read_back() {
    for (index, act) in after_the_effect().into_iter().enumerate() {
        let mut world = World::new(tenant(1));
        world.settings.write_with = WriteWith::Create;
        let plan = world.plan(&wants("*", &["B", "C"])).await;
        world
            .wire
            .rule(move |sent| if sent.is_write() { act() } else { Act::Pass });
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), "applied", "{index}");
        // Two come, one goes.
        assert_eq!(world.writes_reached(), 3, "{index}");
        assert_eq!(all_rows(&world.tenant()), ["B C"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_has_an_effect_is_given_up() {
    for act in [
        || Act::LostBefore,
        || Act::Answer(error(500, "UnknownError")),
    ] {
        let (world, plan) = moving(tenant(1)).await;
        world
            .wire
            .rule(move |sent| if sent.is_write() { act() } else { Act::Pass });
        assert_eq!(outcomes(&world.apply(&plan).await), "failed givenUp");
        assert_eq!(world.wire.writes().len(), 5);
        assert_eq!(world.writes_reached(), 0);
        assert_eq!(all_rows(&world.tenant()), ["A"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_says_yes_to_everything_is_not_believed() {
    let (world, plan) = moving(tenant(1)).await;
    world.wire.rule(|sent| {
        if sent.is_write() {
            Act::Answer(html(200))
        } else {
            Act::Pass
        }
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
    assert_eq!(world.wire.writes().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lag_longer_than_the_looks_still_ends_well() {
    let mut tenant = tenant(1);
    tenant.service.read_after_write_lag = 5.0;
    for lost in [|| Act::LostAfter, || Act::LostBefore] {
        let (world, plan) = moving(tenant.clone()).await;
        first_write(&world, lost);
        assert_eq!(outcomes(&world.apply(&plan).await), "applied");
        assert_eq!(all_rows(&world.tenant()), ["B"]);
        let (world, plan) = adding(tenant.clone()).await;
        first_write(&world, lost);
        assert_eq!(outcomes(&world.apply(&plan).await), "applied");
        assert_eq!(all_rows(&world.tenant()), ["A B"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_shows_late_is_applied_and_what_never_shows_is_unverified() {
    for (lag, expected) in [(5.0, "3 applied"), (80_000.0, "3 failed unverified")] {
        let mut tenant = tenant(3);
        tenant.service.read_after_write_lag = lag;
        let (world, plan) = moving(tenant).await;
        assert_eq!(outcomes(&world.apply(&plan).await), expected);
        assert_eq!(world.writes_reached(), 3);
        assert!(world.wire.elapsed() < Duration::from_secs(60));
        let looks = world.wire.log().len() - world.wire.writes().len();
        assert!(looks < 45, "{looks}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_cannot_be_read_back_is_unverified() {
    let (world, plan) = moving(tenant(2)).await;
    let mut written = false;
    world.wire.rule(move |sent| {
        written |= sent.is_write();
        if written && !sent.is_write() {
            Act::Answer(error(500, "UnknownError"))
        } else {
            Act::Pass
        }
    });
    let results = world.apply(&plan).await;
    assert!(!outcomes(&results).contains("applied"));
    assert!(outcomes(&results).contains("unverified"));
    world.wire.heal();
    let expected = match world.writes_reached() {
        2 => "2 already",
        _ => "already, applied",
    };
    assert_eq!(outcomes(&world.apply(&plan).await), expected);
}

/// What support asks for is in the report, also where reading was given up.
#[tokio::test(start_paused = true)]
async fn a_read_that_is_given_up_keeps_status_and_request_id() {
    let (world, plan) = moving(tenant(1)).await;
    world
        .wire
        .rule(|_| Act::Answer(with_header(error(502, "UnknownError"), "request-id", "r-9")));
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed readFailed");
    let reason = first_reason(&results);
    assert_eq!(reason.status, Some(502));
    assert_eq!(reason.request_id.as_deref(), Some("r-9"));
    assert!(world.wire.writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_redirect_of_a_write_fails_that_policy_and_goes_nowhere() {
    let (world, plan) = moving(tenant(3)).await;
    let id = super::ids(&world)[1].clone();
    let redirected = id.clone();
    world.wire.rule(move |sent| {
        if sent.is_write() && super::is_about(sent, &id) {
            let mut answer = plain(307, "");
            answer.headers.push((
                "location".to_owned(),
                "https://example.com/assign".to_owned(),
            ));
            Act::Answer(answer)
        } else {
            Act::Pass
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "2 applied, failed redirected"
    );
    assert_eq!(all_rows(&world.tenant()), ["B", "A", "B"]);
    let log = world.wire.log();
    assert!(log.iter().all(|sent| !sent.path.contains("example")));
    // Nothing is in doubt, so nothing is looked at.
    let mut about = log.iter().filter(|sent| super::is_about(sent, &redirected));
    assert!(about.next_back().is_some_and(Sent::is_write));
}

/// A new token each time.
struct Minting(Service);

#[async_trait::async_trait]
impl TokenSource for Minting {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let token = SecretString::from(self.0.mint_token());
        Ok(Token::new(token, None))
    }
}

/// A write of unknown outcome stays one, wherever its next try leads.
#[tokio::test(start_paused = true)]
async fn a_redirect_after_a_lost_answer_leaves_the_outcome_unknown() {
    let (world, plan) = moving(tenant(1)).await;
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        match (sent.is_write(), writes) {
            (true, 1) => Act::LostBefore,
            (true, _) => Act::Answer(with_header(
                plain(307, ""),
                "location",
                "https://example.com/assign",
            )),
            _ => Act::Pass,
        }
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
    // Where the first write was seen done, that the next one did not leave is certain.
    let mut world = World::new(tenant(1));
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["B", "C"])).await;
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        match sent.is_write() && writes > 1 {
            true => Act::Answer(with_header(
                plain(307, ""),
                "location",
                "https://example.com/assign",
            )),
            false => Act::Pass,
        }
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed redirected");
}

/// What the service asks for is waited for as long as is allowed, after a write of unknown outcome too.
#[tokio::test(start_paused = true)]
async fn the_next_try_of_a_lost_write_comes_when_the_service_says() {
    let longest = LONGEST_WAIT.as_millis();
    // What the looks in between take counts.
    let looks = waited(longest * 2).await.1;
    for (asked, expected) in [
        (30_000, "applied"),
        (longest + looks, "applied"),
        (longest + looks + 1, "failed unverified"),
    ] {
        let (outcome, waited) = waited(asked).await;
        assert_eq!(outcome, expected, "{asked}");
        assert!(expected != "applied" || waited >= asked, "{waited}");
    }
}

/// What comes of a lost write whose answer asks for a wait in milliseconds, and how many of them pass until the next
/// try, or else until the end.
async fn waited(asked: u128) -> (String, u128) {
    let (world, plan) = moving(tenant(1)).await;
    first_write(&world, move || {
        let seconds = format!("{}.{:03}", asked / 1000, asked % 1000);
        let answer = error(500, "UnknownError");
        Act::Answer(with_header(answer, "retry-after", &seconds))
    });
    let outcome = outcomes(&world.apply(&plan).await);
    let writes = world.wire.writes();
    let end = writes.get(1).map_or(world.wire.elapsed(), |next| next.at);
    (outcome, (end - writes[0].at).as_millis())
}

/// The first may be an old token, the second is a new one.
#[tokio::test(start_paused = true)]
async fn a_second_refusal_of_the_sign_in_is_final() {
    let world = World::build(tenant(1), published(), |service| {
        Box::new(Minting(service.clone()))
    });
    let plan = world.plan(&wants("*", &["B"])).await;
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        match sent.is_write() && writes < 4 {
            true => Act::Answer(error(401, "InvalidAuthenticationToken")),
            false => Act::Pass,
        }
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "failed InvalidAuthenticationToken"
    );
    assert_eq!(world.wire.writes().len(), 2);
}
