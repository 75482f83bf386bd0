//! Plans and reports whose tenant is not known, since the token does not name it.

use super::support::World;
use super::support::service::Served;
use super::support::tenant::Tenant;

#[test]
fn they_stay_with_the_service_that_they_are_for() {
    let tenant = Tenant::common().policy("P", &[]);
    let mut world = World::with(&tenant, &["name: P, include: [group: A]"]);
    let served = Served::with_token(&mut world);
    world.run("plan m.yaml --out plan.json").exits(0);
    world.run("apply m.yaml --yes --report r.jsonl").exits(0);
    assert_eq!(world.json("plan.json")["tenantId"], serde_json::Value::Null);
    let elsewhere = served.url.replace("127.0.0.1", "localhost");
    for (line, what) in [
        ("apply plan.json --report other.jsonl", "plan"),
        ("rollback r.jsonl --yes", "report"),
        ("apply --resume r.jsonl --yes", "report"),
        ("approvals r.jsonl", "report"),
        ("drift m.yaml --since r.jsonl", "report"),
    ] {
        world
            .run(&format!("{line} --graph-url {elsewhere}"))
            .exits(1)
            .says(&[
                &format!("the {what} is for the service at {}", served.url),
                "the tenant of both is unknown",
            ]);
    }
    // The port of a service on the same host means nothing.
    drop(served);
    let other = Served::start(&world);
    for (line, said) in [
        ("apply plan.json", "1 already"),
        ("drift m.yaml --since r.jsonl", "nothing to explain"),
    ] {
        world
            .run(&format!("{line} --graph-url {}", other.url))
            .exits(0)
            .says(&[said]);
    }
}
