//! What documents say of tenants and variables, before any tenant's manifests are read.

use std::collections::HashMap;

use super::Tenant;
use super::variables;
use crate::diagnostic::{Diagnostic, FileId, Place, Sources};
use crate::manifest::Placed;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::fields::{self, Fields};
use crate::manifest::yaml::tree::{Document, Pair, Value};
use crate::manifest::yaml::{bounds, build};
use crate::model::Guid;
use crate::net::{CLOUDS, Cloud};
use crate::text::quoted;

pub(in crate::manifest) const TENANT_KEYS: &[&str] = &[
    "tenantId", "clientId", "cloud", "labels", "vars", "skip", "add",
];

/// How many tenants a run may have, and how much is read for all of them together.
const MOST_TENANTS: usize = 2_000;
const MOST_BYTES: usize = 2 * 1024 * 1024 * 1024;

/// The variables and tenants of a run.
#[derive(Default)]
pub(in crate::manifest) struct Declared {
    /// The defaults for all tenants.
    pub(super) variables: Variables,
    /// The tenants, by name.
    pub(in crate::manifest) tenants: Vec<DeclaredTenant>,
}

/// Variables with their values, each at its key.
pub(super) type Variables = HashMap<String, Placed<String>>;

/// A tenant with what its manifests have of their own.
pub(in crate::manifest) struct DeclaredTenant {
    /// The tenant.
    pub(in crate::manifest) tenant: Tenant,
    /// Its own variables.
    pub(super) variables: Variables,
    /// Its `skip`.
    pub(super) skip: Option<Pair>,
    /// Its `add`.
    pub(super) add: Option<Pair>,
}

impl Declared {
    /// Whether a tenant or a label is so called.
    pub(super) fn knows(&self, text: &str) -> bool {
        self.tenants
            .iter()
            .any(|declared| declared.tenant.is_called(text))
    }

    /// Returns all names and labels.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.tenants.iter().flat_map(|declared| {
            let labels = declared.tenant.labels.iter();
            std::iter::once(&declared.tenant.name)
                .chain(labels)
                .map(String::as_str)
        })
    }
}

/// Reads what the files say of variables and tenants. Faults of the files themselves are found when they
/// are read for a tenant.
pub(in crate::manifest) fn declared(
    sources: &Sources,
    files: &[FileId],
    diagnostics: &mut Diagnostics,
) -> Declared {
    let mut reader = Reader {
        diagnostics,
        declared: Declared::default(),
        places: HashMap::new(),
    };
    let mut budget = bounds::Budget::default();
    let mut bytes = 0;
    for id in files {
        let text = &sources.file(*id).text;
        bytes += text.len();
        // A key may be spelled with escapes; else it stands there as it is.
        if ["tenants", "vars", "\\"]
            .iter()
            .any(|part| text.contains(part))
        {
            let parsed = build::parse(*id, text, &mut Diagnostics::default(), &mut budget);
            for document in &parsed.documents {
                reader.document(document);
            }
        }
    }
    let mut declared = reader.declared;
    declared
        .tenants
        .sort_by(|one, other| one.tenant.name.cmp(&other.tenant.name));
    let count = declared.tenants.len();
    if let Some(last) = declared.tenants.last()
        && (count > MOST_TENANTS || bytes.saturating_mul(count) > MOST_BYTES)
    {
        let message = format!("{count} tenants are too many for manifests of {bytes} bytes");
        diagnostics.push(
            Diagnostic::error("too-many-tenants", last.tenant.place, message)
                .hint("read the manifests of fewer tenants in a run"),
        );
        declared.tenants.clear();
    }
    check_labels(&declared, diagnostics);
    declared
}

/// A label that is also a tenant's name could mean either.
fn check_labels(declared: &Declared, diagnostics: &mut Diagnostics) {
    let places = |declared: &DeclaredTenant| declared.tenant.place;
    let names: HashMap<&str, Place> = declared
        .tenants
        .iter()
        .filter_map(|declared| Some((declared.tenant.name.as_str(), places(declared)?)))
        .collect();
    for declared in &declared.tenants {
        for label in &declared.tenant.labels {
            if let (Some(named), Some(own)) = (names.get(label.as_str()), places(declared)) {
                let message = format!("{} is a label and a tenant's name", quoted(label));
                diagnostics.push(
                    Diagnostic::error("label-is-tenant", own, message)
                        .also(*named, "the tenant")
                        .hint("give the label another name"),
                );
            }
        }
    }
}

struct Reader<'r> {
    diagnostics: &'r mut Diagnostics,
    declared: Declared,
    /// Where names and ids of tenants were first seen, in lower case.
    places: HashMap<String, Place>,
}

impl Reader<'_> {
    fn document(&mut self, document: &Document) {
        let Value::Mapping(pairs) = &document.root.node.value else {
            return;
        };
        for pair in pairs {
            match &*pair.key {
                "vars" => {
                    let variables = self.variables(pair);
                    for (name, value) in variables {
                        if let Some(first) = self.declared.variables.get(&name) {
                            let message =
                                format!("the variable {} is defined twice", quoted(&name));
                            self.diagnostics.push(
                                Diagnostic::error("duplicate-variable", value.place, message)
                                    .also(first.place, "first here")
                                    .hint("`vars` of all files belong together; keep one"),
                            );
                        } else {
                            self.declared.variables.insert(name, value);
                        }
                    }
                }
                "tenants" => self.tenants(pair),
                _ => {}
            }
        }
    }

    /// Reads `vars`, in the order of the file.
    fn variables(&mut self, pair: &Pair) -> Vec<(String, Placed<String>)> {
        let node = &pair.value.node;
        let pairs = match &node.value {
            Value::Mapping(pairs) => pairs,
            Value::Broken => return Vec::new(),
            Value::Scalar { .. } | Value::List(_) => {
                self.diagnostics.push(
                    fields::wrong_type(node, "vars", "a mapping")
                        .hint("write each variable as `name: value`"),
                );
                return Vec::new();
            }
        };
        let mut variables = Vec::with_capacity(pairs.len());
        for pair in pairs {
            if !variables::is_name(&pair.key) {
                let message = format!("{} cannot name a variable", quoted(&pair.key));
                self.diagnostics.push(
                    Diagnostic::error("bad-variable-name", pair.place, message)
                        .hint("use letters, digits, `_` and `-`, and a letter or `_` first"),
                );
                continue;
            }
            let node = &pair.value.node;
            match node.text() {
                // Nothing between quotes is a value: a prefix that one tenant has may be empty in another.
                Some(text) => variables.push((
                    pair.key.to_string(),
                    Placed {
                        value: text.to_owned(),
                        place: pair.place,
                    },
                )),
                None if matches!(node.value, Value::Broken) => {}
                None => {
                    let error = fields::wrong_type(node, &pair.key, "text");
                    self.diagnostics.push(error);
                }
            }
        }
        variables
    }

    fn tenants(&mut self, pair: &Pair) {
        let node = &pair.value.node;
        match &node.value {
            Value::Mapping(tenants) => {
                for tenant in tenants {
                    self.tenant(tenant);
                }
            }
            Value::Broken => {}
            Value::Scalar { .. } | Value::List(_) => self.diagnostics.push(
                fields::wrong_type(node, "tenants", "a mapping")
                    .hint("write each tenant as `name:` with `tenantId` below it"),
            ),
        }
    }

    fn tenant(&mut self, pair: &Pair) {
        if !is_tenant_name(&pair.key) {
            let message = format!("{} cannot name a tenant", quoted(&pair.key));
            self.diagnostics.push(
                Diagnostic::error("bad-tenant-name", pair.place, message).hint(tenant_name_rule()),
            );
        }
        self.once(&pair.key, "the tenant", pair.place);
        let what = format!("the tenant {}", quoted(&pair.key));
        let Some(fields) = Fields::read(&pair.value.node, &what, TENANT_KEYS, self.diagnostics)
        else {
            return;
        };
        let tenant_id = self.tenant_id(pair, &fields);
        let client_id = fields.get("clientId").and_then(|pair| self.client_id(pair));
        let clouds: Vec<(&'static str, &'static Cloud)> =
            CLOUDS.iter().map(|cloud| (cloud.name, cloud)).collect();
        let cloud = fields
            .get("cloud")
            .and_then(|pair| fields::word(pair, "unknown-cloud", &clouds, self.diagnostics));
        let labels = self.labels(&fields);
        let variables = fields.get("vars").map(|pair| self.variables(pair));
        self.declared.tenants.push(DeclaredTenant {
            tenant: Tenant {
                name: pair.key.to_string(),
                tenant_id: tenant_id.unwrap_or_default(),
                client_id,
                cloud,
                labels,
                place: Some(pair.place),
            },
            variables: variables.unwrap_or_default().into_iter().collect(),
            skip: fields.get("skip").cloned(),
            add: fields.get("add").cloned(),
        });
    }

    fn client_id(&mut self, pair: &Pair) -> Option<String> {
        let text = fields::text(&pair.value, "clientId", self.diagnostics)?;
        let id = Guid::parse(&text.value);
        if id.is_none() {
            let message = format!("`clientId` must be a GUID, not {}", quoted(&text.value));
            self.diagnostics.push(
                Diagnostic::error("bad-guid", text.place, message)
                    .hint("take the application (client) id of the app registration"),
            );
        }
        id.map(|id| id.to_string())
    }

    fn tenant_id(&mut self, tenant: &Pair, fields: &Fields<'_>) -> Option<String> {
        let Some(pair) = fields.get("tenantId") else {
            if !fields.meant(&["tenantId"]) {
                let message = format!("the tenant {} has no `tenantId`", quoted(&tenant.key));
                self.diagnostics.push(
                    Diagnostic::error("missing-key", tenant.place, message)
                        .hint("write `tenantId` with its GUID or one of its domains"),
                );
            }
            return None;
        };
        let text = fields::text(&pair.value, "tenantId", self.diagnostics)?;
        if !is_tenant_id(&text.value) {
            let message = format!("{} is neither a GUID nor a domain", quoted(&text.value));
            self.diagnostics.push(
                Diagnostic::error("bad-tenant-id", text.place, message)
                    .hint("the tenant's GUID is on the overview page of Microsoft Entra ID"),
            );
            return None;
        }
        let id = text.value.to_lowercase();
        self.once(&id, "the tenant id", text.place);
        Some(id)
    }

    fn labels(&mut self, fields: &Fields<'_>) -> Vec<String> {
        let Some(pair) = fields.get("labels") else {
            return Vec::new();
        };
        let mut labels = Vec::new();
        for item in fields::list(pair, self.diagnostics).unwrap_or_default() {
            let Some(label) = fields::text(item, "labels", self.diagnostics) else {
                continue;
            };
            if is_label(&label.value) {
                labels.push(label.value);
            } else {
                let message = format!("{} cannot be a label", quoted(&label.value));
                self.diagnostics.push(
                    Diagnostic::error("bad-tenant-name", label.place, message).hint(LABEL_RULE),
                );
            }
        }
        labels
    }

    /// Refuses what is defined twice. Names become names of files, where case may not count.
    fn once(&mut self, text: &str, what: &str, place: Place) {
        let key = format!("{what} {}", text.to_lowercase());
        let Some(first) = self.places.get(&key) else {
            self.places.insert(key, place);
            return;
        };
        let message = format!("{what} {} is defined twice", quoted(text));
        self.diagnostics.push(
            Diagnostic::error("duplicate-tenant", place, message)
                .also(*first, "first here")
                .hint("tenants of all files belong together; keep one"),
        );
    }
}

/// How labels are spelled.
const LABEL_RULE: &str = "use letters, digits, `_`, `-` and `.`, a letter or digit first, no `.` last, 64 characters at most";

/// Says what [`is_tenant_name`] asks of a name.
pub fn tenant_name_rule() -> String {
    format!("{LABEL_RULE}, and no name that Windows reserves (such as `con` or `nul`)")
}

/// Whether a text can name a tenant, on the command line and as part of a file's name.
pub fn is_tenant_name(text: &str) -> bool {
    is_label(text) && !is_reserved(text)
}

/// Whether a text can be a label, which selects tenants on the command line.
fn is_label(text: &str) -> bool {
    const LONGEST: usize = 64;
    let fits = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    text.len() <= LONGEST
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && !text.ends_with('.')
        && text.chars().all(fits)
}

/// Whether Windows takes a file's name for a device, whatever its extension.
fn is_reserved(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    match stem.strip_prefix("com").or(stem.strip_prefix("lpt")) {
        Some(port) => matches!(port.as_bytes(), [b'1'..=b'9']),
        None => matches!(&*stem, "con" | "prn" | "aux" | "nul"),
    }
}

/// Whether a text is a GUID, or has the form of a domain.
fn is_tenant_id(text: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || character == '-')
    };
    Guid::parse(text).is_some()
        || (text.len() <= 253 && text.contains('.') && text.split('.').all(label))
}
