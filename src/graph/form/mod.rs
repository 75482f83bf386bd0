//! Objects of the service, read property by property as they come, without holding what nobody
//! asks for.
//!
//! Forms are open: a property of the wrong type is no fault of the form. It is kept, so that whoever
//! needs the property can say what is wrong with it, and nobody else is disturbed.

mod policy;
mod property;
mod row;

pub(super) use policy::{PolicyForm, PolicyPage, PolicySeed};
pub(super) use property::{Property, Text};
pub(super) use row::{RowForm, TargetForm};
