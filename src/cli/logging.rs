//! The log, on stderr, without secrets.

use std::io;
use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::options::{Common, LogFormat};
use crate::redact::Redactor;

/// Starts the log. It holds our own lines only: what libraries log is not ours to vouch for.
pub(super) fn start(common: &Common, redactor: &Arc<Redactor>) {
    let level = match common.verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("assignctl", level);
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer({
            let redactor = Arc::clone(redactor);
            move || LogWriter(Arc::clone(&redactor))
        });
    let started = match common.log_format {
        LogFormat::Text => builder.with_ansi(false).finish().with(ours).try_init(),
        LogFormat::Json => builder.json().finish().with(ours).try_init(),
    };
    // Called once per process; a second call is harmless.
    drop(started);
}

/// Writes lines of the log, each as a whole, without secrets.
struct LogWriter(Arc<Redactor>);

impl io::Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match self.0.mask_bytes(line) {
            Some(masked) => io::stderr().write_all(&masked)?,
            None => io::stderr().write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
