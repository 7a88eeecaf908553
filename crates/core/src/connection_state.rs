//! The life of a connection: one enum of states, one total transition function.
//!
//! The hard problem is that slow work (a refresh, a sign-in, a crash in the middle of either) ends
//! after the world has moved on. The answer is the **generation**: every grant has a number, work
//! remembers the number it began with, and [`step`] ignores what comes back under another one.
//!
//! `connecting -> active -> (refreshing -> active)* -> expired | needs_reconnect -> active ... ->
//! removing -> gone` (gone is the absence of the row).

use serde::{Deserialize, Serialize};

use crate::id::Generation;

/// Where a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The first sign-in is being stored.
    Connecting,
    /// A grant is stored and usable.
    Active,
    /// A refresh is under way; the old token is served while it is valid.
    Refreshing,
    /// The token ended and could not be renewed yet; it is retried automatically.
    Expired,
    /// Only the person can mend it, by signing in again.
    NeedsReconnect,
    /// Being removed; nothing leads out of here but the end.
    Removing,
}

impl Status {
    /// All states, in the order of a life.
    pub const ALL: [Self; 6] = [
        Self::Connecting,
        Self::Active,
        Self::Refreshing,
        Self::Expired,
        Self::NeedsReconnect,
        Self::Removing,
    ];

    /// The word used on every face.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Active => "active",
            Self::Refreshing => "refreshing",
            Self::Expired => "expired",
            Self::NeedsReconnect => "needs_reconnect",
            Self::Removing => "removing",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// State and generation: all that decides what may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionState {
    /// Where it stands.
    pub status: Status,
    /// The newest grant's number.
    pub generation: Generation,
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// A sign-in stored a new grant. Renews a connection in any state but `removing`.
    SignedIn,
    /// A refresh begins.
    RefreshBegan,
    /// A refresh that began under `from` stored a new grant.
    Refreshed {
        /// The generation that was refreshed.
        from: Generation,
    },
    /// A refresh that began under `from` failed for now.
    Postponed {
        /// The generation that was to be refreshed.
        from: Generation,
        /// Whether its access token has not expired.
        is_valid: bool,
    },
    /// The provider refused the grant that began under `from` for good.
    Refused {
        /// The refused generation.
        from: Generation,
    },
    /// The access token reached its end.
    Ended,
    /// The stored item is gone.
    ItemLost,
    /// The item that was lost is there again.
    ItemFound {
        /// Whether its access token has not expired.
        is_valid: bool,
    },
    /// The item holds a newer grant than the row knew (a crash between the two writes).
    ItemNewer {
        /// The item's generation.
        generation: Generation,
        /// Whether its access token has not expired.
        is_valid: bool,
    },
    /// The person disconnects.
    Disconnected,
}

/// The transition changes nothing: it is late, or the connection is being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("came too late to change anything")]
pub struct StaleTransition;

/// The one transition function: what `life` becomes when `transition` happens.
pub fn apply(
    state: ConnectionState,
    transition: Transition,
) -> Result<ConnectionState, StaleTransition> {
    let ConnectionState { status, generation } = state;
    let to = |status| Ok(ConnectionState { status, generation });
    let rested = |is_valid| {
        if is_valid {
            Status::Active
        } else {
            Status::Expired
        }
    };
    if status == Status::Removing {
        return Err(StaleTransition);
    }
    match transition {
        Transition::Disconnected => Ok(ConnectionState {
            status: Status::Removing,
            generation: generation.next(),
        }),
        Transition::SignedIn => Ok(ConnectionState {
            status: Status::Active,
            generation: generation.next(),
        }),
        Transition::RefreshBegan => match status {
            Status::Active | Status::Expired | Status::Refreshing => to(Status::Refreshing),
            Status::Connecting | Status::NeedsReconnect | Status::Removing => Err(StaleTransition),
        },
        Transition::Refreshed { from } if from == generation => Ok(ConnectionState {
            status: Status::Active,
            generation: generation.next(),
        }),
        Transition::Postponed { from, is_valid } if from == generation => match status {
            Status::NeedsReconnect | Status::Connecting => Err(StaleTransition),
            Status::Active | Status::Refreshing | Status::Expired | Status::Removing => {
                to(rested(is_valid))
            }
        },
        Transition::Refused { from } if from == generation => to(Status::NeedsReconnect),
        Transition::Ended => match status {
            Status::Active => to(Status::Expired),
            Status::Connecting
            | Status::Refreshing
            | Status::Expired
            | Status::NeedsReconnect
            | Status::Removing => Err(StaleTransition),
        },
        Transition::ItemLost => to(Status::NeedsReconnect),
        Transition::ItemFound { is_valid } => match status {
            Status::NeedsReconnect => to(rested(is_valid)),
            Status::Connecting
            | Status::Active
            | Status::Refreshing
            | Status::Expired
            | Status::Removing => Err(StaleTransition),
        },
        Transition::ItemNewer {
            generation: newer,
            is_valid,
        } if newer > generation => Ok(ConnectionState {
            status: rested(is_valid),
            generation: newer,
        }),
        Transition::Refreshed { .. }
        | Transition::Postponed { .. }
        | Transition::Refused { .. }
        | Transition::ItemNewer { .. } => Err(StaleTransition),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = ConnectionState> {
        (prop::sample::select(&Status::ALL[..]), 0_u64..5).prop_map(|(status, g)| ConnectionState {
            status,
            generation: Generation(g),
        })
    }

    fn any_happening() -> impl Strategy<Value = Transition> {
        let from = (0_u64..5).prop_map(Generation);
        prop_oneof![
            Just(Transition::SignedIn),
            Just(Transition::RefreshBegan),
            from.clone().prop_map(|from| Transition::Refreshed { from }),
            (from.clone(), any::<bool>())
                .prop_map(|(from, is_valid)| Transition::Postponed { from, is_valid }),
            from.clone().prop_map(|from| Transition::Refused { from }),
            Just(Transition::Ended),
            Just(Transition::ItemLost),
            any::<bool>().prop_map(|is_valid| Transition::ItemFound { is_valid }),
            (from, any::<bool>()).prop_map(|(generation, is_valid)| Transition::ItemNewer {
                generation,
                is_valid
            }),
            Just(Transition::Disconnected),
        ]
    }

    proptest! {
        #[test]
        fn nothing_revives_a_removed_connection(
            start in any_state(),
            transitions in prop::collection::vec(any_happening(), 0..40),
        ) {
            let removed = apply(start, Transition::Disconnected).unwrap_or(start);
            prop_assert_eq!(removed.status, Status::Removing);
            let end = transitions
                .into_iter()
                .fold(removed, |state, transition| apply(state, transition).unwrap_or(state));
            prop_assert_eq!(end, removed);
        }

        #[test]
        fn an_old_generation_changes_nothing(state in any_state(), old in 0_u64..5, is_valid: bool) {
            let from = Generation(old);
            prop_assume!(from != state.generation);
            for transition in [
                Transition::Refreshed { from },
                Transition::Postponed { from, is_valid },
                Transition::Refused { from },
            ] {
                prop_assert_eq!(apply(state, transition), Err(StaleTransition));
            }
        }

        #[test]
        fn generations_never_go_back(state in any_state(), transition in any_happening()) {
            if let Ok(next) = apply(state, transition) {
                prop_assert!(next.generation >= state.generation);
            }
        }

        #[test]
        fn an_item_found_again_undoes_its_loss_and_nothing_else(state in any_state(), is_valid: bool) {
            let found = apply(state, Transition::ItemFound { is_valid });
            if state.status == Status::NeedsReconnect {
                let status = if is_valid { Status::Active } else { Status::Expired };
                prop_assert_eq!(found, Ok(ConnectionState { status, ..state }));
            } else {
                prop_assert_eq!(found, Err(StaleTransition));
            }
        }

        #[test]
        fn a_new_sign_in_mends_every_state_but_removing(state in any_state()) {
            prop_assume!(state.status != Status::Removing);
            let next = apply(state, Transition::SignedIn).unwrap();
            prop_assert_eq!(next.status, Status::Active);
            prop_assert_eq!(next.generation, state.generation.next());
        }
    }

    #[test]
    fn status_words_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
