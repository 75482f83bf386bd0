//! How many devices filters match is asked sparingly: once for each filter, and at the pace of writes.

use std::collections::BTreeSet;
use std::time::Duration;

use assignctl::graph::pace::{PUBLISHED_REQUESTS, PUBLISHED_WRITES, Pace};
use assignctl::model::PopulationNeeds;
use assignctl_sandbox::Tenant;
use tokio::time::Instant;

use super::support::world::{LONGEST_WAIT, World};

#[tokio::test(start_paused = true)]
async fn each_filter_is_evaluated_once_and_they_wait_like_writes() {
    let mut tenant = Tenant::empty();
    let rule = "(device.model -eq \"x\")";
    let names = ["A", "B", "C", "D", "E"].into_iter();
    let filters = names.map(|name| tenant.add_filter(name, "windows10AndLater", rule));
    let filters: BTreeSet<String> = filters.collect();
    let mut two_in_20_s = PUBLISHED_WRITES;
    two_in_20_s.count = 2;
    let world = World::at_pace(
        tenant,
        Pace::new(two_in_20_s, PUBLISHED_REQUESTS, LONGEST_WAIT),
    );
    let needs = PopulationNeeds {
        filters,
        ..PopulationNeeds::default()
    };
    let begin = Instant::now();
    let population = world.reader().population(&needs).await.expect("numbers");
    let mut counts = population.filters.values();
    assert!(counts.all(|count| count.matches == Some(0)));
    let log = world.wire.log();
    let evaluated = log.iter();
    let evaluated = evaluated.filter(|sent| sent.path.ends_with("/evaluateAssignmentFilter"));
    assert_eq!(evaluated.count(), 5);
    assert!(begin.elapsed() >= Duration::from_secs(40));
    // Nobody asks for what is not wanted.
    let needs = PopulationNeeds {
        all_devices: true,
        ..PopulationNeeds::default()
    };
    let before = world.wire.log().len();
    world.reader().population(&needs).await.expect("numbers");
    let log = world.wire.log().split_off(before);
    assert!(log.iter().all(|sent| !sent.is_write()));
}
