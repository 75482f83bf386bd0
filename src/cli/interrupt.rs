//! Ctrl-C, SIGTERM and SIGHUP (on Windows Ctrl-Break): the first asks the run to end, the second ends
//! it at once.

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::sync::CancellationToken;

use super::progress::Progress;
use crate::exit::Exit;

/// What the second signal leaves behind, in words; nothing most of the time.
#[derive(Clone, Debug, Default)]
pub(super) struct AbortMessage(Arc<Mutex<Option<String>>>);

impl AbortMessage {
    /// Says these words from now on, or none.
    pub(super) fn set(&self, words: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    fn say(&self) {
        if let Some(words) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // The process ends all the same.
            let _ = std::io::stderr().write_all(words.as_bytes());
        }
    }
}

/// Returns a token that the first signal cancels; `progress` then says so. Needs a runtime.
///
/// From the return on no signal is missed: the handlers are there before anything is done that a
/// signal should end well.
pub(super) fn watch(progress: Option<&Progress>) -> CancellationToken {
    watch_with(progress, AbortMessage::default())
}

/// Does the same, and says before it leaves at once what that leaves behind.
pub(super) fn watch_with(
    progress: Option<&Progress>,
    last_words: AbortMessage,
) -> CancellationToken {
    let progress = progress.cloned();
    let token = CancellationToken::new();
    let cancelled = token.clone();
    let mut signals = Signals::new();
    tokio::spawn(async move {
        signals.first().await;
        // First, so that what is left is said as it was when the signal came.
        if let Some(progress) = &progress {
            progress.interrupted();
        }
        cancelled.cancel();
        signals.second().await;
        if let Some(progress) = &progress {
            progress.clear();
        }
        last_words.say();
        leave();
    });
    token
}

#[expect(
    clippy::exit,
    reason = "the second signal means at once, with whatever is still in flight"
)]
fn leave() -> ! {
    std::process::exit(i32::from(Exit::Interrupted.code()))
}

/// The signals that ask a run to end. If no handler can be installed, a signal ends the process by
/// itself.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
    /// The terminal was closed, or the connection to it was lost. `None` under `nohup`, whose purpose
    /// is that the run goes on then.
    hang_up: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            interrupt: signal(SignalKind::interrupt()).ok(),
            terminate: signal(SignalKind::terminate()).ok(),
            hang_up: (!ignores_hang_up())
                .then(|| signal(SignalKind::hangup()).ok())
                .flatten(),
        }
    }

    async fn first(&mut self) {
        tokio::select! {
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
            () = received(&mut self.hang_up) => {}
        }
    }

    /// Someone who does not want to wait. A terminal that is closed is not that: it hangs up more
    /// than once, by the kernel and by the shell.
    async fn second(&mut self) {
        tokio::select! {
            () = received(&mut self.interrupt) => {}
            () = received(&mut self.terminate) => {}
        }
    }
}

/// Whether the process was started with hang-ups ignored. Only Linux says so without unsafe code.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else {
        return false;
    };
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // SIGHUP is number 1, which has the lowest bit.
    ignored.is_some_and(|mask| mask & 1 == 1)
}

#[cfg(unix)]
async fn received(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Ctrl-C, Ctrl-Break (which build agents send to cancel a job), and the closing of the window.
#[cfg(windows)]
struct Signals {
    interrupt: Option<tokio::signal::windows::CtrlC>,
    terminate: Option<tokio::signal::windows::CtrlBreak>,
    close: Option<tokio::signal::windows::CtrlClose>,
}

#[cfg(windows)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        Self {
            interrupt: ctrl_c().ok(),
            terminate: ctrl_break().ok(),
            close: ctrl_close().ok(),
        }
    }

    async fn first(&mut self) {
        let Self {
            interrupt,
            terminate,
            close,
        } = self;
        // What has no handler never comes.
        tokio::select! {
            Some(Some(())) = async { Some(interrupt.as_mut()?.recv().await) } => {}
            Some(Some(())) = async { Some(terminate.as_mut()?.recv().await) } => {}
            Some(Some(())) = async { Some(close.as_mut()?.recv().await) } => {}
            else => std::future::pending().await,
        }
    }

    async fn second(&mut self) {
        self.first().await;
    }
}
