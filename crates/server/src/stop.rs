//! The request to stop the agent's process, and waiting for it.

use tokio::sync::watch;

/// A cheap handle on the request to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Asks everyone to stop. May be called more than once.
    pub fn request(&self) {
        self.0.send_replace(true);
    }

    /// Whether somebody has asked.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once somebody has asked.
    pub async fn requested(&self) {
        let mut requested = self.0.subscribe();
        // Cannot fail: `self` holds a sender.
        requested.wait_for(|asked| *asked).await.ok();
    }
}
