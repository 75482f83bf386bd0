//! Where a person signs in. It stands by itself, since signing in comes before what else is printed.

use std::io::{self, Write as _};

use crate::auth::DeviceCode;
use crate::render::clean::clean;

/// Shows a person where to sign in, whatever becomes of it.
pub(super) fn show_code(shown: &DeviceCode) {
    let DeviceCode { address, code } = shown;
    let text = format!(
        "To sign in, open {} in a browser and enter the code {}\n",
        clean(address),
        clean(code)
    );
    let mut stream = io::stderr();
    let _ = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
}
