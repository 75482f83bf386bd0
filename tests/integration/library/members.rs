//! Who gains and who loses a policy, compared with a look at every device and user of random tenants; and
//! what counting costs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use assignctl::plan::Plan;
use assignctl::plan::members::{self, Members};
use assignctl_sandbox::{Collection, Device, Tenant, User, target};
use serde_json::Map;

use super::support::wire::lock;
use super::support::world::World;

const GROUPS: usize = 4;

fn id(kind: &str, number: usize) -> String {
    assignctl_sandbox::guid_from(&format!("{kind}{number}"))
}

/// A tenant of devices, users and groups that hold some of them and each other.
fn tenant(random: &mut fastrand::Rng) -> Tenant {
    let mut tenant = Tenant::empty();
    for number in 0..8 {
        tenant.devices.push(Device {
            id: id("device", number),
            display_name: "D".to_owned(),
            properties: Map::new(),
        });
        tenant.users.push(User {
            id: id("user", number),
            user_principal_name: format!("u{number}@x"),
            properties: Map::new(),
        });
    }
    let groups: Vec<String> = (0..GROUPS)
        .map(|number| tenant.add_group(&format!("G{number}")))
        .collect();
    for group in 0..GROUPS {
        let kinds = random.u8(1..4);
        let mut members = Vec::new();
        for number in 0..8 {
            if kinds & 1 != 0 && random.u8(0..3) == 0 {
                members.push(id("device", number));
            }
            if kinds & 2 != 0 && random.u8(0..3) == 0 {
                members.push(id("user", number));
            }
        }
        members.extend(groups.iter().filter(|_| random.u8(0..8) == 0).cloned());
        tenant.groups[group].members = members;
    }
    tenant
}

/// A row in short words: `+2` is group 2, `-2` an exclusion, `d` all devices, `u` all users.
fn rows(random: &mut fastrand::Rng) -> Vec<String> {
    let mut rows = Vec::new();
    for group in 0..GROUPS {
        match random.u8(0..5) {
            0 | 1 => rows.push(format!("+{group}")),
            2 => rows.push(format!("-{group}")),
            _ => {}
        }
    }
    for word in ["d", "u"] {
        if random.u8(0..4) == 0 {
            rows.push(word.to_owned());
        }
    }
    rows
}

fn manifest(rows: &[String]) -> String {
    let (mut include, mut exclude) = (String::new(), String::new());
    for row in rows {
        match row.split_at(1) {
            ("+", group) => write!(include, "{{group: G{group}}}, "),
            ("-", group) => write!(exclude, "{{group: G{group}}}, "),
            ("d", _) => write!(include, "allDevices, "),
            _ => write!(include, "allUsers, "),
        }
        .expect("memory");
    }
    format!(
        "version: 1\npolicies:\n  - {{kind: configurationPolicy, name: P, include: [{include}], exclude: [{exclude}]}}\n"
    )
}

/// Whether a group holds somebody, by itself or through others.
fn holds(tenant: &Tenant, group: usize, wanted: &str, seen: &mut BTreeSet<usize>) -> bool {
    if !seen.insert(group) {
        return false;
    }
    tenant.groups[group].members.iter().any(|member| {
        let inner = tenant.groups.iter().position(|known| known.id == *member);
        member == wanted || inner.is_some_and(|inner| holds(tenant, inner, wanted, seen))
    })
}

/// Whether rows reach somebody.
fn reaches(tenant: &Tenant, rows: &[String], wanted: &str, everybody: &str) -> bool {
    let within = |sign: &str| {
        rows.iter().any(|row| match row.split_at(1) {
            (first, group) if first == sign => {
                let group = group.parse().expect("a number");
                holds(tenant, group, wanted, &mut BTreeSet::new())
            }
            _ => false,
        })
    };
    let includes = within("+") || rows.iter().any(|row| row == everybody);
    includes && !within("-")
}

async fn counted(world: &World, text: &str) -> (Plan, Members, usize) {
    let plan = world.plan(text).await;
    let names = lock(&world.names).clone();
    let before = world.wire.log().len();
    let needs = members::needs(&plan, &names, true, false, 20_000);
    let population = world.reader().population(&needs).await.expect("numbers");
    let counted = Members::count(&plan, &names, &population, true);
    (plan, counted, world.wire.log().len() - before)
}

#[tokio::test(start_paused = true)]
async fn gains_and_losses_are_those_of_every_single_device_and_user() {
    let mut compared = 0;
    for seed in 0..150 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tenant = tenant(&mut random);
        let (before, after) = (rows(&mut random), rows(&mut random));
        let policy = tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
        let groups: Vec<String> = tenant.groups.iter().map(|group| group.id.clone()).collect();
        let policy = tenant.policy_mut(Collection::CONFIGURATION_POLICIES, &policy);
        let policy = policy.expect("just added");
        for row in &before {
            let group = |number: &str| groups[number.parse::<usize>().expect("a number")].clone();
            policy.assign(match row.split_at(1) {
                ("+", number) => target::group(&group(number)),
                ("-", number) => target::exclusion_group(&group(number)),
                ("d", _) => target::all_devices(),
                _ => target::all_users(),
            });
        }
        let world = World::new(tenant.clone());
        let (plan, members, _) = counted(&world, &manifest(&after)).await;
        let Some(policy) = plan.changed().next() else {
            continue;
        };
        let reach = members.of(policy).expect("numbers").reach.expect("a reach");
        let difference = |kind: &str, everybody: &str, more: &[String], less: &[String]| {
            let ids = (0..8).map(|number| id(kind, number));
            let found = ids.filter(|id| {
                reaches(&tenant, more, id, everybody) && !reaches(&tenant, less, id, everybody)
            });
            u64::try_from(found.count()).ok()
        };
        let said = (
            (reach.gained.devices, reach.lost.devices),
            (reach.gained.users, reach.lost.users),
        );
        let expected = (
            (
                difference("device", "d", &after, &before),
                difference("device", "d", &before, &after),
            ),
            (
                difference("user", "u", &after, &before),
                difference("user", "u", &before, &after),
            ),
        );
        assert_eq!(said, expected, "seed {seed}: {before:?} to {after:?}");
        compared += 1;
    }
    assert!(compared > 100);
}

/// Of each group: one part for each kind, one for what it is like, and its pages. Beside them the two
/// overviews.
#[tokio::test(start_paused = true)]
async fn counting_takes_few_requests_however_many_policies_there_are() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut tenant = tenant(&mut random);
    for number in 0..30 {
        tenant.add_policy(
            Collection::CONFIGURATION_POLICIES,
            &format!("P{number}"),
            "windows10",
        );
    }
    let world = World::new(tenant);
    let text = "version: 1\npolicies:\n  - {kind: configurationPolicy, match: 'P*', include: [{group: G0}, {group: G1}, allUsers, allDevices]}\n";
    let (plan, _, requests) = counted(&world, text).await;
    assert_eq!(plan.changed().count(), 30);
    let (counts, traits, sets, overviews) = (1, 1, 2, 2);
    assert_eq!(requests, counts + traits + sets + overviews);
    // The counts came as parts: two of each group.
    let members = world.service.with_machine(|machine| {
        let by_path = &machine.statistics().by_path;
        let parts = by_path.iter().filter(|(path, _)| path.ends_with("$count"));
        parts.map(|(_, number)| *number).sum::<u64>()
    });
    assert_eq!(members, 2 * 2);
}

#[tokio::test(start_paused = true)]
async fn counting_ends_after_a_minute_and_what_did_not_come_is_unknown() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut tenant = tenant(&mut random);
    tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
    tenant.service.latency = 25.0;
    let world = World::new(tenant);
    let text =
        "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P, include: [{group: G0}]}\n";
    let plan = world.plan(text).await;
    let names = lock(&world.names).clone();
    world
        .service
        .with_machine(|machine| machine.tenant_mut().service.latency = 70.0);
    let needs = members::needs(&plan, &names, true, false, 20_000);
    let begin = tokio::time::Instant::now();
    let population = world.reader().population(&needs).await.expect("numbers");
    assert!(begin.elapsed().as_secs() <= 61);
    let members = Members::count(&plan, &names, &population, true);
    let policy = plan.changed().next().expect("a change");
    let members = members.of(policy).expect("numbers");
    assert_eq!(members.changes[0].devices, None);
    assert_eq!(
        members.changes[0].reason.map(|reason| reason.name()),
        Some("timeout")
    );
    assert_eq!(members.reach.expect("a reach").lost.sum(), None);
}
