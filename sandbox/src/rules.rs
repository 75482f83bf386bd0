//! What the service refuses in a body, and the form in which it keeps what it takes.

mod apps;
pub(crate) mod assignment;
pub(crate) mod body;
pub(crate) mod enrollment;
pub(crate) mod expression;
mod filter;
mod remediation;

pub(crate) use self::remediation::with_seven_decimals;
