//! Which policies a plan looked at, as plans write it.

use serde::{Deserialize, Serialize};

use crate::manifest::Glob;
use crate::model::PolicyKind;
use crate::plan::{Plan, Selection};

/// What part of the managed policies was looked at. The other keys are there where it is a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct SelectionRecord {
    /// Whether options narrowed it.
    #[serde(default)]
    pub partial: bool,
    /// Globs over the names that were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<String>>,
    /// Globs over the names that were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// The kinds that were taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// How many managed policies were left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<usize>,
}

impl SelectionRecord {
    /// Writes out what a plan looked at.
    pub fn of(plan: &Plan) -> Self {
        Self {
            partial: plan.is_partial(),
            left_out: plan.is_partial().then_some(plan.left_out),
            ..Self::asked(&plan.selection)
        }
    }

    /// Writes out what was asked for, where no one knows what it would leave out.
    pub fn asked(selection: &Selection) -> Self {
        if !selection.is_partial() {
            return Self::default();
        }
        let Selection {
            only,
            exclude,
            kinds,
        } = selection;
        let texts = |globs: &[Glob]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
        Self {
            partial: true,
            only: Some(texts(only)),
            exclude: Some(texts(exclude)),
            kinds: Some(kinds.iter().map(|kind| kind.name().to_owned()).collect()),
            left_out: None,
        }
    }

    pub(super) fn read(&self) -> Selection {
        let globs = |texts: &Option<Vec<String>>| {
            let texts = texts.iter().flatten();
            texts.map(Glob::new).collect()
        };
        Selection {
            only: globs(&self.only),
            exclude: globs(&self.exclude),
            kinds: self
                .kinds
                .iter()
                .flatten()
                .filter_map(|name| PolicyKind::from_name(name))
                .collect(),
        }
    }
}
