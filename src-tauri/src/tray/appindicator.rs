//! The library for tray icons, which may not be installed. Its binding loads it at the first use and
//! panics without it, so a child process tries first.

use std::process::{ExitCode, Stdio};

use crate::args::Subprocess;
use crate::child_process;

/// Why no icon can be made; None if one can.
pub(super) fn problem() -> Option<String> {
    let tried = child_process::command()
        .args(Subprocess::TryTray.to_args())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match tried {
        Ok(status) if status.success() => None,
        Ok(_) => Some(
            "The library for tray icons is missing (libayatana-appindicator3 or libappindicator3)"
                .to_owned(),
        ),
        Err(error) => Some(format!("It is unknown whether tray icons work ({error})")),
    }
}

/// The process that tries. Its exit code is the answer.
pub(crate) fn run() -> ExitCode {
    // No crash to report.
    std::panic::set_hook(Box::new(|_| std::process::exit(1)));
    let _loaded = &*libappindicator_sys::LIB;
    ExitCode::SUCCESS
}
