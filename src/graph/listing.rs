//! Policies as lists bring them: with all assignments, with some, or with none.

use serde::de::DeserializeSeed as _;

use super::decode::{Misread, from_json, misread};
use super::form::{PolicyPage, PolicySeed};
use super::wire::{self, ListedPolicy, Object, Page, Row, Texts};
use crate::model::{LiveAssignment, LivePolicy, PolicyKind, assignments_path};

/// A policy of a list.
#[derive(Debug)]
pub(super) struct Listing {
    /// The policy, with the rows that have come.
    pub(super) live: LivePolicy,
    /// How many of the rows have come.
    pub(super) rows: ListedRows,
    /// What was sent; empty where nobody asked for it to be kept.
    pub(super) sent: Sent,
}

/// How many of a policy's rows a list brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListedRows {
    /// All.
    Whole,
    /// Some; the others are behind a link.
    Cut(String),
    /// None; that says nothing of how many there are.
    Unread,
}

/// A policy as it was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Without its assignments.
    pub(super) properties: Object,
    /// Its assignments.
    pub(super) assignments: Vec<Object>,
}

/// What a page holds, and where the next one is.
type PageOf = (Vec<Result<Listing, String>>, Option<String>);

/// Reads a page, and keeps what a plan needs.
pub(super) fn page(kind: PolicyKind, body: &[u8], texts: &mut Texts) -> Result<PageOf, Misread> {
    let seed = PolicyPage {
        spec: kind.spec(),
        keep: |form| Ok(Listing::new(kind, wire::policy(form, kind.spec(), texts)?)),
    };
    let mut reader = serde_json::Deserializer::from_slice(body);
    seed.deserialize(&mut reader)
        .and_then(|page| reader.end().map(|()| page))
        .map_err(|error| misread(&error, body))
}

/// Reads a page, and keeps all of it.
pub(super) fn page_as_sent(kind: PolicyKind, body: &[u8]) -> Result<PageOf, Misread> {
    let page: Page = from_json(body)?;
    let mut texts = Texts::default();
    let policies = page.value.into_iter().map(|mut object| {
        let form = PolicySeed(kind.spec())
            .deserialize(&object)
            .map_err(|error| error.to_string())?;
        let mut listing = Listing::new(kind, wire::policy(form, kind.spec(), &mut texts)?);
        if let Some(assignments) = object.remove("assignments")
            && !assignments.is_null()
        {
            listing.sent.assignments = wire::objects("assignments", assignments)?;
        }
        listing.sent.properties = object;
        Ok(listing)
    });
    Ok((policies.collect(), page.next_link))
}

impl Listing {
    fn new(kind: PolicyKind, policy: ListedPolicy) -> Self {
        let ListedPolicy {
            id,
            name,
            platforms,
            odata_type,
            is_tenant_default,
            rows,
            next,
        } = policy;
        let state = match (&rows, next) {
            (None, _) => ListedRows::Unread,
            (Some(_), Some(link)) => ListedRows::Cut(link),
            (Some(_), None) => ListedRows::Whole,
        };
        let mut live = LivePolicy::new(kind, id, name, platforms, rows.unwrap_or_default());
        live.odata_type = odata_type;
        live.is_tenant_default = is_tenant_default;
        Self {
            live,
            rows: state,
            sent: Sent::default(),
        }
    }

    /// Takes in the rows that did not come with the list, in the place of those that did.
    pub(super) fn set(&mut self, rows: Vec<LiveAssignment>) {
        let (rows, sent): (Vec<Row>, Vec<Object>) = rows
            .into_iter()
            .map(|LiveAssignment { row, id, raw }| {
                ((row, id.unwrap_or_default().into_boxed_str()), raw)
            })
            .unzip();
        self.live.set_rows(rows);
        self.sent.assignments = sent;
        self.rows = ListedRows::Whole;
    }

    /// Returns the path of the policy's assignments.
    pub(super) fn path(&self) -> String {
        assignments_path(self.live.kind, &self.live.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn kind() -> PolicyKind {
        PolicyKind::from_name("configurationPolicy").expect("a kind")
    }

    /// Anything that may stand where text should.
    fn odd() -> impl Strategy<Value = Option<Value>> {
        prop_oneof![
            2 => Just(None),
            1 => Just(Some(Value::Null)),
            1 => Just(Some(json!(1))),
            1 => Just(Some(json!({"a": [true, 1.5]}))),
            8 => "[aA\"\\\\ü-]{0,4}".prop_map(|text| Some(json!(text))),
        ]
    }

    fn object(fields: Vec<(&'static str, Option<Value>)>) -> Value {
        let fields = fields.into_iter();
        let there = fields.filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(there.collect())
    }

    fn row() -> impl Strategy<Value = Value> {
        let types = prop_oneof![
            Just(Some(json!("#microsoft.graph.groupAssignmentTarget"))),
            Just(Some(json!(
                "microsoft.graph.exclusionGroupAssignmentTarget"
            ))),
            Just(Some(json!("#microsoft.graph.allDevicesAssignmentTarget"))),
            Just(Some(json!("#microsoft.graph.novelTarget"))),
            odd(),
        ];
        let sources = prop_oneof![Just(Some(json!("policySets"))), odd()];
        let parts = (types, sources, odd(), odd(), odd(), odd(), odd(), odd());
        parts.prop_map(|(kind, source, set, id, group, filter, mode, novel)| {
            let target = object(vec![
                ("@odata.type", kind),
                ("zone", novel.clone()),
                ("groupId", group.clone()),
                ("collectionId", group),
                ("deviceAndAppManagementAssignmentFilterId", filter),
                ("deviceAndAppManagementAssignmentFilterType", mode),
            ]);
            object(vec![
                ("id", id),
                ("target", Some(target)),
                ("source", source),
                ("sourceId", set),
                ("novel", novel),
            ])
        })
    }

    #[test]
    fn what_comes_twice_is_not_known() {
        for twice in [
            r#"{"@odata.nextLink":"https://x/2","value":[],"@odata.nextLink":null}"#,
            r#"{"value":[{"id":"p","name":"P","assignments":[{}],"assignments":[]}]}"#,
            r#"{"value":[{"id":"p","name":"P","assignments":[{"target":{},"target":null}]}]}"#,
            r#"{"value":[],"value":[]}"#,
        ] {
            let read = page(kind(), twice.as_bytes(), &mut Texts::default());
            assert!(
                read.expect_err(twice)
                    .to_string()
                    .contains("duplicate field"),
                "{twice}"
            );
        }
    }

    proptest! {
        /// What is read as it streams is what is read of the whole object; so are the faults.
        #[test]
        fn both_ways_read_the_same(
            rows in prop_oneof![
                proptest::collection::vec(row(), 0..4).prop_map(|rows| Some(Value::Array(rows))),
                odd(),
            ],
            id in odd(),
            name in odd(),
            next in odd(),
        ) {
            let policy = object(vec![
                ("id", id.clone()),
                ("name", name.clone()),
                ("assignments", rows),
                ("assignments@odata.nextLink", next),
                ("platforms", name),
                ("other", id),
            ]);
            let body = json!({"value": [policy]}).to_string();
            let mut texts = Texts::default();
            let (streamed, _) = page(kind(), body.as_bytes(), &mut texts).expect("a page");
            let (whole, _) = page_as_sent(kind(), body.as_bytes()).expect("a page");
            for (streamed, whole) in streamed.into_iter().zip(whole) {
                match (streamed, whole) {
                    (Ok(streamed), Ok(whole)) => {
                        prop_assert_eq!(streamed.live, whole.live);
                        prop_assert_eq!(streamed.rows, whole.rows);
                    }
                    (streamed, whole) => prop_assert_eq!(streamed.err(), whole.err()),
                }
            }
        }
    }
}
