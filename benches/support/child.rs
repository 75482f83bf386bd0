//! What another process has used, as the kernel counts it. None where the system does not tell.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// How often the kernel's clock of processor times ticks in a second, on every Linux.
const TICKS: u64 = 100;

/// The processor time of all its threads, those that have ended included.
pub(crate) fn cpu(process: u32) -> Option<Duration> {
    times(&process.to_string(), 11)
}

/// A line of its status in bytes: `VmHWM` for the most memory so far, `VmRSS` for what it has now.
pub(crate) fn memory(process: u32, key: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let value = line.strip_prefix(':')?.trim().strip_suffix("kB")?;
    Some(value.trim().parse::<u64>().ok()? * 1024)
}

/// How a process ended, and what it has used until then.
pub(crate) struct Watched {
    pub(crate) status: ExitStatus,
    /// The processor time of this process's children that have ended meanwhile: of this one alone,
    /// where no other has.
    pub(crate) cpu: Duration,
    /// The most memory that it had, as seen at the intervals.
    pub(crate) memory: u64,
}

/// Looks at a child at intervals until it has ended.
pub(crate) fn watch(
    child: &mut Child,
    interval: Duration,
    mut look: impl FnMut(u32),
) -> io::Result<Watched> {
    let before = of_ended().unwrap_or_default();
    let mut most = 0;
    loop {
        if let Some(status) = child.try_wait()? {
            let cpu = of_ended().unwrap_or_default().saturating_sub(before);
            return Ok(Watched {
                status,
                cpu,
                memory: most,
            });
        }
        most = memory(child.id(), "VmHWM").unwrap_or(0).max(most);
        look(child.id());
        std::thread::sleep(interval);
    }
}

/// The processor time of all children that were waited for.
fn of_ended() -> Option<Duration> {
    times("self", 13)
}

/// Two neighbouring fields of a process's status, in ticks.
fn times(process: &str, first: usize) -> Option<Duration> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold spaces; what follows it begins with the third field.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(first);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1000 / TICKS))
}
