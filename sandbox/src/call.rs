//! A request to Graph that is let in, and what its sender may do.

use std::time::{Duration, SystemTime};

use crate::collections::Family;
use crate::reply::Fault;
use crate::request::Request;
use crate::sign_in::Caller;

/// A request to Graph that is let in, taken apart.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    /// The decoded segments below the version, keys in parentheses split off.
    pub(crate) segments: Vec<String>,
    /// The path below the version, as in the service's own messages.
    pub(crate) place: String,
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) request: &'a Request,
    /// The version root, as the caller sees it.
    pub(crate) root: String,
    pub(crate) caller: Caller,
    pub(crate) now: Duration,
    pub(crate) wall: SystemTime,
    pub(crate) in_batch: bool,
    pub(crate) url_length: usize,
}

impl Call<'_> {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// Returns the text of `@odata.context` for something.
    pub(crate) fn context(&self, of: &str) -> String {
        format!("{}/$metadata#{of}", self.root)
    }

    /// Refuses a caller without the permission to read such objects.
    pub(crate) fn may_read(&self, family: Family) -> Result<(), Fault> {
        self.permit(&family.permissions())
    }

    pub(crate) fn permit(&self, permissions: &[&str]) -> Result<(), Fault> {
        if self.caller.may(permissions) {
            return Ok(());
        }
        // jseerden/IntuneBackupAndRestore#55.
        Err(Fault::wrapped(
            403,
            "Forbidden",
            format!(
                "Application is not authorized to perform this operation. Application must have \
                 one of the following scopes: {}",
                permissions.join(", ")
            ),
        ))
    }
}
