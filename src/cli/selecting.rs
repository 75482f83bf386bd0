//! The options that narrow a run to a part of the managed policies.

use clap::Args;

use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::plan::Selection;

/// Which of the managed policies are looked at.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Selecting {
    /// Only the policies whose display names fit a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    only: Vec<String>,
    /// Not the policies whose display names fit a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only the policies of a kind (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "KIND", value_parser = policy_kind)]
    kind: Vec<PolicyKind>,
}

impl Selecting {
    pub(super) fn selection(&self) -> Selection {
        let globs = |texts: &[String]| texts.iter().map(Glob::new).collect();
        Selection {
            only: globs(&self.only),
            exclude: globs(&self.exclude),
            kinds: self.kind.clone(),
        }
    }
}

fn policy_kind(text: &str) -> Result<PolicyKind, String> {
    PolicyKind::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = PolicyKind::all().map(PolicyKind::name).collect();
        format!("no such policy kind; there are {}", names.join(", "))
    })
}
