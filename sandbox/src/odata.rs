//! The syntax of OData: paths, query options, filters and pages.

pub(crate) mod path;
pub(crate) mod predicate;
pub(crate) mod query;
