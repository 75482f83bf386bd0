//! Properties that the program does not know, where the service refuses them.

use std::time::Duration;

use assignctl_sandbox::{Collection, Decision, Tenant, target};
use serde_json::{Value, json};

use super::approval::{apply_deciding, justified};
use crate::library::support::answers::error;
use crate::library::support::wire::Act;
use crate::library::support::world::{World, outcomes};

const A_GETS_A_FILTER: &str = "version: 1\npolicies:\n  - {kind: appleUserInitiatedEnrollmentProfile, name: T, include: [{group: A, filter: F}]}\n";

fn apple_profiles() -> Collection {
    Collection::named("appleUserInitiatedEnrollmentProfiles").expect("a collection")
}

/// A profile with the groups `A` and `B`, with these properties.
fn a_profile_with(properties: [&Value; 2]) -> (Tenant, String, [String; 2]) {
    let mut tenant = Tenant::empty();
    let groups = ["A", "B"].map(|name| tenant.add_group(name));
    tenant.add_filter("F", "iOS", "(device.osVersion -eq \"1\")");
    let id = tenant.add_policy(apple_profiles(), "T", "");
    for (group, properties) in groups.iter().zip(properties) {
        let policy = tenant.policy_mut(apple_profiles(), &id);
        let policy = policy.expect("a policy");
        policy.assign_with(target::group(group), properties.clone());
    }
    (tenant, id, groups)
}

/// Without what the program does not know an assignment is only tried where the service has refused that, and where
/// it has no intent, which may turn it into its opposite.
#[tokio::test(start_paused = true)]
async fn properties_are_left_out_where_the_refusal_is_about_properties() {
    const REFUSED: &str = "ModelValidationFailure";
    let profiles = apple_profiles();
    let plain = json!({"futureRow": 1});
    let with_intent = json!({"futureRow": 1, "intent": "remove"});
    for ((status, code, [first, second], expected), justification) in [
        (403, "Forbidden", [&plain, &plain], "failed Forbidden"),
        (400, "BadRequest", [&plain, &plain], "failed BadRequest"),
        (400, REFUSED, [&plain, &plain], "applied unknownLeftOut"),
        (
            400,
            REFUSED,
            [&with_intent, &plain],
            "failed ModelValidationFailure",
        ),
        (
            400,
            REFUSED,
            [&plain, &with_intent],
            "applied unknownLeftOut",
        ),
    ]
    .into_iter()
    .flat_map(|case| [(case, None), (case, Some("why"))])
    {
        let (tenant, id, groups) = a_profile_with([first, second]);
        let mut world = World::new(tenant);
        // It makes no difference where nothing has to be approved.
        world.settings.approval.justification = justification.map(str::to_owned);
        let plan = world.plan(A_GETS_A_FILTER).await;
        let group = groups[0].clone();
        let mut is_first = true;
        world.wire.rule(move |sent| {
            let is_about = sent.method == "POST" && sent.body.to_string().contains(&group);
            match is_about && std::mem::take(&mut is_first) {
                true => Act::Answer(error(status, code)),
                false => Act::Pass,
            }
        });
        let results = world.apply(&plan).await;
        assert_eq!(outcomes(&results), expected);
        // What was deleted is there again, with or without it; what has an intent is refused once more.
        let tenant = world.tenant();
        let policy = tenant.policy(profiles, &id).expect("a policy");
        let mut rows = policy.assignments.iter();
        let row = rows.find(|row| row.target["groupId"] == *groups[0]);
        let has_it = row.map(|row| row.properties.contains_key("futureRow"));
        let kept = (*first != with_intent).then_some(!expected.starts_with("applied"));
        assert_eq!(has_it, kept, "{expected}");
    }
}

/// What is filed without the properties is sent so once it is approved, and the policy says so.
#[tokio::test(start_paused = true)]
async fn what_is_filed_without_properties_is_sent_without_them() {
    let plain = json!({"futureRow": 1});
    let (mut tenant, id, groups) = a_profile_with([&plain, &plain]);
    let segment = apple_profiles().segment().to_owned();
    tenant.service.approval.collections = vec![segment];
    let world = justified(World::new(tenant), Duration::from_secs(7200));
    let plan = world.plan(A_GETS_A_FILTER).await;
    world.wire.rule(|sent| {
        match sent.method == "POST" && sent.body.to_string().contains("futureRow") {
            true => Act::Answer(error(400, "ModelValidationFailure")),
            false => Act::Pass,
        }
    });
    let results = apply_deciding(
        &world,
        &plan,
        &[Decision::Approve, Decision::Approve, Decision::Approve],
    )
    .await;
    assert_eq!(outcomes(&results), "applied unknownLeftOut");
    let tenant = world.tenant();
    let policy = tenant.policy(apple_profiles(), &id).expect("a policy");
    let [row] = &policy.assignments[..] else {
        panic!("{:?}", policy.assignments);
    };
    assert_eq!(row.target["groupId"], *groups[0]);
    assert!(!row.properties.contains_key("futureRow"));
}

/// So it is said if the policy is seen to be as planned later than the last write.
#[tokio::test(start_paused = true)]
async fn properties_that_were_left_out_are_said_however_the_end_is_seen() {
    let plain = json!({"futureRow": 1});
    let (mut tenant, ..) = a_profile_with([&plain, &plain]);
    tenant.service.read_after_write_lag = 5.0;
    let world = World::new(tenant);
    let plan = world.plan(A_GETS_A_FILTER).await;
    world.wire.rule(|sent| match sent.method {
        "POST" if sent.body.to_string().contains("futureRow") => {
            Act::Answer(error(400, "ModelValidationFailure"))
        }
        "POST" => Act::LostAfter,
        _ => Act::Pass,
    });
    assert_eq!(
        outcomes(&world.apply(&plan).await),
        "applied unknownLeftOut"
    );
}
