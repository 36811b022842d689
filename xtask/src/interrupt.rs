//! Ctrl-C as a mark that waits look at, so that what was started is taken down by the ordinary way out.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

static LISTENING: AtomicBool = AtomicBool::new(false);
static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C (and a polite `kill`) sets the mark and ends nothing by itself.
pub(crate) fn listen() -> Result<()> {
    if LISTENING.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    ctrlc::set_handler(|| ASKED.store(true, Ordering::SeqCst)).context("could not listen for Ctrl-C")
}

/// Whether we were asked to end.
pub(crate) fn is_asked() -> bool {
    ASKED.load(Ordering::SeqCst)
}

/// Fails once we were asked to end.
pub(crate) fn check() -> Result<()> {
    if is_asked() {
        bail!("interrupted");
    }
    Ok(())
}
