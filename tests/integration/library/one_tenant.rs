//! A run for one tenant: what its host is shown and asked, in which order, and that nothing is written unless it
//! agrees.

use std::borrow::Cow;
use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use assignctl::apply::ObserveApply;
use assignctl::diagnostic::{Diagnostic, Sources};
use assignctl::exit::Exit;
use assignctl::graph::client::Client;
use assignctl::manifest;
use assignctl::plan::{PlanDiagnostic, PlannedPolicy};
use assignctl::report::PolicyResult;
use assignctl::run::Failure;
use assignctl::run::apply::{ApplyInput, ApplyOptions, ApplyRun};
use assignctl::run::connect::ServiceSettings;
use assignctl::run::one_tenant::{self, Host, OneTenant, PlanSource};
use assignctl::run::plan::{PlanRequest, PreparedPlan};
use tokio_util::sync::CancellationToken;

use super::support::runs::service_settings;
use super::support::tenants::{all_rows, tenant, wants};
use super::support::world::{World, in_virtual_time};

/// Someone who agrees to every plan or to none, and remembers what they heard.
struct Person {
    world: World,
    agrees: bool,
    heard: RefCell<Vec<&'static str>>,
}

impl Person {
    fn hears(&self, what: &'static str) {
        self.heard.borrow_mut().push(what);
    }

    fn rows(&self) -> Vec<String> {
        let service = &self.world.service;
        service.with_machine(|machine| all_rows(machine.tenant()))
    }

    /// Asks for another group on the one policy.
    fn apply(&self) -> Result<Exit, Failure> {
        let folder = tempfile::tempdir().expect("a folder");
        let report = folder.path().join("report.jsonl");
        let text = wants("*", &["A", "B"]);
        let loaded = manifest::read_texts(vec![("m.yaml".to_owned(), text)]);
        in_virtual_time(async {
            let mut run = ApplyRun::new(Some(&report), None)?;
            let asked = (service_settings(), PlanRequest::default());
            let one = OneTenant::new(self, asked, None, &self.world.stop)?;
            let source = PlanSource::Manifests(Box::new(loaded));
            let ended = one.apply(source, &ApplyOptions::default(), &mut run).await;
            one_tenant::finish(run, ended, false, self)
        })
    }
}

struct Silent;

impl ObserveApply for Silent {
    fn settled(&self, _: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {}
}

impl Host for Person {
    fn connect(&self, _: &ServiceSettings, _: &CancellationToken) -> Result<Arc<Client>, Failure> {
        Ok(Arc::clone(&self.world.client))
    }

    fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        Cow::Borrowed(text)
    }

    fn found(&self, _: &[Diagnostic], _: &Sources) {
        self.hears("found");
    }

    fn found_in_plan(&self, _: &[PlanDiagnostic]) {
        self.hears("found in the plan");
    }

    fn as_before(&self, _: usize) {
        self.hears("as before");
    }

    fn check(&self, _: &PreparedPlan, _: &ApplyRun) -> Result<(), Failure> {
        self.hears("check");
        Ok(())
    }

    fn show(&self, _: &PreparedPlan) -> Result<(), Failure> {
        self.hears("show");
        Ok(())
    }

    async fn confirm(&self, _: &PreparedPlan, _: &CancellationToken) -> Result<(), Failure> {
        self.hears("confirm");
        match self.agrees {
            true => Ok(()),
            false => Err(Failure::new(Exit::Failure, "not applied")),
        }
    }

    fn begins(&self, _: &PreparedPlan) -> &dyn ObserveApply {
        self.hears("begins");
        &Silent
    }

    fn refused(&self, _: &ApplyInput, _: &ApplyRun, _: &Failure) -> Result<(), Failure> {
        self.hears("refused");
        Ok(())
    }

    fn carried_out(
        &self,
        _: &PreparedPlan,
        _: &ApplyRun,
        _: Exit,
        _: Option<&Failure>,
    ) -> Result<(), Failure> {
        self.hears("carried out");
        Ok(())
    }

    fn kept_report(&self, _: &Path) {
        self.hears("kept");
    }

    fn undone(&self) {
        self.hears("undone");
    }

    fn reported(&self, _: &Path) {
        self.hears("reported");
    }

    fn failed(&self, _: &Failure) {
        self.hears("failed");
    }
}

fn person(agrees: bool) -> Person {
    Person {
        world: World::new(tenant(1)),
        agrees,
        heard: RefCell::default(),
    }
}

#[test]
fn a_plan_is_written_only_after_it_was_shown_and_agreed_to() {
    let person = person(true);
    let before = person.rows();
    assert_eq!(person.apply().expect("an end"), Exit::Success);
    assert_ne!(person.rows(), before);
    assert_eq!(
        *person.heard.borrow(),
        [
            "found",
            "check",
            "show",
            "confirm",
            "found in the plan",
            "begins",
            "carried out",
            "reported"
        ]
    );
}

#[test]
fn a_plan_that_nobody_agrees_to_is_not_written() {
    let person = person(false);
    let before = person.rows();
    let failure = person.apply().expect_err("a refusal");
    assert_eq!(failure.message, "not applied");
    assert_eq!(person.rows(), before);
    assert_eq!(
        *person.heard.borrow(),
        ["found", "check", "show", "confirm", "refused", "reported"]
    );
}
