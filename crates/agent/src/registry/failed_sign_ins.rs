//! The last sign-in of each connection and authenticator, if it failed: shown until the next one begins.

use jiff::Timestamp;
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_core::sign_in::{Remedy, SignInState};
use valetkey_vault::SignInRow;

use super::ConnectionRegistry;
use crate::sign_in::Failed;

/// A sign-in that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedSignIn {
    /// Its id.
    pub id: SignInId,
    /// How it ended.
    pub state: SignInState,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why, and what mends it.
    pub failed: Failed,
}

impl FailedSignIn {
    /// None if it did not fail.
    fn of(row: &SignInRow) -> Option<Self> {
        let failed = Failed {
            remedy: row.remedy.unwrap_or(Remedy::StartAgain),
            message: row.problem.clone()?,
            hint: row.hint.clone(),
        };
        Some(Self {
            id: row.id,
            state: row.state,
            ended_at: row.ended_at?,
            failed,
        })
    }
}

impl ConnectionRegistry {
    /// Takes over where a sign-in stands. One that renews no connection belongs to its authenticator.
    pub(crate) fn follow_sign_in(&mut self, row: &SignInRow) {
        let last = match row.renews {
            Some(id) => self.last_failure_of(id),
            None => self
                .authenticators
                .get_mut(&row.authenticator)
                .map(|entry| &mut entry.failed_sign_in),
        };
        if let Some(last) = last {
            *last = FailedSignIn::of(row);
        }
        if let Some(last) = row.connection.and_then(|id| self.last_failure_of(id)) {
            *last = None;
        }
    }

    fn last_failure_of(&mut self, id: ConnectionId) -> Option<&mut Option<FailedSignIn>> {
        let entry = self.entries.get_mut(&id)?;
        Some(&mut entry.failed_sign_in)
    }

    /// The last sign-in of a new account, if it failed.
    pub(crate) fn failed_sign_in(&self, id: AuthenticatorId) -> Option<&FailedSignIn> {
        self.authenticators.get(&id)?.failed_sign_in.as_ref()
    }
}
