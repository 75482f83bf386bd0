//! Who gains and who loses a policy, compared with a look at every device and user of random tenants; and
//! what counting costs.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use assignctl::graph::transport::Response;
use assignctl::plan::Plan;
use assignctl::plan::members::{self, Members, Wanted};
use assignctl_sandbox::{Collection, Device, Request, Tenant, User, target};
use serde_json::Map;

use super::support::wire::{Act, lock};
use super::support::world::World;

const GROUPS: usize = 4;

fn exact() -> Wanted {
    Wanted {
        exact: true,
        limit: 20_000,
        ..Wanted::default()
    }
}

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

/// Whether a group holds someone, by itself or through others.
fn holds(tenant: &Tenant, group: usize, wanted: &str, seen: &mut BTreeSet<usize>) -> bool {
    if !seen.insert(group) {
        return false;
    }
    tenant.groups[group].members.iter().any(|member| {
        let inner = tenant.groups.iter().position(|known| known.id == *member);
        member == wanted || inner.is_some_and(|inner| holds(tenant, inner, wanted, seen))
    })
}

/// Whether rows reach someone.
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
    let needs = members::needs(&plan, &names, exact());
    let population = world.reader().population(&needs).await.expect("numbers");
    let counted = Members::count(&plan, &names, &population, true);
    (plan, counted, world.wire.log().len() - before)
}

#[tokio::test(start_paused = true)]
async fn gains_and_losses_are_those_of_every_single_device_and_user() {
    let (mut compared, mut exact_ones) = (0, 0);
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
        if reach.exact {
            assert_eq!(said, expected, "seed {seed}: {before:?} to {after:?}");
            exact_ones += 1;
        }
        // Where all devices or users come or go, no one knows which members of groups are among them.
        let is_most = said.0.0 >= expected.0.0
            && said.0.1 >= expected.0.1
            && said.1.0 >= expected.1.0
            && said.1.1 >= expected.1.1;
        assert!(is_most, "seed {seed}: {before:?} to {after:?}: {said:?}");
        compared += 1;
    }
    assert!(compared > 100 && exact_ones > 40, "{compared} {exact_ones}");
}

/// Whether rows with filters get a device the policy: of those that mean it, one with a filter in mode
/// exclude beats one without, and that one with a filter in mode include.
fn filtered_reaches(tenant: &Tenant, rows: &[String], wanted: &str, matches: &[bool; 2]) -> bool {
    let parts = |row: &String| {
        let (row, filter) = row.split_once('|').unwrap_or((row, ""));
        (row.to_owned(), filter.to_owned())
    };
    let rows: Vec<(String, String)> = rows.iter().map(parts).collect();
    let means = |row: &str| reaches(tenant, &[row.to_owned()], wanted, "d");
    let excluded = rows.iter().any(|(row, _)| {
        let inner = row.replace('-', "+");
        row.starts_with('-') && means(&inner)
    });
    if excluded {
        return false;
    }
    let meant: Vec<&str> = rows
        .iter()
        .filter(|(row, _)| !row.starts_with('-') && means(row))
        .map(|(_, filter)| filter.as_str())
        .collect();
    let of = |mode: &str| -> Vec<bool> {
        let filters = meant.iter().filter_map(|filter| filter.strip_prefix(mode));
        filters
            .map(|number| matches[number.parse::<usize>().expect("a number")])
            .collect()
    };
    let (exclude, include) = (of("x"), of("i"));
    match (exclude.as_slice(), meant.contains(&"")) {
        ([], true) => true,
        ([], false) => include.contains(&true),
        (exclude, _) => !exclude.contains(&true),
    }
}

fn filtered_manifest(rows: &[String]) -> String {
    let (mut include, mut exclude) = (String::new(), String::new());
    for row in rows {
        let (row, filter) = row.split_once('|').unwrap_or((row, ""));
        let filter = match filter.split_at_checked(1) {
            Some(("x", number)) => format!(", filter: F{number}, filterMode: exclude"),
            Some((_, number)) => format!(", filter: F{number}"),
            None => String::new(),
        };
        match row.split_at(1) {
            ("+", group) => write!(include, "{{group: G{group}{filter}}}, "),
            ("-", group) => write!(exclude, "{{group: G{group}}}, "),
            _ => write!(include, "{{allDevices: true{filter}}}, "),
        }
        .expect("memory");
    }
    format!(
        "version: 1\npolicies:\n  - {{kind: configurationPolicy, name: P, include: [{include}], exclude: [{exclude}]}}\n"
    )
}

/// Whatever filters match, no more gain and lose a policy than is said, and as many where it is said to be exact.
#[tokio::test(start_paused = true)]
async fn filters_let_through_no_more_than_is_said() {
    let (mut compared, mut exact_ones) = (0, 0);
    for seed in 0..120 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tenant = tenant(&mut random);
        tenant.add_filter("F0", "windows10AndLater", "(device.model -eq \"a\")");
        tenant.add_filter("F1", "windows10AndLater", "(device.model -eq \"b\")");
        let mut some_rows = || {
            let mut rows = rows(&mut random);
            rows.retain(|row| row != "u");
            for row in &mut rows {
                if !row.starts_with('-') {
                    row.push_str(["", "", "|i0", "|i1", "|x0", "|x1"][random.usize(0..6)]);
                }
            }
            rows
        };
        let (before, after) = (some_rows(), some_rows());
        tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
        let world = World::new(tenant.clone());
        if before.iter().all(|row| row.starts_with('-'))
            || world.try_plan(&filtered_manifest(&before)).await.is_err()
        {
            continue;
        }
        world.converge(&filtered_manifest(&before)).await;
        let (plan, members, _) = counted(&world, &filtered_manifest(&after)).await;
        let Some(policy) = plan.changed().next() else {
            continue;
        };
        let reach = members.of(policy).expect("numbers").reach.expect("a reach");
        for _ in 0..8 {
            let matching: Vec<[bool; 2]> = (0..8).map(|_| [random.bool(), random.bool()]).collect();
            let difference = |more: &[String], less: &[String]| {
                let devices = (0..8).filter(|number| {
                    let device = id("device", *number);
                    let reaches =
                        |rows| filtered_reaches(&tenant, rows, &device, &matching[*number]);
                    reaches(more) && !reaches(less)
                });
                u64::try_from(devices.count()).expect("a number")
            };
            let (gained, lost) = (difference(&after, &before), difference(&before, &after));
            let said = (reach.gained.devices, reach.lost.devices);
            let (most_gained, most_lost) = (said.0.expect("known"), said.1.expect("known"));
            let told =
                format!("seed {seed}: {before:?} to {after:?}: {said:?}, {gained} and {lost}");
            assert!(gained <= most_gained && lost <= most_lost, "{told}");
            if reach.exact {
                assert_eq!((gained, lost), (most_gained, most_lost), "{told}");
                exact_ones += 1;
            }
        }
        compared += 1;
    }
    assert!(compared > 50 && exact_ones > 50, "{compared} {exact_ones}");
}

/// An app's row in short words: `r+2` is group 2 with intent required, `a-2` an exclusion with intent available.
fn app_rows(random: &mut fastrand::Rng) -> Vec<String> {
    let mut rows = Vec::new();
    for group in 0..GROUPS {
        match random.u8(0..6) {
            0 | 1 => rows.push(format!("r+{group}")),
            2 => rows.push(format!("a+{group}")),
            3 => rows.push(format!("r-{group}")),
            4 => rows.push(format!("a-{group}")),
            _ => {}
        }
    }
    for word in ["ru", "au", "rd"] {
        if random.u8(0..5) == 0 {
            rows.push(word.to_owned());
        }
    }
    rows
}

fn app_manifest(rows: &[String]) -> String {
    let (mut include, mut exclude) = (String::new(), String::new());
    for row in rows {
        let (intent, row) = row.split_at(1);
        let intent = match intent {
            "r" => "required",
            _ => "available",
        };
        match row.split_at(1) {
            ("+", group) => write!(include, "{{group: G{group}, intent: {intent}}}, "),
            ("-", group) => write!(exclude, "{{group: G{group}, intent: {intent}}}, "),
            ("d", _) => write!(include, "{{allDevices: true, intent: {intent}}}, "),
            _ => write!(include, "{{allUsers: true, intent: {intent}}}, "),
        }
        .expect("memory");
    }
    format!(
        "version: 1\npolicies:\n  - {{kind: mobileApp, name: P, include: [{include}], exclude: [{exclude}]}}\n"
    )
}

/// An app reaches whom one of its intents reaches.
fn app_reaches(tenant: &Tenant, rows: &[String], wanted: &str, everybody: &str) -> bool {
    ["r", "a"].iter().any(|intent| {
        let rows = rows.iter().filter_map(|row| row.strip_prefix(*intent));
        let rows: Vec<String> = rows.map(str::to_owned).collect();
        reaches(tenant, &rows, wanted, everybody)
    })
}

#[tokio::test(start_paused = true)]
async fn gains_and_losses_of_an_app_are_those_of_its_intents_together() {
    let mut compared = 0;
    for seed in 0..80 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut tenant = tenant(&mut random);
        let (before, after) = (app_rows(&mut random), app_rows(&mut random));
        let apps = Collection::named("mobileApps").expect("apps");
        tenant.add_policy(apps, "P", "win32LobApp");
        let world = World::new(tenant.clone());
        // The first manifest makes what is live before the second.
        if !before.is_empty() && world.try_plan(&app_manifest(&before)).await.is_ok() {
            world.converge(&app_manifest(&before)).await;
        } else {
            continue;
        }
        if world.try_plan(&app_manifest(&after)).await.is_err() {
            continue;
        }
        let (plan, members, _) = counted(&world, &app_manifest(&after)).await;
        let Some(policy) = plan.changed().next() else {
            continue;
        };
        let reach = members.of(policy).expect("numbers").reach.expect("a reach");
        for (kind, everybody, said) in [
            ("device", "d", (reach.gained.devices, reach.lost.devices)),
            ("user", "u", (reach.gained.users, reach.lost.users)),
        ] {
            let difference = |more: &[String], less: &[String]| {
                let ids = (0..8).map(|number| id(kind, number));
                let found = ids.filter(|id| {
                    app_reaches(&tenant, more, id, everybody)
                        && !app_reaches(&tenant, less, id, everybody)
                });
                u64::try_from(found.count()).ok()
            };
            let expected = (difference(&after, &before), difference(&before, &after));
            let of = format!("seed {seed} {kind}: {before:?} to {after:?}");
            assert!(!reach.exact || said == expected, "{of}: {said:?}");
            let is_most = said.0 >= expected.0 && said.1 >= expected.1;
            assert!(is_most, "{of}: {said:?}");
        }
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}

/// What counting costs: the parts of batches (two counts a group, 15 groups a part for what they are like,
/// one more a dynamic group), pages of 999 members, and the two overviews.
fn formula(groups: usize, dynamic: usize, members: &[usize], everybody: usize) -> usize {
    let batches = |parts: usize| parts.div_ceil(20);
    let pages = members.iter().map(|size| size.div_ceil(999).max(1));
    batches(2 * groups)
        + batches(groups.div_ceil(15))
        + batches(dynamic)
        + pages.sum::<usize>()
        + everybody
}

#[tokio::test(start_paused = true)]
async fn counting_takes_as_many_requests_as_the_formula_says_however_many_policies_there_are() {
    for (sizes, dynamic, policies) in [
        (vec![3, 0], 0, 30),
        (vec![1; 10], 0, 1),
        (vec![1; 11], 3, 2),
        (vec![2; 31], 25, 3),
        (vec![1000, 999, 1999], 0, 4),
    ] {
        let mut tenant = Tenant::empty();
        let most = sizes.iter().max().copied().unwrap_or_default();
        for number in 0..most {
            tenant.devices.push(Device {
                id: id("device", number),
                display_name: "D".to_owned(),
                properties: Map::new(),
            });
        }
        let mut include = String::from("allUsers, allDevices");
        for (number, size) in sizes.iter().enumerate() {
            let name = format!("G{number}");
            tenant.add_group(&name);
            write!(include, ", {{group: {name}}}").expect("memory");
            let group = &mut tenant.groups[number];
            group.members = (0..*size).map(|number| id("device", number)).collect();
            if number < dynamic {
                let types = serde_json::json!(["DynamicMembership"]);
                group.properties.insert("groupTypes".to_owned(), types);
                let rule = serde_json::json!("(device.model -eq \"x\")");
                group.properties.insert("membershipRule".to_owned(), rule);
            }
        }
        for number in 0..policies {
            let name = format!("P{number}");
            tenant.add_policy(Collection::CONFIGURATION_POLICIES, &name, "windows10");
        }
        let world = World::new(tenant);
        let text = format!(
            "version: 1\npolicies:\n  - {{kind: configurationPolicy, match: 'P*', include: [{include}]}}\n"
        );
        let (plan, _, requests) = counted(&world, &text).await;
        assert_eq!(plan.changed().count(), policies);
        let expected = formula(sizes.len(), dynamic, &sizes, 2);
        assert_eq!(requests, expected, "{sizes:?}");
        // A part for a count and kind, and no more.
        let counts = world.service.with_machine(|machine| {
            let by_path = &machine.statistics().by_path;
            let parts = by_path
                .iter()
                .filter(|(path, _)| path.contains("/groups") || path.contains("groups/"));
            let parts = parts.filter(|(path, _)| path.ends_with("$count"));
            parts.map(|(_, number)| *number).sum::<u64>()
        });
        assert_eq!(usize::try_from(counts).ok(), Some(2 * sizes.len()));
    }
}

/// No more members are read than allowed: the smallest groups first.
#[tokio::test(start_paused = true)]
async fn no_more_members_are_read_than_allowed() {
    let mut tenant = Tenant::empty();
    for number in 0..30 {
        tenant.devices.push(Device {
            id: id("device", number),
            display_name: "D".to_owned(),
            properties: Map::new(),
        });
    }
    for (number, size) in [10, 20, 30].into_iter().enumerate() {
        tenant.add_group(&format!("G{number}"));
        tenant.groups[number].members = (0..size).map(|number| id("device", number)).collect();
    }
    tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
    let world = World::new(tenant);
    let text = "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P, include: [{group: G0}, {group: G1}, {group: G2}]}\n";
    let plan = world.plan(text).await;
    let names = lock(&world.names).clone();
    for (limit, read) in [(9, 0), (10, 1), (29, 1), (30, 2), (59, 2), (60, 3)] {
        let needs = members::needs(&plan, &names, Wanted { limit, ..exact() });
        let population = world.reader().population(&needs).await.expect("numbers");
        assert_eq!(population.sets.len(), read, "{limit}");
        let members = Members::count(&plan, &names, &population, true);
        let policy = plan.changed().next().expect("a change");
        let reach = members.of(policy).and_then(|members| members.reach);
        let reach = reach.expect("a reach");
        assert_eq!(reach.gained.devices, (read == 3).then_some(30));
        // The counts are there all the same.
        assert!(
            population
                .counts
                .values()
                .all(|count| count.devices.is_some())
        );
    }
}

/// A change of the last minutes is not in the counts yet, and is in the members themselves.
#[tokio::test(start_paused = true)]
async fn counts_lag_behind_and_members_do_not() {
    let mut tenant = Tenant::empty();
    tenant.devices.push(Device {
        id: id("device", 0),
        display_name: "D".to_owned(),
        properties: Map::new(),
    });
    tenant.add_group("G0");
    tenant.service.membership_lag = 120.0;
    tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
    let group = tenant.groups[0].id.clone();
    let world = World::new(tenant);
    let member = format!(
        "https://graph.microsoft.com/beta/directoryObjects/{}",
        id("device", 0)
    );
    let request = Request {
        method: "POST".to_owned(),
        target: format!("/beta/groups/{group}/members/$ref"),
        headers: vec![
            ("authorization".to_owned(), "Bearer opaque".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: serde_json::json!({"@odata.id": member})
            .to_string()
            .into_bytes(),
    };
    let answer = world
        .service
        .with_machine(|machine| machine.answer(&request, Duration::ZERO, SystemTime::UNIX_EPOCH));
    assert_eq!(answer.status, 204);
    let text =
        "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P, include: [{group: G0}]}\n";
    let plan = world.plan(text).await;
    let names = lock(&world.names).clone();
    let count = async |wanted: Wanted| {
        let needs = members::needs(&plan, &names, wanted);
        let population = world.reader().population(&needs).await.expect("numbers");
        let count = population.counts[&group];
        (count.devices, count.exact)
    };
    let counts = Wanted {
        exact: false,
        ..exact()
    };
    assert_eq!(count(counts).await, (Some(0), false));
    assert_eq!(count(exact()).await, (Some(1), true));
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(count(counts).await, (Some(1), false));
}

/// Whatever becomes of the requests, there are numbers or reasons, and no number is made up.
#[tokio::test(start_paused = true)]
async fn a_failing_read_of_members_never_ends_a_run_and_is_never_zero() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut tenant = tenant(&mut random);
    tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "windows10");
    let world = World::new(tenant);
    let text = "version: 1\npolicies:\n  - {kind: configurationPolicy, name: P, include: [{group: G0}, allUsers, allDevices]}\n";
    let plan = world.plan(text).await;
    let names = lock(&world.names).clone();
    for status in [400_u16, 403, 404, 429, 500, 503] {
        world.wire.rule(move |_| {
            Act::alter(move |response: &mut Response| {
                response.status = status;
                response.body = b"{\"error\":{\"code\":\"x\",\"message\":\"y\"}}".to_vec();
            })
        });
        let needs = members::needs(&plan, &names, exact());
        let population = world.reader().population(&needs).await.expect("numbers");
        let members = Members::count(&plan, &names, &population, true);
        let policy = plan.changed().next().expect("a change");
        let members = members.of(policy).expect("numbers");
        for count in &members.changes {
            assert!(
                count.devices.is_none() || count.users.is_none(),
                "{status}: {count:?}"
            );
            assert!(count.devices.unwrap_or_default() + count.users.unwrap_or_default() == 0);
        }
        let reach = members.reach.expect("a reach");
        // What is only added takes the policy from no one, whoever is in the groups.
        assert_eq!(
            (reach.gained.sum(), reach.lost.sum()),
            (None, Some(0)),
            "{status}"
        );
    }
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
    let needs = members::needs(&plan, &names, exact());
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
    assert_eq!(members.reach.expect("a reach").gained.sum(), None);
}
