//! Everybody: all devices, all users, and how many devices the filters match.
//!
//! A filter is evaluated by the service, over all enrolled devices of its platform and not over a group's
//! (microsoft-graph-docs-contrib: beta/api/intune-policyset-devicemanagement-evaluateassignmentfilter.md). It
//! changes nothing, yet it is a POST of which no one knows how the service counts it: it waits like a write.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::class::Class;
use super::client::Call;
use super::decode::{Misread, from_json};
use super::error::GraphError;
use super::population::{Known, number, within};
use super::read::{FILTERS, Reader};
use super::transport::Response;
use crate::model::{FilterCount, MemberCount, Unknown, encode};

const EVALUATE: &str = "/deviceManagement/evaluateAssignmentFilter";

/// The largest page of the table of devices; a larger one is cut to it (the page on the request).
const PAGE: u64 = 100;

/// The most pages that are read of a filter's devices, where the service does not say how many there are.
const MOST_PAGES: u64 = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Overview {
    enrolled_device_count: u64,
    device_operating_system_summary: Option<BTreeMap<String, Value>>,
}

/// What is known of all devices.
#[derive(Default)]
pub(super) struct Devices {
    pub(super) count: MemberCount,
    /// How many there are by operating system, in Graph's words.
    by_system: BTreeMap<String, u64>,
}

impl Devices {
    /// Returns how many devices there are of a platform, if the overview has such a number.
    pub(super) fn of_platform(&self, platform: &str) -> Option<u64> {
        let name = match platform.to_ascii_lowercase().as_str() {
            "windows10andlater" => "windowsCount",
            "macos" => "macOSCount",
            "ios" => "iosCount",
            _ => return None,
        };
        self.by_system.get(name).copied()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    platform: String,
    rule: String,
    assignment_filter_management_type: Option<String>,
}

/// A page of the table: how many devices are in it, and in all if that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    rows: u64,
    total: Option<u64>,
}

impl Page {
    /// Reads a page. Its keys have been seen in several spellings, and its bytes come as a stream
    /// (microsoftgraph/msgraph-sdk-powershell#2088).
    fn read(response: &Response) -> Result<Self, Misread> {
        let bytes = &response.body;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let table: Map<String, Value> = from_json(bytes)?;
        let value = |wanted: &str| {
            let mut members = table.iter();
            let found = members.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
            found.map(|(_, value)| value)
        };
        let rows = value("values").and_then(Value::as_array);
        let rows = rows.ok_or_else(|| Misread::Shape("the table has no `values`".into()))?;
        Ok(Self {
            rows: u64::try_from(rows.len()).unwrap_or(u64::MAX),
            total: value("totalRowCount").and_then(Value::as_u64),
        })
    }
}

impl Reader {
    pub(super) async fn all_devices(
        &self,
        wanted: bool,
        end: Instant,
    ) -> Result<Devices, GraphError> {
        if !wanted {
            return Ok(Devices::default());
        }
        let path = "/deviceManagement/managedDeviceOverview?$select=enrolledDeviceCount,deviceOperatingSystemSummary";
        let overview = within(end, self.get::<Overview>(path)).await?;
        let reason = reason_of(&overview);
        let (count, by_system) = match overview {
            Ok(overview) => (
                Some(overview.enrolled_device_count),
                overview.device_operating_system_summary,
            ),
            Err(_) => (None, None),
        };
        let by_system = by_system.into_iter().flatten();
        Ok(Devices {
            count: MemberCount {
                devices: count,
                users: Some(0),
                reason,
                ..MemberCount::default()
            },
            by_system: by_system
                .filter_map(|(name, number)| Some((name, number.as_u64()?)))
                .collect(),
        })
    }

    /// Counts users with any licence: Microsoft's own query. Not all of them have one of Intune.
    pub(super) async fn all_users(
        &self,
        wanted: bool,
        end: Instant,
    ) -> Result<MemberCount, GraphError> {
        if !wanted {
            return Ok(MemberCount::default());
        }
        let filter = encode("assignedLicenses/$count ne 0");
        let path = format!("/users/$count?$filter={filter}");
        let mut call = Call::get(self.client().address().join(&path));
        call.headers = vec![("consistencylevel", "eventual".to_owned())];
        let users = within(end, self.client().read_json(&call)).await?;
        let users = users.and_then(number);
        let reason = reason_of(&users);
        Ok(MemberCount {
            devices: Some(0),
            users: users.ok(),
            reason,
            ..MemberCount::default()
        })
    }

    /// Asks how many devices filters match, each once and one after the other.
    pub(super) async fn filter_counts(
        &self,
        ids: &BTreeSet<String>,
        devices: &Devices,
        end: Instant,
    ) -> Result<BTreeMap<String, FilterCount>, GraphError> {
        let select = "$select=platform,rule,assignmentFilterManagementType";
        let path = |id: &String| format!("{FILTERS}/{}?{select}", encode(id));
        let paths: Vec<String> = ids.iter().map(path).collect();
        let read = self.in_batches(&paths, end).await?;
        let mut counts = BTreeMap::new();
        for (id, filter) in ids.iter().zip(read) {
            let filter = filter.and_then(|filter| Filter::deserialize(filter).map_err(|_| None));
            let count = match filter {
                Err(reason) => FilterCount {
                    reason,
                    ..FilterCount::default()
                },
                Ok(filter) => self.filter_count(&filter, devices, end).await?,
            };
            counts.insert(id.clone(), count);
        }
        Ok(counts)
    }

    async fn filter_count(
        &self,
        filter: &Filter,
        devices: &Devices,
        end: Instant,
    ) -> Result<FilterCount, GraphError> {
        let Filter {
            platform,
            rule,
            assignment_filter_management_type: management,
        } = filter;
        let mut count = FilterCount {
            platform: Some(platform.clone()),
            of: devices.of_platform(platform),
            ..FilterCount::default()
        };
        // It is managed devices that are looked through, not apps.
        if management.as_deref() == Some("apps") {
            return Ok(count);
        }
        let mut matches = 0;
        for page in 0..MOST_PAGES {
            let read = self.evaluate(platform, rule, page * PAGE);
            let Page { rows, total } = match within(end, read).await? {
                Ok(page) => page,
                Err(reason) => {
                    count.reason = reason;
                    return Ok(count);
                }
            };
            matches += rows;
            count.at_least = total.is_none() && rows >= PAGE;
            if let Some(total) = total {
                matches = total;
            }
            if !count.at_least {
                break;
            }
        }
        count.matches = Some(matches);
        Ok(count)
    }

    async fn evaluate(&self, platform: &str, rule: &str, skip: u64) -> Result<Page, GraphError> {
        let table = json!({
            "platform": platform,
            "rule": rule,
            "top": PAGE,
            "skip": skip,
            "orderBy": ["deviceName"],
            "search": "",
        });
        let url = self.client().address().join(EVALUATE);
        let call = Call {
            paced_as: Class::Write,
            ..Call::post(url, &json!({"data": table}))
        };
        self.client().read(&call, Page::read).await
    }
}

/// Says why something about everyone is not known. It is nothing that can be deleted.
fn reason_of<T>(known: &Known<T>) -> Option<Unknown> {
    let reason = known.as_ref().err().copied().flatten();
    reason.filter(|reason| *reason != Unknown::Deleted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_read_in_every_spelling_and_nothing_else_is_taken_for_an_empty_one() {
        let page = |rows, total| Some(Page { rows, total });
        for (body, expected) in [
            (
                "{\"columns\":[{\"name\":\"deviceName\"}],\"values\":[[\"a\"],[\"b\"]]}",
                page(2, None),
            ),
            (
                "\u{feff}{\"TotalRowCount\":7,\"Schema\":[],\"Values\":[[1]]}",
                page(1, Some(7)),
            ),
            ("{\"VALUES\":[],\"totalrowcount\":null}", page(0, None)),
            ("{}", None),
            ("{\"values\":{}}", None),
            ("[]", None),
            ("", None),
        ] {
            let response = Response {
                status: 200,
                headers: Vec::new(),
                body: body.as_bytes().to_vec(),
            };
            assert_eq!(Page::read(&response).ok(), expected, "{body}");
        }
    }

    #[test]
    fn only_platforms_with_a_number_of_their_own_have_one() {
        let devices = Devices {
            by_system: BTreeMap::from([("windowsCount".to_owned(), 3)]),
            ..Devices::default()
        };
        for (platform, number) in [
            ("windows10AndLater", Some(3)),
            ("Windows10AndLater", Some(3)),
            ("macOS", None),
            ("androidForWork", None),
        ] {
            assert_eq!(devices.of_platform(platform), number, "{platform}");
        }
    }
}
