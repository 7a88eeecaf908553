//! The one way in which the agent's process ends: somebody asks, everyone who waits hears it.

use tokio::sync::watch;

/// A cheap handle on the wish to stop.
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
        let mut wish = self.0.subscribe();
        // Cannot fail: `self` holds a sender.
        wish.wait_for(|asked| *asked).await.ok();
    }
}
