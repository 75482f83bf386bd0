//! One property, whose type is not sure yet.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// A property.
#[derive(Debug, Default)]
pub(in crate::graph) enum Property<T> {
    /// It is not there.
    #[default]
    Missing,
    /// It is null.
    Null,
    /// It is what it should be.
    Is(T),
    /// It is something else.
    Other(Value),
}

/// A property that should be text.
pub(in crate::graph) type Text<'a> = Property<Cow<'a, str>>;

impl<T> Property<T> {
    /// Takes what an object says of it. Of a property that comes twice nobody knows which counts.
    pub(super) fn set<E: Error>(&mut self, name: &'static str, value: Self) -> Result<(), E> {
        if !matches!(self, Self::Missing) {
            return Err(E::duplicate_field(name));
        }
        *self = value;
        Ok(())
    }
}

impl Property<Cow<'_, str>> {
    /// Returns the text, where it is one.
    pub(in crate::graph) fn text(&self) -> Option<&str> {
        match self {
            Self::Is(text) => Some(text),
            Self::Missing | Self::Null | Self::Other(_) => None,
        }
    }

    /// Returns the property as it came; none where it did not.
    pub(in crate::graph) fn into_value(self) -> Option<Value> {
        match self {
            Self::Missing => None,
            Self::Null => Some(Value::Null),
            Self::Is(text) => Some(Value::String(text.into_owned())),
            Self::Other(value) => Some(value),
        }
    }
}

/// A property's name.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// What a property may be made of: text, a list or an object; one of them per type.
pub(in crate::graph) trait Content<'de>: Sized {
    /// Takes a text of the input.
    fn from_text(text: Cow<'de, str>) -> Result<Self, Cow<'de, str>> {
        Err(text)
    }

    /// Takes a list.
    fn from_list<A: SeqAccess<'de>>(list: A) -> Result<Property<Self>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(list)).map(Property::Other)
    }

    /// Takes an object.
    fn from_object<A: MapAccess<'de>>(object: A) -> Result<Property<Self>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(object)).map(Property::Other)
    }
}

impl<'de> Content<'de> for Cow<'de, str> {
    fn from_text(text: Self) -> Result<Self, Self> {
        Ok(text)
    }
}

impl<'de, T: Content<'de>> Content<'de> for Vec<Property<T>> {
    fn from_list<A: SeqAccess<'de>>(mut list: A) -> Result<Property<Self>, A::Error> {
        let mut items = Self::with_capacity(list.size_hint().unwrap_or_default().min(1000));
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Property::Is(items))
    }
}

impl<'de, T: Content<'de>> Deserialize<'de> for Property<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PropertyVisitor(PhantomData))
    }
}

struct PropertyVisitor<T>(PhantomData<T>);

impl<'de, T: Content<'de>> PropertyVisitor<T> {
    fn text(text: Cow<'de, str>) -> Property<T> {
        T::from_text(text).map_or_else(
            |text| Property::Other(Value::String(text.into_owned())),
            Property::Is,
        )
    }
}

impl<'de, T: Content<'de>> Visitor<'de> for PropertyVisitor<T> {
    type Value = Property<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Property::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Property::Other(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Property::Other(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Property::Other(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Property::Other(value.into()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Self::text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Self::text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(Self::text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::from_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Self::Value, A::Error> {
        T::from_object(object)
    }
}
