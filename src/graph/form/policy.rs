//! A policy in a list, and a page of such a list.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::property::{Key, Property, Text};
use super::row::RowForm;
use crate::kinds::{Platform, PolicyKindSpec, TenantDefault};

/// A policy as a list brings it.
#[derive(Debug, Default)]
pub(in crate::graph) struct PolicyForm<'a> {
    pub(in crate::graph) id: Text<'a>,
    pub(in crate::graph) name: Text<'a>,
    pub(in crate::graph) odata_type: Text<'a>,
    /// What the kind's table names, if it names a property with the platforms.
    pub(in crate::graph) platforms: Text<'a>,
    pub(in crate::graph) priority: Text<'a>,
    /// What tells a tenant's default, if a property does.
    pub(in crate::graph) default_flag: Text<'a>,
    pub(in crate::graph) assignments: Property<Vec<Property<RowForm<'a>>>>,
    /// Where the rest of the assignments is, if the list was cut.
    pub(in crate::graph) assignments_next: Text<'a>,
}

/// Reads a policy of a kind.
#[derive(Clone, Copy)]
pub(in crate::graph) struct PolicySeed(pub(in crate::graph) &'static PolicyKindSpec);

impl<'de> DeserializeSeed<'de> for PolicySeed {
    type Value = PolicyForm<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PolicySeed {
    type Value = PolicyForm<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let Self(spec) = self;
        let platforms = match spec.platform {
            Platform::Property(name) => name,
            Platform::FromType | Platform::Only(_) | Platform::Unknown => "",
        };
        let flag = match spec.tenant_default {
            TenantDefault::Flag(name) => name,
            TenantDefault::None | TenantDefault::Priority => "",
        };
        let mut form = PolicyForm::default();
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "id" => form.id.set("id", object.next_value()?)?,
                "@odata.type" => form.odata_type.set("@odata.type", object.next_value()?)?,
                "priority" => form.priority.set("priority", object.next_value()?)?,
                "assignments" => form.assignments.set("assignments", object.next_value()?)?,
                "assignments@odata.nextLink" => form
                    .assignments_next
                    .set("assignments@odata.nextLink", object.next_value()?)?,
                name if name == spec.name_property => {
                    form.name.set(spec.name_property, object.next_value()?)?;
                }
                name if name == platforms => {
                    form.platforms.set(platforms, object.next_value()?)?;
                }
                name if name == flag => {
                    form.default_flag.set(flag, object.next_value()?)?;
                }
                _ => {
                    object.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(form)
    }
}

/// Reads a page, and makes of each policy at once what is to be kept of it.
pub(in crate::graph) struct PolicyPage<F> {
    pub(in crate::graph) spec: &'static PolicyKindSpec,
    pub(in crate::graph) keep: F,
}

impl<'de, T, F: FnMut(PolicyForm<'de>) -> T> DeserializeSeed<'de> for PolicyPage<F> {
    type Value = (Vec<T>, Option<String>);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T, F: FnMut(PolicyForm<'de>) -> T> Visitor<'de> for PolicyPage<F> {
    type Value = (Vec<T>, Option<String>);

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a page of a list")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut page: A) -> Result<Self::Value, A::Error> {
        let (mut policies, mut next_link) = (None, None);
        while let Some(Key(key)) = page.next_key()? {
            match &*key {
                "value" if policies.is_some() => return Err(A::Error::duplicate_field("value")),
                "value" => {
                    policies = Some(page.next_value_seed(Policies {
                        seed: PolicySeed(self.spec),
                        keep: &mut self.keep,
                    })?);
                }
                "@odata.nextLink" if next_link.is_some() => {
                    return Err(A::Error::duplicate_field("@odata.nextLink"));
                }
                "@odata.nextLink" => next_link = Some(page.next_value()?),
                _ => {
                    page.next_value::<IgnoredAny>()?;
                }
            }
        }
        let policies = policies.ok_or_else(|| A::Error::missing_field("value"))?;
        Ok((policies, next_link.flatten()))
    }
}

/// The list of a page.
struct Policies<'f, F> {
    seed: PolicySeed,
    keep: &'f mut F,
}

impl<'de, T, F: FnMut(PolicyForm<'de>) -> T> DeserializeSeed<'de> for Policies<'_, F> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T, F: FnMut(PolicyForm<'de>) -> T> Visitor<'de> for Policies<'_, F> {
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut policies = Vec::new();
        while let Some(policy) = list.next_element_seed(self.seed)? {
            policies.push((self.keep)(policy));
        }
        Ok(policies)
    }
}
