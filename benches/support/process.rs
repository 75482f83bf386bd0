//! What this process has used, as the kernel counts it.

/// The most memory that was resident so far, in bytes. None where the system does not tell.
pub(crate) fn peak_memory() -> Option<u64> {
    status("VmHWM:")
}

/// The memory that is resident now, in bytes. None where the system does not tell.
pub(crate) fn memory() -> Option<u64> {
    status("VmRSS:")
}

fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
