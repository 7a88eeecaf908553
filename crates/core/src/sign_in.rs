//! Where one run of a login flow stands.

use serde::{Deserialize, Serialize};

use crate::event::EventKind;

/// Where a sign-in stands: the field `state`, with what belongs to it.
// The database keeps the bare state; the agent and the API add what is known of a sign-in that was
// completed (`C`), and of one that was denied or failed (`F`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SignInState<C = (), F = ()> {
    /// Waits for the person.
    Started,
    /// The person agreed; the code is being exchanged and the grant stored.
    Authorized,
    /// The grant is stored.
    Completed(C),
    /// The person refused at the provider.
    Denied(F),
    /// It failed.
    Failed(F),
    /// Nobody finished it in time.
    TimedOut,
    /// It was cancelled here.
    Cancelled,
}

impl SignInState {
    const ALL: [Self; 7] = [
        Self::Started,
        Self::Authorized,
        Self::Completed(()),
        Self::Denied(()),
        Self::Failed(()),
        Self::TimedOut,
        Self::Cancelled,
    ];

    /// The state of this word; None if there is none.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl<C, F> SignInState<C, F> {
    /// The word in the API, the database and the user interface.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Authorized => "authorized",
            Self::Completed(_) => "completed",
            Self::Denied(_) => "denied",
            Self::Failed(_) => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    pub const fn has_ended(&self) -> bool {
        match self {
            Self::Started | Self::Authorized => false,
            Self::Completed(_)
            | Self::Denied(_)
            | Self::Failed(_)
            | Self::TimedOut
            | Self::Cancelled => true,
        }
    }

    /// The state without what is known of its end.
    pub const fn bare(&self) -> SignInState {
        match self {
            Self::Started => SignInState::Started,
            Self::Authorized => SignInState::Authorized,
            Self::Completed(_) => SignInState::Completed(()),
            Self::Denied(_) => SignInState::Denied(()),
            Self::Failed(_) => SignInState::Failed(()),
            Self::TimedOut => SignInState::TimedOut,
            Self::Cancelled => SignInState::Cancelled,
        }
    }

    /// The event that records the state.
    pub const fn event_kind(&self) -> EventKind {
        match self {
            Self::Started => EventKind::SignInStarted,
            Self::Authorized => EventKind::SignInAuthorized,
            Self::Completed(_) => EventKind::SignInCompleted,
            Self::Denied(_) => EventKind::SignInDenied,
            Self::Failed(_) => EventKind::SignInFailed,
            Self::TimedOut => EventKind::SignInTimedOut,
            Self::Cancelled => EventKind::SignInCancelled,
        }
    }
}

/// What mends a sign-in that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The person signs in once more.
    StartAgain,
    /// The person decides whether the account takes the place of the one that has the name.
    Replace,
    /// The client is mended at the provider's console.
    FixClient,
    /// Time.
    TryLater,
    /// The keychain is unlocked or started.
    MendKeychain,
    /// It is our bug.
    Report,
}

impl Remedy {
    const ALL: [Self; 6] = [
        Self::StartAgain,
        Self::Replace,
        Self::FixClient,
        Self::TryLater,
        Self::MendKeychain,
        Self::Report,
    ];

    /// The remedy of this word; None if there is none.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::StartAgain => "start_again",
            Self::Replace => "replace",
            Self::FixClient => "fix_client",
            Self::TryLater => "try_later",
            Self::MendKeychain => "mend_keychain",
            Self::Report => "report",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_word_is_the_same_in_the_database_and_in_the_api() {
        for state in SignInState::ALL {
            assert_eq!(SignInState::parse(state.as_str()), Some(state));
            let serialized = serde_json::to_value(state).unwrap();
            assert_eq!(serialized, json!({ "state": state.as_str() }));
        }
        assert_eq!(SignInState::parse("lost"), None);
        for remedy in Remedy::ALL {
            assert_eq!(Remedy::parse(remedy.as_str()), Some(remedy));
        }
    }
}
