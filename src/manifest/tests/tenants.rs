//! Manifests for several tenants: what each of them is given, and what is wrong for which.

use std::fmt::Write as _;

use snapbox::{assert_data_eq, str};

use super::{faults, read, table};
use crate::export;
use crate::manifest::tenants::is_tenant_name;

/// Two tenants with labels, and one entry; variable parts are put in.
fn with(tenant: &str, entries: &str) -> String {
    let tenant = tenant.replace('\n', "\n    ");
    format!(
        "version: 1\ntenants:\n  a:\n    tenantId: a.example\n    labels: [gold, eu]\n    {tenant}\n  \
         b:\n    tenantId: b.example\n    labels: [eu]\npolicies:\n{entries}"
    )
}

/// Returns what a manifest says for a tenant, without its head.
fn merged(text: &str, name: &str) -> String {
    let loaded = read(&[text]);
    assert_eq!(faults(&loaded), "", "{text}");
    let own = loaded.of_tenant(name).expect("a tenant");
    let text = export::merged(&own.tenants[0], &own.manifest);
    let again = read(&[&text]);
    assert_eq!(faults(&again), "", "{text}");
    let twice = export::merged(&own.tenants[0], &again.manifest);
    assert_eq!(text, twice, "a merged manifest says the same");
    text.split_once("policies:\n").expect("a head").1.to_owned()
}

/// Says what is wrong with what the tenant `a` has of its own, which begins in line 6, for a baseline.
fn of_a(tenant: &str) -> String {
    faults(&read(&[&with(
        tenant,
        "- {kind: configurationPolicy, name: Win - A, include: [allUsers]}\n\
         - {kind: compliancePolicy, match: 'Win - *', include: [allUsers]}\n",
    )]))
}

/// Says what is wrong with an entry that begins in line 10, for two tenants.
fn of_entry(entry: &str) -> String {
    faults(&read(&[&with(
        "",
        &format!("- {{kind: configurationPolicy, {entry}}}\n"),
    )]))
}

#[test]
fn variables_stand_in_names_and_nowhere_else() {
    let text = "version: 1\nvars: {ring: Pilot, filter: Corp, empty: ''}\n\
        targets:\n  pilot:\n    include: [{group: 'SG-${ring}', filter: '${filter} PCs'}]\n\
        tenants:\n  a: {tenantId: a.example}\n  b: {tenantId: b.example, vars: {ring: Ring 1}}\n\
        policies:\n- kind: configurationPolicy\n  match: '${empty}Win - ${ring} *'\n  except: ['* ${filter}']\n  \
        use: [pilot]\n  include: [{collection: 'C-${ring}'}]\n  exclude: [{group: '$${ring}'}]\n\
        - kind: configurationPolicy\n  name: 'P ${ring}'\n  include: [allDevices]\n";
    let expected = "  - kind: configurationPolicy
    match: Win - RING *
    except:
      - \"* Corp\"
    include:
      - collection: C-RING
      - group: SG-RING
        filter: Corp PCs
    exclude:
      - group: $${ring}

  - kind: configurationPolicy
    name: P RING
    include:
      - allDevices: true
";
    assert_eq!(merged(text, "a"), expected.replace("RING", "Pilot"));
    assert_eq!(merged(text, "b"), expected.replace("RING", "Ring 1"));
    // Without tenants they are as good.
    let single = text.split("tenants:\n").next().expect("a part").to_owned()
        + "policies:\n- {kind: configurationPolicy, name: '${ring}${empty}', use: [pilot]}\n";
    let loaded = read(&[&single]);
    assert_eq!(faults(&loaded), "");
    let selector = format!("{:?}", loaded.manifest.entries[0].selector);
    assert!(selector.contains("\"Pilot\""), "{selector}");
}

#[test]
fn entries_and_targets_are_for_the_tenants_that_they_name() {
    let text = with(
        "",
        "- kind: configurationPolicy\n  name: P\n  include:\n  - {group: gold, onlyTenants: [gold]}\n  \
         - {group: all, optional: true}\n  - {group: not-a, exceptTenants: [a]}\n  \
         exclude: [{group: labelled, onlyTenants: ['label:eu']}]\n\
         - {kind: configurationPolicy, name: Q, include: [allUsers], exceptTenants: [a]}\n\
         - {kind: configurationPolicy, name: R, include: [allUsers], onlyTenants: [eu], exceptTenants: [b]}\n",
    );
    let a = merged(&text, "a");
    assert_eq!(
        a,
        "  - kind: configurationPolicy
    name: P
    include:
      - group: gold
      - group: all
        optional: true
    exclude:
      - group: labelled

  - kind: configurationPolicy
    name: R
    include:
      - allUsers: true
"
    );
    let b = merged(&text, "b");
    assert!(b.contains("not-a") && !b.contains("gold"), "{b}");
    assert!(b.contains("name: Q") && !b.contains("name: R"), "{b}");
}

#[test]
fn what_is_skipped_is_left_out_and_not_emptied() {
    let entries = "- {kind: configurationPolicy, name: Win - Kiosk 1, include: [allUsers]}\n\
        - {kind: configurationPolicy, name: Win - A, include: [allUsers]}\n\
        - {kind: [configurationPolicy, compliancePolicy], match: 'Win - *', include: [allDevices]}\n\
        - {kind: configurationPolicy, match: 'Win - Kiosk 2*', include: [allDevices]}\n\
        - {kind: configurationPolicy, match: 'macOS - *', include: [allDevices]}\n";
    let tenant = "skip:\n- {match: 'Win - Kiosk*', kind: configurationPolicy, reason: no kiosks}\n\
        - {name: Win - B}";
    assert_eq!(
        merged(&with(tenant, entries), "a"),
        "  - kind: configurationPolicy
    name: Win - A
    include:
      - allUsers: true

  - kind: compliancePolicy
    match: Win - *
    except:
      - Win - B
    include:
      - allDevices: true

  - kind: configurationPolicy
    match: Win - *
    except:
      - Win - Kiosk*
      - Win - B
    include:
      - allDevices: true

  - kind: configurationPolicy
    match: macOS - *
    include:
      - allDevices: true
"
    );
}

#[test]
fn what_is_added_is_added_to_what_the_baseline_selects() {
    let entries = "- {kind: configurationPolicy, name: Win - A, include: [allUsers]}\n\
        - {kind: configurationPolicy, match: 'Win - S*', except: ['*old'], mode: additive, include: [allUsers]}\n\
        - {kind: configurationPolicy, match: '* Kiosk', include: [allUsers]}\n\
        - {kind: configurationPolicy, name: macOS - A, include: [allUsers]}\n\
        - {kind: compliancePolicy, match: '*', include: [allUsers]}\n";
    let tenant = "add:\n- match: 'Win - *'\n  kind: configurationPolicy\n  except: ['*no']\n  \
        exclude: [{group: CEO}]\n  reason: board laptops\n\
        - {name: Win - A, kind: compliancePolicy, include: [allDevices]}";
    let merged = merged(&with(tenant, entries), "a");
    let added = merged.split_once("compliancePolicy\n    match: \"*\"");
    let (_, added) = added.expect("the baseline's entries come first");
    assert_eq!(
        added,
        "
    include:
      - allUsers: true

  - kind: configurationPolicy
    name: Win - A
    exclude:
      - group: CEO

  - kind: configurationPolicy
    match: Win - S*
    except:
      - \"*old\"
      - \"*no\"
    mode: additive
    exclude:
      - group: CEO

  - kind: configurationPolicy
    match: Win - * Kiosk
    except:
      - \"*no\"
    exclude:
      - group: CEO

  - kind: configurationPolicy
    match: Win - Kiosk
    except:
      - \"*no\"
    exclude:
      - group: CEO

  - kind: compliancePolicy
    name: Win - A
    include:
      - allDevices: true
"
    );
}

#[test]
fn properties_come_out_as_they_went_in() {
    let entries = "- kind: mobileApp\n  name: App\n  type: win32LobApp\n  intent: required\n  \
        settings: {notifications: hideAll, restartSettings: null}\n  include:\n  - {allUsers: true, source: policySets, sourceId: s}\n  exclude: [{group: X}]\n\
        - kind: deviceHealthScript\n  name: Clean\n  runRemediationScript: false\n  \
        runSchedule: {type: daily, interval: 1, time: '02:00:00', useUtc: true}\n  include:\n  \
        - {group: G, filter: F, filterMode: exclude}\n\
        - {kind: configurationPolicy, name: N, mode: additive, absent: [{group: gone, optional: true}]}\n";
    assert_data_eq!(
        merged(&with("", entries), "a"),
        str![[r#"
  - kind: mobileApp
    name: App
    type: win32LobApp
    include:
      - allUsers: true
        source: policySets
        sourceId: s
        intent: required
        settings: {notifications: hideAll, restartSettings: null}
    exclude:
      - group: X
        intent: required

  - kind: deviceHealthScript
    name: Clean
    include:
      - group: G
        filter: F
        filterMode: exclude
        runSchedule: {interval: 1, time: "02:00:00", type: daily, useUtc: true}
        runRemediationScript: false

  - kind: configurationPolicy
    name: "N"
    mode: additive
    include: []
    absent:
      - group: gone
        optional: true

"#]]
    );
}

#[test]
fn faults_of_tenants() {
    assert_data_eq!(
        table(
            of_a,
            &[
                "tenantID: x",
                "cloud: german",
                "clientId: me",
                "vars: {a b: x, c: ~, d: [x]}",
                "vars: {unused: x}",
                "skip: [{match: 'Mac*'}]",
                "skip: [{id: x}]",
                "skip: [{match: 'Win*', except: [x], name: y}]",
                "add: [{match: 'Mac*', include: [allUsers]}]",
                "add: [{name: Win - A, kind: configurationPolicy, mode: exact, include: [{group: '${x}'}]}]",
                "add: [{match: '*', kind: compliancePolicy}]",
                "add: [{match: '*', include: [{group: x, intent: required}]}]",
                "add: [{name: Win - A, use: [x]}]",
                "skip: {}\nadd: x",
            ],
        ),
        str![[r#"

<tenantID: x>
    6:5+8 unknown-key unknown key `tenantID` in the tenant `a` | did you mean `tenantId`?

<cloud: german>
    6:12+6 unknown-cloud unknown cloud `german` | use `public`, `usgov`, `usgov-dod` or `china`

<clientId: me>
    6:15+2 bad-guid `clientId` must be a GUID, not `me` | take the application (client) id of the app registration

<vars: {a b: x, c: ~, d: [x]}>
    6:12+3 bad-variable-name `a b` cannot name a variable | use letters, digits, `_` and `-`, and a letter or `_` first
    6:23+1 wrong-type `c` must be text, not nothing
    6:29+1 wrong-type `d` must be text, not a list

<vars: {unused: x}>
    6:12+6 unused-variable the variable `unused` is not used, in the tenant `a` | variables are written as `${name}` in names of policies, groups, filters and collections

<skip: [{match: 'Mac*'}]>
    6:20+6 skip-without-entry no entry selects what is skipped here, in the tenant `a` | check the name or the glob, or remove it

<skip: [{id: x}]>
    6:13+2 no-selector the entry does not say which policies it means, in the tenant `a` | add `name`, `id` or `match`
    6:13+2 unknown-key unknown key `id` in an entry of `skip`, in the tenant `a` | use `kind`, `name`, `match` or `reason`

<skip: [{match: 'Win*', except: [x], name: y}]>
    6:28+6 unknown-key unknown key `except` in an entry of `skip`, in the tenant `a` | use `kind`, `name`, `match` or `reason`
    6:41+4 several-selectors an entry takes exactly one of `name`, `id` and `match`, in the tenant `a` |     6:13+5 the first | keep one, or write several entries

<add: [{match: 'Mac*', include: [allUsers]}]>
    6:19+6 add-without-entry no entry selects the policies that this adds to, in the tenant `a` | what `add` lists adds targets to policies of the baseline; write an entry with `onlyTenants` for others

<add: [{name: Win - A, kind: configurationPolicy, mode: exact, include: [{group: '${x}'}]}]>
    6:54+4 unknown-key unknown key `mode` in an entry of `add`, in the tenant `a` | use `kind`, `name`, `match`, `except`, `type`, `intent`, `settings`, `runSchedule`, `runRemediationScript`, `use`, `include`, `exclude` or `reason`
    6:85+6 unknown-variable unknown variable `x`, in the tenant `a` | define it below `vars`, in any file of the run; write `$${` for a literal `${`

<add: [{match: '*', kind: compliancePolicy}]>
    6:12+5 nothing-to-do an addition without targets adds nothing, in the tenant `a` | add `include`, `exclude` or `use`, or remove it

<add: [{match: '*', include: [{group: x, intent: required}]}]>
    6:45+6 property-not-allowed an assignment of a compliancePolicy has no `intent`, in the tenant `a` | `intent` goes with the kind `mobileApp`
    6:45+6 property-not-allowed an assignment of a configurationPolicy has no `intent`, in the tenant `a` | `intent` goes with the kind `mobileApp`

<add: [{name: Win - A, use: [x]}]>
    6:33+1 unknown-target-set unknown target set `x`, in the tenant `a` | define it below `targets`, in any file of the run

<skip: {}
 add: x>
    6:11+1 wrong-type `skip` must be a list, not a mapping, in the tenant `a` | start each of its parts with `- `
    7:10+1 wrong-type `add` must be a list, not `x`, in the tenant `a` | write `add: [x]`

"#]]
    );
}

#[test]
fn faults_of_entries_and_variables() {
    assert_data_eq!(
        table(
            of_entry,
            &[
                "name: P, include: [{group: '${x}'}]",
                "name: '${x', include: [{group: '${a b}'}]",
                "name: P, include: [allUsers], onlyTenants: [c]",
                "name: P, include: [allUsers], onlyTenants: []",
                "name: P, include: [allUsers], onlyTenants: [a], exceptTenants: [gold]",
                "name: P, include: [{allUsers: true, optional: true}]",
                "name: P, include: [{group: x, optional: maybe}]",
                "name: P, include: [{group: x, onlyTenants: [gold], filterMode: include}]",
                "name: P, include: [{group: x, onlyTenants: a}]",
            ],
        ),
        str![[r#"

<name: P, include: [{group: '${x}'}]>
    11:58+6 unknown-variable unknown variable `x` | define it below `vars`, in any file of the run; write `$${` for a literal `${`

<name: '${x', include: [{group: '${a b}'}]>
    11:37+5 bad-variable `${` without `}` | write `$${` for a literal `${`
    11:62+8 bad-variable `a b` cannot name a variable | write `$${` for a literal `${`

<name: P, include: [allUsers], onlyTenants: [c]>
    11:75+1 unknown-tenant no tenant or label is called `c` | did you mean `a`?

<name: P, include: [allUsers], onlyTenants: []>
    11:61+11 empty-value `onlyTenants` must not be empty

<name: P, include: [allUsers], onlyTenants: [a], exceptTenants: [gold]>
    3:3+1 no-entry-left no entry is left, so that nothing can be planned, in the tenant `a` | skip fewer policies, or remove the tenant
    7:3+1 no-entry-left no entry is left, so that nothing can be planned, in the tenant `b` | skip fewer policies, or remove the tenant
    11:4+4 no-tenant-left this applies to no tenant | what `onlyTenants` lists is listed by `exceptTenants` too

<name: P, include: [{allUsers: true, optional: true}]>
    11:67+8 optional-not-group `optional` without `group` or `groupId` | remove `optional`: only a group can be missing in a tenant

<name: P, include: [{group: x, optional: maybe}]>
    11:71+5 wrong-type `optional` must be `true` or `false`, not `maybe`

<name: P, include: [{group: x, onlyTenants: [gold], filterMode: include}]>
    11:82+10 filter-mode-without-filter `filterMode` without a filter, in the tenant `a` | add `filter` or `filterId`, or remove `filterMode`

<name: P, include: [{group: x, onlyTenants: a}]>
    11:74+1 wrong-type `onlyTenants` must be a list, not `a` | write `onlyTenants: [a]`

"#]]
    );
}

#[test]
fn each_fault_is_said_once_with_the_tenant_where_only_one_is_meant() {
    let text = "version: 1\nvars: {all: x}\ntenants:\n  a: {tenantId: a.example, vars: {g: A}}\n  \
        b: {tenantId: b.example, vars: {g: B}}\n  c: {tenantId: c.example}\n  d: {tenantId: d.example, vars: \
        {g: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}}\n  e: {tenantId: e.example, vars: {g: X}}\n\
        policies:\n- {kind: configurationPolicy, name: P, include: [{group: '${g}'}, {group: A}], exclude: \
        [{group: x}, {group: '${all}', onlyTenants: [b, c]}]}\n\
        - {kind: configurationPolicy, name: P, mod: exact, include: [{group: x, exceptTenants: [e]}]}\n";
    assert_data_eq!(
        faults(&read(&[text])),
        str![[r#"
a.yaml:10:58+6 guid-as-name `group` takes a display name, not a GUID, in the tenant `d` | write `groupId: 6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e`
a.yaml:10:58+6 unknown-variable unknown variable `g`, in the tenant `c` | define it below `vars`; known: `${all}`
a.yaml:10:98+1 included-and-excluded the group `x` is both included and excluded, in the tenant `e` | excluded | a.yaml:10:58+6 included | remove one of the two
a.yaml:11:40+3 unknown-key unknown key `mod` in a policy entry | did you mean `mode`?
a.yaml:11:70+1 included-and-excluded the group `x` is both included and excluded, in the tenants `a`, `b`, `c` and 1 more | included | a.yaml:10:98+1 excluded | remove one of the two

"#]]
    );
}

/// Reports, plans and folders are named after tenants, on Windows too.
#[test]
fn names_that_windows_reserves_cannot_name_a_tenant() {
    for name in ["con", "NUL", "aux.eu", "Com1", "lpt9.x"] {
        assert!(!is_tenant_name(name), "{name}");
    }
    for name in ["console", "com", "com0", "lpt10", "x.con", "nul-eu"] {
        assert!(is_tenant_name(name), "{name}");
    }
}

#[test]
fn tenants_of_all_files_belong_together() {
    let one = "version: 1\nvars: {x: 1}\ntenants: {a: {tenantId: A.example}}\n";
    let other = "version: 1\nvars: {x: 2}\ntenants:\n  A: {tenantId: a.example}\n  -x: {tenantId: nowhere}\n  y: {labels: [a, x y]}\n";
    let policies =
        "version: 1\npolicies:\n- {kind: configurationPolicy, name: '${x}', include: [allUsers]}\n";
    assert_data_eq!(
        faults(&read(&[one, other, policies])),
        str![[r#"
b.yaml:2:8+1 duplicate-variable the variable `x` is defined twice | a.yaml:2:8+1 first here | `vars` of all files belong together; keep one
b.yaml:4:3+1 duplicate-tenant the tenant `A` is defined twice | a.yaml:3:11+1 first here | tenants of all files belong together; keep one
b.yaml:4:17+9 duplicate-tenant the tenant id `a.example` is defined twice | a.yaml:3:25+9 first here | tenants of all files belong together; keep one
b.yaml:5:3+2 bad-tenant-name `-x` cannot name a tenant | use letters, digits, `_`, `-` and `.`, a letter or digit first, no `.` last, 64 characters at most, and no name that Windows reserves (such as `con` or `nul`)
b.yaml:5:18+7 bad-tenant-id `nowhere` is neither a GUID nor a domain | the tenant's GUID is on the overview page of Microsoft Entra ID
b.yaml:6:3+1 label-is-tenant `a` is a label and a tenant's name | a.yaml:3:11+1 the tenant | give the label another name
b.yaml:6:3+1 missing-key the tenant `y` has no `tenantId` | write `tenantId` with its GUID or one of its domains
b.yaml:6:19+3 bad-tenant-name `x y` cannot be a label | use letters, digits, `_`, `-` and `.`, a letter or digit first, no `.` last, 64 characters at most

"#]]
    );
}

#[test]
fn hostile_variables_and_tenants_are_bounded() {
    let long = "x".repeat(900);
    let text = format!(
        "version: 1\nvars: {{x: {long}}}\npolicies:\n- {{kind: configurationPolicy, name: '${{x}}${{x}}', \
         include: []}}\n"
    );
    let said = faults(&read(&[&text]));
    assert!(said.contains("too-long"), "{said}");
    let mut text =
        "version: 1\npolicies: [{kind: configurationPolicy, name: P, include: []}]\ntenants:\n"
            .to_owned();
    for number in 0..2_001 {
        let _ = writeln!(text, "  t{number}: {{tenantId: t{number}.example}}");
    }
    let said = faults(&read(&[&text]));
    assert!(said.contains("too-many-tenants"), "{said}");
}
