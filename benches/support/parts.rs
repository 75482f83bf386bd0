//! The parts of planning, each ready to be measured apart from the others.

use std::hint::black_box;
use std::path::PathBuf;

use assignctl::graph::Reader;
use assignctl::manifest::{self, Loaded};
use assignctl::model::LiveTenant;
use assignctl::plan::guards::GuardRules;
use assignctl::plan::needs::needs;
use assignctl::plan::saved::{PlanRecord, digest_of};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{self, Annotations, Plan, PlanInputs, Selection};
use assignctl::render::json::Json;
use assignctl::render::review::{Detail, PlanView};
use assignctl::render::text;

use super::large::{Drift, Large};
use super::replay;

/// A plan, and what is shown beside it.
pub(crate) type Made = (Plan, Annotations);

/// A tenant of a thousand policies, all of which are to change.
pub(crate) struct Parts {
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) loaded: Loaded,
    pub(crate) live: LiveTenant,
    pub(crate) plan: Made,
    folder: PathBuf,
    large: Large,
}

impl Parts {
    pub(crate) fn new(user: &str) -> Self {
        let large = Large { policies: 1000 };
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(user);
        replay::write(&folder, large, Drift::All).expect("a folder to write to");
        let texts = large.manifests();
        let loaded = read_manifests(&texts);
        let live = block_on(replay::reader(folder.clone(), large).tenant(&needs(&loaded.manifest)))
            .expect("a tenant");
        let plan = compare(&loaded, &live);
        Self {
            texts,
            loaded,
            live,
            plan,
            folder,
            large,
        }
    }

    pub(crate) fn reader(&self) -> Reader {
        replay::reader(self.folder.clone(), self.large)
    }
}

pub(crate) fn read_manifests(texts: &[(String, String)]) -> Loaded {
    manifest::read_texts(texts.to_vec())
}

pub(crate) fn read_tenant(reader: &Reader, loaded: &Loaded) -> LiveTenant {
    block_on(reader.tenant(&needs(&loaded.manifest))).expect("a tenant")
}

pub(crate) fn compare(loaded: &Loaded, live: &LiveTenant) -> Made {
    let inputs = PlanInputs {
        tenant_id: None,
        graph_url: "https://graph.example/beta",
        write_with: WriteWith::Auto,
        strict: false,
        selection: &Selection::default(),
    };
    let (plan, diagnostics) = plan::make(&loaded.manifest, &loaded.sources, live, &inputs);
    let draft = plan.unwrap_or_else(|| panic!("{diagnostics:?}"));
    draft.finish(&GuardRules::default())
}

pub(crate) fn digest((plan, annotations): &Made) -> String {
    digest_of(plan, &annotations.names)
}

pub(crate) fn as_text((plan, annotations): &Made, digest: &str) -> String {
    let view = PlanView {
        tenant: None,
        plan,
        annotations,
        summary: &plan.summary(),
        digest,
        detail: Detail::default(),
    };
    text::plan(&view)
}

/// Writes a plan as JSON, for no one to read; returns how long it is.
pub(crate) fn as_json((plan, annotations): &Made, digest: &str) -> usize {
    let made_at = "2026-01-01T00:00:00Z";
    let record = PlanRecord::new(plan, annotations, &plan.summary(), digest, made_at, false);
    let mut counted = Counted(0);
    Json::new(record).write(&mut counted).expect("it is taken");
    counted.0
}

struct Counted(usize);

impl std::io::Write for Counted {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.0 += black_box(part).len();
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime")
        .block_on(future)
}
