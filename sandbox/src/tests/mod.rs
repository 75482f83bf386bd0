//! Tests of the machine as a whole: requests in, answers out.

mod anything;
mod approval;
mod auditing;
mod face;
mod keeping;
mod kinds;
mod limits;
mod memberships;
mod population;
mod reading;
mod writing;

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::*;

const CATALOG: Collection = Collection::CONFIGURATION_POLICIES;
const COMPLIANCE: Collection = Collection::COMPLIANCE_POLICIES;

/// A machine, and the time it is there.
struct World {
    machine: Machine,
    now: f64,
}

impl World {
    fn new(tenant: Tenant) -> Self {
        Self {
            machine: Machine::new(tenant, "http://base".to_owned()),
            now: 0.0,
        }
    }

    fn send(&mut self, method: &str, target: &str, body: Option<Value>) -> (u16, Value, Response) {
        let mut headers = vec![("authorization".to_owned(), "Bearer opaque".to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            target: format!("/beta{target}"),
            headers,
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        };
        self.answer(&request)
    }

    fn answer(&mut self, request: &Request) -> (u16, Value, Response) {
        let now = Duration::from_secs_f64(self.now);
        let response = self.machine.answer(request, now, UNIX_EPOCH + now);
        let value = match response.body.as_slice() {
            [] => Value::Null,
            body => serde_json::from_slice(body).expect("a JSON body"),
        };
        (response.status, value, response)
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        let (status, body, _) = self.send("GET", target, None);
        (status, body)
    }

    fn post(&mut self, target: &str, body: Value) -> (u16, Value) {
        let (status, body, _) = self.send("POST", target, Some(body));
        (status, body)
    }

    /// Follows next links and returns the sizes of the pages, and all rows.
    fn pages(&mut self, target: &str) -> (Vec<usize>, Vec<Value>) {
        let (mut sizes, mut rows) = (Vec::new(), Vec::new());
        let mut target = target.to_owned();
        loop {
            let (status, body) = self.get(&target);
            assert_eq!(status, 200, "{body}");
            let page = body["value"].as_array().expect("a list");
            sizes.push(page.len());
            rows.extend(page.clone());
            let Some(next) = body["@odata.nextLink"].as_str() else {
                return (sizes, rows);
            };
            let rest = next
                .strip_prefix("http://base/beta")
                .expect("an absolute link");
            target = rest.to_owned();
        }
    }
}

/// A tenant with one group and one policy in each collection.
fn small() -> (World, String, String, String) {
    let mut tenant = Tenant::empty();
    let group = tenant.add_group("G");
    let policy = tenant.add_policy(CATALOG, "P", "windows10");
    let compliance = tenant.add_policy(COMPLIANCE, "C", "linux");
    (World::new(tenant), group, policy, compliance)
}

fn catalog(id: &str, rest: &str) -> String {
    format!("/deviceManagement/configurationPolicies/{id}{rest}")
}

fn message(body: &Value) -> String {
    let text = body["error"]["message"].as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(text) {
        Ok(inner) => inner["Message"].as_str().unwrap_or_default().to_owned(),
        Err(_) => text.to_owned(),
    }
}
