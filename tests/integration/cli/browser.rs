//! Issue 15, the page of `list --format html`, in a real browser. Without Chromium there is nothing to
//! test; `.ci/run` installs it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::support::World;
use super::support::browser::{self, Browser};
use super::support::tenant::Tenant;

/// Writes the page of a tenant, and opens a browser; `None` if there is no browser.
fn page(world: &World, options: &str) -> Option<Browser> {
    let browser = browser::find()?;
    let page = world.sandbox(&format!("list --format html {options}"));
    world.write("page.html", &page.exits(0).stdout);
    Some(Browser::start(&browser))
}

fn small() -> World {
    World::new(
        &Tenant::common()
            .policy("Alpha", &["+A", "-B"])
            .policy("Beta", &["allDevices [include F]", "-C"])
            .policy("Gamma 10", &[])
            .policy("Gamma 9", &["+C"]),
    )
}

const POLICIES: &str = "#list .row .cell:nth-child(2)";

#[test]
fn it_searches_sorts_and_keeps_its_state_in_the_address() {
    let world = small();
    let Some(mut page) = page(&world, "") else {
        return;
    };
    let file = world.path("page.html");
    page.open(&file, "");
    let all = ["Alpha", "Alpha", "Beta", "Beta", "Gamma 9", "Gamma 10"];
    assert_eq!(page.texts(POLICIES), all);
    assert_eq!(page.text("#count"), "5 assignments, 4 policies");
    page.press(&["/"]);
    page.write("gamma 9");
    assert_eq!(page.texts(POLICIES), ["Gamma 9"]);
    page.eval("document.querySelector('[data-sort=target]').click()");
    page.eval("document.querySelector('[data-sort=target]').click()");
    let address = page.eval("location.hash");
    assert_eq!(address, "#q=gamma+9&sort=target&desc=true");
    page.open(&file, "sort=target&desc=true");
    let targets = page.texts("#list .row .cell:nth-child(4)");
    let names = ["not assigned", "C", "C", "B", "All devices", "A"];
    assert_eq!(targets, names);
    let sorted = page.eval("document.querySelector('[aria-sort=descending]').textContent");
    assert_eq!(sorted, "Assigned to ↓");
    page.open(&file, "q=exclude");
    assert_eq!(page.texts(POLICIES), ["Alpha", "Beta"]);
    page.open(&file, "q=nothing+like+it");
    assert_eq!(page.text("#count"), "0 assignments, 0 policies");
    // Nothing comes from elsewhere.
    let from_disk = |url: &String| url.starts_with("file://");
    assert!(
        page.requested().iter().all(from_disk),
        "{:?}",
        page.requested()
    );
}

#[test]
fn the_keyboard_reaches_everything() {
    let world = small();
    let Some(mut page) = page(&world, "") else {
        return;
    };
    let file = world.path("page.html");
    page.open(&file, "q=alpha");
    page.press(&["/"]);
    assert_eq!(page.eval("document.activeElement.id"), "search");
    page.press(&["Escape"]);
    assert_eq!(page.eval("document.activeElement.id"), "list");
    page.press(&["ArrowDown"]);
    let detail = page.text("#detail");
    assert!(
        detail.contains("exclude B (bbbbbbbb-0000-4000-8000-000000000002)"),
        "{detail}"
    );
    page.press(&["Home", "Enter"]);
    assert!(page.text("#detail").contains("include A"));
    page.open(&file, "view=matrix");
    assert_eq!(page.text("#count"), "4 policies × 4 targets");
    assert_eq!(
        page.texts("#matrix .column"),
        ["All devices", "A", "B", "C"]
    );
    page.eval("document.getElementById('matrix').focus()");
    page.press(&["End"]);
    assert_eq!(page.text("#detail"), "Alpha is not assigned to C.");
    page.press(&["ArrowDown"]);
    assert!(
        page.text("#detail").contains("Beta"),
        "{}",
        page.text("#detail")
    );
    assert_eq!(page.text("#cell-active"), "✕");
    page.press(&["Home"]);
    assert_eq!(page.text("#cell-active"), "✓*");
    let label = "document.getElementById(document.activeElement.getAttribute('aria-activedescendant')).textContent";
    assert_eq!(page.eval(label), "✓*");
}

#[test]
fn it_is_light_and_dark() {
    let world = small();
    let Some(mut page) = page(&world, "") else {
        return;
    };
    let background = "getComputedStyle(document.body).backgroundColor";
    let (light, dark) = (json!("rgb(255, 255, 255)"), json!("rgb(13, 17, 23)"));
    page.open(&world.path("page.html"), "");
    page.prefer("light");
    assert_eq!(page.eval(background), light);
    page.prefer("dark");
    assert_eq!(page.eval(background), dark);
    page.eval("document.getElementById('theme').click()");
    assert_eq!(page.eval(background), light);
    page.eval("document.getElementById('theme').click()");
    page.prefer("light");
    assert_eq!(page.eval(background), dark);
}

#[test]
fn names_with_markup_are_text() {
    let evil = "</script><script>document.title='owned'</script>";
    let group = "<img src=x onerror=document.title='owned'> &amp; co";
    let tenant = Tenant::new()
        .group(group)
        .group("{{script}}")
        .policy(evil, &[&format!("+{group}"), "+{{script}}"]);
    let world = World::new(&tenant);
    let Some(mut page) = page(&world, "") else {
        return;
    };
    for view in ["list", "matrix"] {
        page.open(&world.path("page.html"), &format!("view={view}"));
        assert_eq!(page.eval("document.title"), "Intune assignments");
        assert_eq!(page.eval("document.scripts.length"), 2);
        assert_eq!(page.eval("document.images.length"), 0);
        let text = page.text(&format!("#{view}"));
        for name in [evil, group, "{{script}}"] {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
    // What would get in anyway does not run.
    page.eval("document.body.insertAdjacentHTML('beforeend', '<b onclick=\"document.title=1\" id=x></b>')");
    page.eval("document.getElementById('x').click()");
    assert_eq!(page.eval("document.title"), "Intune assignments");
}

/// A tenant with many policies and groups; each policy has five assignments.
fn large(policies: usize, groups: usize) -> World {
    let mut all = String::new();
    for number in 0..groups {
        let separator = if number == 0 { "" } else { "," };
        write!(
            all,
            "{separator}{{\"id\":\"bbbbbbbb-0000-4000-8000-{number:012}\",\"displayName\":\"Group {number}\"}}"
        )
        .expect("memory");
    }
    let groups_json: Value = serde_json::from_str(&format!("[{all}]")).expect("JSON");
    let policies: Vec<Value> = (0..policies)
        .map(|number| {
            let rows: Vec<Value> = (0..5)
                .map(|row| {
                    let group = (number * 7 + row * 101) % groups;
                    json!({"target": {
                        "@odata.type": "#microsoft.graph.groupAssignmentTarget",
                        "groupId": format!("bbbbbbbb-0000-4000-8000-{group:012}"),
                    }})
                })
                .collect();
            json!({
                "id": format!("aaaaaaaa-0000-4000-8000-{number:012}"),
                "name": format!("Policy {number}"),
                "platforms": "windows10",
                "assignments": rows,
            })
        })
        .collect();
    let world = World::new(&Tenant::new());
    world.edit("tenant.json", |state| {
        state["groups"] = groups_json;
        state["configurationPolicies"] = json!(policies);
    });
    world
}

#[test]
fn the_matrix_stays_usable_when_it_is_large() {
    const MOST_ELEMENTS: u64 = 3_000;
    let world = large(2_000, 500);
    let Some(mut page) = page(&world, "--kind configurationPolicy") else {
        return;
    };
    let file = world.path("page.html");
    page.open(&file, "view=matrix");
    assert_eq!(page.text("#count"), "2,000 policies × 500 targets");
    let elements = page.eval("document.querySelectorAll('*').length");
    assert!(elements.as_u64() < Some(MOST_ELEMENTS), "{elements}");
    for (top, left) in [(20_000, 7_000), (60_000, 20_000)] {
        // What a drawing costs is what it makes; one that made every cell would make a million elements.
        let made = page.eval(&format!(
            "(async () => {{
                const matrix = document.getElementById('matrix');
                let made = 0;
                const count = (records) => {{
                    for (const record of records)
                        for (const node of record.addedNodes)
                            made += 1 + (node.children ? node.querySelectorAll('*').length : 0);
                }};
                const observer = new MutationObserver(count);
                observer.observe(document.body, {{childList: true, subtree: true}});
                matrix.scrollTo({left}, {top});
                await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
                count(observer.takeRecords());
                observer.disconnect();
                return made;
            }})()"
        ));
        let made = made.as_u64().expect("a number");
        assert!(
            (1..MOST_ELEMENTS).contains(&made),
            "{made} at {top}, {left}"
        );
        let elements = page.eval("document.querySelectorAll('*').length");
        assert!(elements.as_u64() < Some(MOST_ELEMENTS), "{elements}");
    }
    assert!(
        page.texts("#matrix .name")
            .contains(&"Policy 1999".to_owned())
    );
    assert!(
        page.texts("#matrix .column")
            .contains(&"Group 499".to_owned())
    );
    page.eval("document.getElementById('matrix').focus()");
    let corner = json!({"type": "keyDown", "key": "End", "modifiers": 2});
    page.call("Input.dispatchKeyEvent", corner);
    assert!(page.text("#detail").contains("Policy 1999"));
    page.open(&file, "view=matrix&groups=group+499");
    assert_eq!(page.text("#count"), "20 policies × 1 target");
    page.open(&file, "");
    assert_eq!(page.text("#count"), "10,000 assignments, 2,000 policies");
    let elements = page.eval("document.querySelectorAll('*').length");
    assert!(elements.as_u64() < Some(MOST_ELEMENTS), "{elements}");
}

/// What a user does not get is not ticked, and what is not theirs is not there.
#[test]
fn the_matrix_of_a_user_has_what_they_get() {
    let tenant = Tenant::common()
        .policy("Got", &["+A"])
        .policy("Excluded", &["allUsers", "-A"])
        .policy("Other", &["+C"])
        .policy("Nobody", &[]);
    let world = World::new(&tenant);
    let user = "dddddddd-0000-4000-8000-000000000001";
    world.edit("tenant.json", |state| {
        state["users"] = json!([{"id": user, "userPrincipalName": "ada@example.com"}]);
        state["groups"][0]["members"] = json!([user]);
    });
    let Some(mut page) = page(&world, "--user ada@example.com") else {
        return;
    };
    page.open(&world.path("page.html"), "view=matrix");
    assert_eq!(page.texts("#matrix .body .name"), ["Excluded", "Got"]);
    assert_eq!(page.texts("#matrix .body .cell.no"), ["✕"]);
    let ticked = page.texts("#matrix .body .cell.yes");
    assert!(
        ticked.iter().filter(|mark| !mark.is_empty()).eq(["✓"]),
        "{ticked:?}"
    );
}
