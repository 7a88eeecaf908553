//! What the shell knows about itself, and what it has shown once.

use std::fs;

use valetkey_api::core::home::Home;

/// The shell's managed state.
pub(crate) struct Shell {
    pub(crate) home: Home,
}

impl Shell {
    /// Whether it was shown.
    pub(crate) fn has_seen(&self, once: Once) -> bool {
        self.home.state.join(once.file()).exists()
    }

    /// Remembers that it was shown.
    pub(crate) fn mark_seen(&self, once: Once) {
        if let Err(error) = fs::write(self.home.state.join(once.file()), "") {
            tracing::warn!(%error, file = once.file(), "it will be shown again");
        }
    }
}

/// What is shown once; a file remembers it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Once {
    /// The first steps.
    FirstSteps,
    /// The offer to start at login.
    LoginOffer,
    /// The question whether the app goes on without window and tray icon.
    CloseWithoutTray,
}

impl Once {
    const fn file(self) -> &'static str {
        match self {
            Self::FirstSteps => "first-steps-seen",
            Self::LoginOffer => "login-offer-seen",
            Self::CloseWithoutTray => "close-without-tray-seen",
        }
    }
}
