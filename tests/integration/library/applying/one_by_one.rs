//! Creates and deletes one by one, where something comes between two of them.

use std::sync::Mutex;
use std::time::Duration;

use assignctl::auth::{SignInError, Token, TokenSource};
use assignctl::graph::pace::{PUBLISHED_REQUESTS, Pace};
use assignctl::model::RateLimit;
use assignctl::plan::Plan;
use assignctl::plan::writes::WriteWith;
use assignctl::report::{self, Outcome, PolicyResult, ReasonCode};
use assignctl_sandbox::{Collection, Decision, Tenant, target};
use secrecy::SecretString;
use serde_json::json;

use super::approval::{apply_deciding, justified};
use super::{ids, other_admin};
use crate::library::support::answers::{error, later, plain, with_header};
use crate::library::support::tenants::{CATALOG, all_rows, assign, group_id, rows, tenant, wants};
use crate::library::support::wire::{Act, lock};
use crate::library::support::world::{LONGEST_WAIT, World, first_reason, outcomes, published};

/// A world in which two writes leave in 5 s, and a plan of two creates and a delete.
async fn two_come_and_one_goes() -> (World, Plan) {
    let writes = RateLimit {
        count: 2,
        window: Duration::from_secs(5),
    };
    let pace = Pace::new(writes, PUBLISHED_REQUESTS, LONGEST_WAIT);
    let mut world = World::at_pace(tenant(1), pace);
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["B", "C"])).await;
    (world, plan)
}

/// Seed 2413611 at 8b87455: earlier creates were taken, a later one was refused for good; another
/// admin added its group. The run took that for an earlier try of its own, and went on; when the
/// admin took everything back it sent all of them again.
#[tokio::test(start_paused = true)]
async fn seed_2413611_a_refusal_is_final_whatever_was_written_before() {
    let (world, plan) = two_come_and_one_goes().await;
    let id = ids(&world)[0].clone();
    let service = world.service.clone();
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        if !sent.is_write() || writes != 2 {
            return Act::Pass;
        }
        service.with_machine(|machine| {
            let tenant = machine.tenant_mut();
            let group = group_id(tenant, "C");
            assign(tenant, CATALOG, &id, target::group(&group));
        });
        Act::Answer(error(400, "BadRequest"))
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed BadRequest");
    let said = &first_reason(&results).message;
    assert!(
        said.ends_with("; 1 of 3 writes to the policy is done"),
        "{said}"
    );
    assert_eq!(world.wire.writes().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn seed_2413611_what_was_seen_done_is_not_done_again() {
    let (world, plan) = two_come_and_one_goes().await;
    let id = ids(&world)[0].clone();
    let service = world.service.clone();
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        if sent.is_write() && writes == 2 {
            let (service, id) = (service.clone(), id.clone());
            tokio::spawn(async move {
                // Both creates have been seen, and the delete has to wait for its turn.
                tokio::time::sleep(Duration::from_secs(2)).await;
                service.with_machine(|machine| other_admin(machine.tenant_mut(), &id, "A"));
            });
        }
        Act::Pass
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "failed unverified");
    assert_eq!(world.wire.writes().len(), 2);
    assert_eq!(all_rows(&world.tenant()), ["A"]);
}

/// A token that is given once.
struct Once(Mutex<Option<String>>);

#[async_trait::async_trait]
impl TokenSource for Once {
    async fn fetch(&self) -> Result<Token, SignInError> {
        match lock(&self.0).take() {
            Some(token) => Ok(Token::new(SecretString::from(token), None)),
            None => Err(SignInError::Silent("no more tokens".into())),
        }
    }
}

/// The first create was seen done; that the next one did not leave is certain.
#[tokio::test(start_paused = true)]
async fn a_sign_in_that_ends_between_two_writes_leaves_nothing_in_doubt() {
    let mut world = World::build(tenant(1), published(), |service| {
        Box::new(Once(Mutex::new(Some(service.mint_token()))))
    });
    world.settings.write_with = WriteWith::Create;
    let plan = world.plan(&wants("*", &["A", "B", "C"])).await;
    let mut writes = 0;
    world.wire.rule(move |sent| {
        writes += usize::from(sent.is_write());
        match sent.is_write() && writes == 2 {
            true => Act::Answer(error(401, "InvalidAuthenticationToken")),
            false => Act::Pass,
        }
    });
    let results = world.apply(&plan).await;
    assert_eq!(outcomes(&results), "failed signInFailed");
    let reason = first_reason(&results);
    assert!(!reason.message.contains("unverified"), "{}", reason.message);
}

/// A policy of a kind whose assignments are written one by one, whose group `A` is to turn from included to excluded.
struct Flip {
    world: World,
    plan: Plan,
    collection: Collection,
    id: String,
    group: String,
}

async fn flip(kind: &str, collection: &str) -> Flip {
    let collection = Collection::named(collection).expect("a collection");
    let mut tenant = Tenant::empty();
    let [group, _] = ["A", "B"].map(|name| tenant.add_group(name));
    let id = tenant.add_policy(collection, "T", "");
    assign(&mut tenant, collection, &id, target::group(&group));
    let world = World::new(tenant);
    let plan = world
        .plan(&format!("version: 1\npolicies:\n  - kind: {kind}\n    name: T\n    include: [{{group: B}}]\n    exclude: [{{group: A}}]\n"))
        .await;
    Flip {
        world,
        plan,
        collection,
        id,
        group,
    }
}

async fn flip_terms() -> Flip {
    flip("termsAndConditions", "termsAndConditions").await
}

async fn flip_profile() -> Flip {
    flip(
        "windowsAutopilotDeploymentProfile",
        "windowsAutopilotDeploymentProfiles",
    )
    .await
}

/// What makes room for an assignment is put back where that is refused (GAA: a field report of 2026-09).
/// Kinds that take whole sets replace at once.
#[tokio::test(start_paused = true)]
async fn what_made_room_is_put_back_where_its_successor_is_refused() {
    for (refused, expected, said) in [
        (
            1,
            "A",
            "BadRequest it is.; the assignment to the group `A`, deleted to make room, was put back",
        ),
        (
            2,
            "",
            "; the assignment to the group `A` was deleted to make room and could not be put back (BadRequest it is.)",
        ),
    ] {
        let flip = flip_terms().await;
        let mut posts = 0;
        flip.world.wire.rule(move |sent| {
            posts += usize::from(sent.method == "POST");
            match sent.method == "POST" && posts <= refused {
                true => Act::Answer(error(400, "BadRequest")),
                false => Act::Pass,
            }
        });
        let results = flip.world.apply(&flip.plan).await;
        assert_eq!(outcomes(&results), "failed BadRequest");
        let settled = &results.settled[0];
        let reason = settled.reason.as_ref().expect("a reason");
        assert!(reason.message.contains(said), "{}", reason.message);
        assert!(settled.written);
        assert_eq!(
            rows(&flip.world.tenant(), flip.collection, &flip.id),
            expected
        );
        // The delete, the create, and what puts back.
        assert_eq!(flip.world.wire.writes().len(), 3);
    }
}

/// What someone else deleted is theirs to restore: the run names only what it deleted itself.
#[tokio::test(start_paused = true)]
async fn what_someone_else_deleted_is_not_said_to_have_made_room() {
    let flip = flip_terms().await;
    flip.world.service.with_machine(|machine| {
        let policy = machine.tenant_mut().policy_mut(flip.collection, &flip.id);
        policy.expect("the policy").assignments.clear();
    });
    flip.world.wire.rule(|sent| match sent.method {
        "POST" => Act::Answer(error(400, "BadRequest")),
        _ => Act::Pass,
    });
    let results = flip.world.apply(&flip.plan).await;
    assert_eq!(outcomes(&results), "failed BadRequest");
    let settled = &results.settled[0];
    let reason = settled.reason.as_ref().expect("a reason");
    assert!(
        !reason.message.contains("to make room"),
        "{}",
        reason.message
    );
    assert!(!settled.written);
}

/// A service may show an assignment late, after it has refused it.
#[tokio::test(start_paused = true)]
async fn what_shows_after_it_seemed_to_have_no_effect_is_not_taken_back() {
    let Flip {
        world,
        plan,
        collection: profiles,
        id,
        group,
    } = flip_profile().await;
    let service = world.service.clone();
    let policy = id.clone();
    let mut looks = None;
    world.wire.rule(move |sent| {
        if sent.method == "POST" && sent.body.to_string().contains("exclusion") {
            looks = Some(0);
            return refusal();
        }
        if let (Some(looks), false) = (&mut looks, sent.is_write()) {
            *looks += 1;
            // The first is whether it shows, the second comes before what is put back.
            if *looks == 2 {
                service.with_machine(|machine| {
                    let target = target::exclusion_group(&group);
                    assign(machine.tenant_mut(), profiles, &policy, target);
                });
            }
        }
        Act::Pass
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "applied");
    assert_eq!(rows(&world.tenant(), profiles, &id), "!A B");
}

/// How a policy ends whose group turns from included to excluded, where the create of the exclusion is answered so,
/// and what puts back so.
async fn flipped(
    create: impl Fn() -> Act + Send + 'static,
    put_back: impl Fn() -> Act + Send + 'static,
) -> (PolicyResult, String) {
    let Flip {
        world,
        plan,
        collection: profiles,
        id,
        group,
    } = flip_profile().await;
    world.wire.rule(move |sent| {
        let body = sent.body.to_string();
        match sent.method == "POST" && body.contains(&group) {
            true if body.contains("exclusion") => create(),
            true => put_back(),
            false => Act::Pass,
        }
    });
    let results = world.apply(&plan).await;
    let settled = results.settled[0].clone();
    (settled, rows(&world.tenant(), profiles, &id))
}

fn refusal() -> Act {
    Act::Answer(with_header(error(400, "BadRequest"), "request-id", "rq-1"))
}

fn busy() -> Act {
    Act::Answer(error(500, "InternalServerError"))
}

/// The first refusal is what a reader has to look for, whatever keeps its predecessor from being put back.
#[tokio::test(start_paused = true)]
async fn a_refusal_keeps_its_reason_where_putting_back_fails() {
    let wait = || Act::Answer(later(429, "4000"));
    let moved = || {
        Act::Answer(with_header(
            plain(307, ""),
            "location",
            "http://elsewhere.example/x",
        ))
    };
    for (put_back, said) in [
        (
            Box::new(busy) as Box<dyn Fn() -> Act + Send>,
            "gave up after 5 tries",
        ),
        (Box::new(wait), "4000 s"),
        (Box::new(moved), "elsewhere"),
        (
            Box::new(|| Act::Answer(error(401, "InvalidAuthenticationToken"))),
            "Invalid",
        ),
    ] {
        let (settled, rows) = flipped(refusal, put_back).await;
        assert_eq!(rows, "");
        assert!(settled.written);
        let reason = settled.reason.expect("a reason");
        assert_eq!(
            (reason.code.name(), reason.status),
            ("BadRequest", Some(400))
        );
        assert_eq!(reason.request_id.as_deref(), Some("rq-1"));
        for part in [
            "BadRequest it is.; the assignment to the group `A` was deleted to make room and could not be put back (",
            said,
            "; restore it with `assignctl rollback REPORT`",
        ] {
            assert!(reason.message.contains(part), "{part}: {}", reason.message);
        }
    }
}

/// Not only a refusal leaves a gap.
#[tokio::test(start_paused = true)]
async fn what_made_room_is_put_back_whatever_its_successor_failed_of() {
    let moved = || {
        Act::Answer(with_header(
            plain(307, ""),
            "location",
            "http://elsewhere.example/x",
        ))
    };
    let token = || Act::Answer(error(401, "InvalidAuthenticationToken"));
    for (create, code) in [
        (Box::new(busy) as Box<dyn Fn() -> Act + Send>, "givenUp"),
        (Box::new(moved), "redirected"),
        (Box::new(token), "InvalidAuthenticationToken"),
    ] {
        let (settled, rows) = flipped(create, || Act::Pass).await;
        assert_eq!(rows, "A", "{code}");
        let reason = settled.reason.expect("a reason");
        assert_eq!(reason.code.name(), code);
        let said = "; the assignment to the group `A`, deleted to make room, was put back";
        assert!(reason.message.contains(said), "{}", reason.message);
    }
    // What puts back would have to wait as long.
    let (settled, rows) = flipped(|| Act::Answer(later(429, "4000")), || Act::Pass).await;
    assert_eq!(rows, "");
    assert!(settled.written);
    let reason = settled.reason.expect("a reason");
    assert_eq!(reason.code, ReasonCode::WaitTooLong);
    let said = "; the assignment to the group `A` was deleted to make room and was not put back; restore it with `assignctl rollback";
    assert!(reason.message.contains(said), "{}", reason.message);
}

/// So does a run that waited for the approval of each write.
#[tokio::test(start_paused = true)]
async fn what_made_room_is_named_where_its_successor_is_rejected() {
    let Flip { world, plan, .. } = flip_profile().await;
    let world = justified(world, Duration::from_secs(7200));
    world.service.with_machine(|machine| {
        let approval = &mut machine.tenant_mut().service.approval;
        approval.collections = vec!["windowsAutopilotDeploymentProfiles".to_owned()];
    });
    let results = apply_deciding(&world, &plan, &[Decision::Approve, Decision::Reject]).await;
    assert_eq!(outcomes(&results), "failed approvalRejected");
    let reason = first_reason(&results);
    let said =
        "; the assignment to the group `A` was deleted to make room and was not put back; restore";
    assert!(reason.message.contains(said), "{}", reason.message);
}

/// A policy that was written is not refused, whatever becomes of the rest.
#[tokio::test(start_paused = true)]
async fn a_policy_that_lost_what_made_room_is_no_mere_refusal() {
    let flip = flip_terms().await;
    flip.world.wire.rule(|sent| match sent.method {
        "POST" => Act::Answer(error(403, "Forbidden")),
        _ => Act::Pass,
    });
    let results = flip.world.apply(&flip.plan).await;
    assert_eq!(outcomes(&results), "failed Forbidden");
    assert!(results.settled[0].written && !results.is_refusal());
}

/// Whether the service refuses what is there already is not known, so that is looked at.
#[tokio::test(start_paused = true)]
async fn a_create_that_is_refused_and_there_is_done() {
    let create = || Act::alter(|response| *response = error(400, "BadRequest"));
    let (settled, rows) = flipped(create, || Act::Pass).await;
    assert_eq!(settled.outcome, Outcome::Applied, "{settled:?}");
    assert_eq!(rows, "!A B");
}

/// So is one that made no room.
#[tokio::test(start_paused = true)]
async fn an_addition_that_is_refused_and_there_is_done() {
    let terms = Collection::named("termsAndConditions").expect("a collection");
    let mut tenant = Tenant::empty();
    tenant.add_group("B");
    let id = tenant.add_policy(terms, "T", "");
    let world = World::new(tenant);
    let plan = world
        .plan("version: 1\npolicies:\n  - {kind: termsAndConditions, name: T, include: [{group: B}]}\n")
        .await;
    world.wire.rule(|sent| match sent.is_write() {
        true => Act::AnswerAfter(error(400, "BadRequest")),
        false => Act::Pass,
    });
    assert_eq!(outcomes(&world.apply(&plan).await), "applied");
    assert_eq!(rows(&world.tenant(), terms, &id), "B");
}

/// Each write is announced, and what the service said of assignments stands in the report once.
#[tokio::test(start_paused = true)]
async fn a_report_has_once_what_the_service_said() {
    const MANIFEST: &str =
        "version: 1\npolicies:\n  - {kind: termsAndConditions, name: T, include: [{group: D}]}\n";
    let terms = Collection::named("termsAndConditions").expect("a collection");
    let mut tenant = Tenant::empty();
    let groups = ["A", "B", "C", "D"].map(|name| tenant.add_group(name));
    let id = tenant.add_policy(terms, "T", "");
    for group in &groups[..3] {
        let policy = tenant.policy_mut(terms, &id).expect("a policy");
        policy.assign_with(target::group(group), json!({"futureRow": 1}));
    }
    let world = World::new(tenant);
    assert_eq!(outcomes(&world.converge(MANIFEST).await), "applied");
    let lines = world.report_lines();
    let sending = lines.iter().filter(|line| line["event"] == "sending");
    assert_eq!(sending.count(), 4);
    let text = lock(&world.report).text();
    assert_eq!(text.matches("asRead").count(), 3);
    // Wherever the run is killed, all of it is known.
    let ends = text.match_indices('\n').map(|(end, _)| end + 1);
    for end in ends.skip(1) {
        let recorded = report::read(&text.as_bytes()[..end]).expect("a report");
        assert_eq!(recorded.policies[0].recorded.len(), 3, "{}", &text[..end]);
        assert_eq!(recorded.policies[0].before.len(), 3);
    }
}
