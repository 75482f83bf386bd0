//! Requests to the sandbox: any is answered with a status that HTTP knows, and leaves a tenant that
//! can be stored and read again.

#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use assignctl_sandbox::{Collection, Machine, Request, Tenant, target};
use libfuzzer_sys::fuzz_target;

fn machine() -> Machine {
    let mut tenant = Tenant::empty();
    tenant.add_filter("F", "windows10AndLater", "true");
    let group = tenant.add_group("A");
    for collection in [
        Collection::CONFIGURATION_POLICIES,
        Collection::COMPLIANCE_POLICIES,
    ] {
        let id = tenant.add_policy(collection, "P", "windows10");
        if let Some(policy) = tenant.policy_mut(collection, &id) {
            policy.assign(target::group(&group));
        }
    }
    Machine::new(tenant, "http://sandbox".to_owned())
}

fuzz_target!(|text: &str| {
    let mut machine = machine();
    for (number, part) in text.split("\n%%%\n").take(8).enumerate() {
        let (head, body) = part.split_once("\n\n").unwrap_or((part, ""));
        let mut lines = head.lines();
        let (method, target) = lines
            .next()
            .and_then(|line| line.split_once(' '))
            .unwrap_or(("GET", "/"));
        let mut headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        if !headers.iter().any(|(name, _)| name == "authorization") {
            headers.push(("authorization".to_owned(), "Bearer x".to_owned()));
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.as_bytes().to_vec(),
        };
        let now = Duration::from_secs(number as u64);
        let answer = machine.answer(&request, now, UNIX_EPOCH + now);
        assert!((200..600).contains(&answer.status), "{}", answer.status);
    }
    let stored = machine.tenant().to_json();
    let read = Tenant::from_json(&stored).expect("what was stored can be read");
    assert_eq!(&read, machine.tenant());
});
