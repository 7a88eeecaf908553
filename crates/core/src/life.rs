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
    /// A refresh is under way; the old token is served while it lives.
    Refreshing,
    /// The token ended and could not be renewed yet; heals by itself or by a refresh.
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
pub struct Life {
    /// Where it stands.
    pub status: Status,
    /// The newest grant's number.
    pub generation: Generation,
}

/// Something that happened to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
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
        /// Whether its access token still lives.
        alive: bool,
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
        /// Whether its access token still lives.
        alive: bool,
    },
    /// The item holds a newer grant than the row knew (a crash between the two writes).
    ItemNewer {
        /// The item's generation.
        generation: Generation,
        /// Whether its access token still lives.
        alive: bool,
    },
    /// The person disconnects.
    Disconnected,
}

/// The happening changes nothing: it is late, or the connection is being removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("came too late to change anything")]
pub struct TooLate;

/// The one transition function: what `life` becomes when `happening` happens.
pub fn step(life: Life, happening: Happening) -> Result<Life, TooLate> {
    let Life { status, generation } = life;
    let to = |status| Ok(Life { status, generation });
    let rested = |alive| {
        if alive {
            Status::Active
        } else {
            Status::Expired
        }
    };
    if status == Status::Removing {
        return Err(TooLate);
    }
    match happening {
        Happening::Disconnected => Ok(Life {
            status: Status::Removing,
            generation: generation.next(),
        }),
        Happening::SignedIn => Ok(Life {
            status: Status::Active,
            generation: generation.next(),
        }),
        Happening::RefreshBegan => match status {
            Status::Active | Status::Expired | Status::Refreshing => to(Status::Refreshing),
            Status::Connecting | Status::NeedsReconnect | Status::Removing => Err(TooLate),
        },
        Happening::Refreshed { from } if from == generation => Ok(Life {
            status: Status::Active,
            generation: generation.next(),
        }),
        Happening::Postponed { from, alive } if from == generation => match status {
            Status::NeedsReconnect | Status::Connecting => Err(TooLate),
            Status::Active | Status::Refreshing | Status::Expired | Status::Removing => {
                to(rested(alive))
            }
        },
        Happening::Refused { from } if from == generation => to(Status::NeedsReconnect),
        Happening::Refreshed { .. } | Happening::Postponed { .. } | Happening::Refused { .. } => {
            Err(TooLate)
        }
        Happening::Ended => match status {
            Status::Active => to(Status::Expired),
            Status::Connecting
            | Status::Refreshing
            | Status::Expired
            | Status::NeedsReconnect
            | Status::Removing => Err(TooLate),
        },
        Happening::ItemLost => to(Status::NeedsReconnect),
        Happening::ItemFound { alive } => match status {
            Status::NeedsReconnect => to(rested(alive)),
            Status::Connecting
            | Status::Active
            | Status::Refreshing
            | Status::Expired
            | Status::Removing => Err(TooLate),
        },
        Happening::ItemNewer {
            generation: newer,
            alive,
        } if newer > generation => Ok(Life {
            status: rested(alive),
            generation: newer,
        }),
        Happening::ItemNewer { .. } => Err(TooLate),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_life() -> impl Strategy<Value = Life> {
        (prop::sample::select(&Status::ALL[..]), 0_u64..5).prop_map(|(status, g)| Life {
            status,
            generation: Generation(g),
        })
    }

    fn any_happening() -> impl Strategy<Value = Happening> {
        let from = (0_u64..5).prop_map(Generation);
        prop_oneof![
            Just(Happening::SignedIn),
            Just(Happening::RefreshBegan),
            from.clone().prop_map(|from| Happening::Refreshed { from }),
            (from.clone(), any::<bool>())
                .prop_map(|(from, alive)| Happening::Postponed { from, alive }),
            from.clone().prop_map(|from| Happening::Refused { from }),
            Just(Happening::Ended),
            Just(Happening::ItemLost),
            any::<bool>().prop_map(|alive| Happening::ItemFound { alive }),
            (from, any::<bool>())
                .prop_map(|(generation, alive)| Happening::ItemNewer { generation, alive }),
            Just(Happening::Disconnected),
        ]
    }

    proptest! {
        #[test]
        fn nothing_revives_a_removed_connection(
            start in any_life(),
            happenings in prop::collection::vec(any_happening(), 0..40),
        ) {
            let removed = step(start, Happening::Disconnected).unwrap_or(start);
            prop_assert_eq!(removed.status, Status::Removing);
            let end = happenings
                .into_iter()
                .fold(removed, |life, happening| step(life, happening).unwrap_or(life));
            prop_assert_eq!(end, removed);
        }

        #[test]
        fn an_old_generation_changes_nothing(life in any_life(), old in 0_u64..5, alive: bool) {
            let from = Generation(old);
            prop_assume!(from != life.generation);
            for happening in [
                Happening::Refreshed { from },
                Happening::Postponed { from, alive },
                Happening::Refused { from },
            ] {
                prop_assert_eq!(step(life, happening), Err(TooLate));
            }
        }

        #[test]
        fn generations_never_go_back(life in any_life(), happening in any_happening()) {
            if let Ok(next) = step(life, happening) {
                prop_assert!(next.generation >= life.generation);
            }
        }

        #[test]
        fn an_item_found_again_undoes_its_loss_and_nothing_else(life in any_life(), alive: bool) {
            let found = step(life, Happening::ItemFound { alive });
            if life.status == Status::NeedsReconnect {
                let status = if alive { Status::Active } else { Status::Expired };
                prop_assert_eq!(found, Ok(Life { status, ..life }));
            } else {
                prop_assert_eq!(found, Err(TooLate));
            }
        }

        #[test]
        fn a_new_sign_in_mends_every_state_but_removing(life in any_life()) {
            prop_assume!(life.status != Status::Removing);
            let next = step(life, Happening::SignedIn).unwrap();
            prop_assert_eq!(next.status, Status::Active);
            prop_assert_eq!(next.generation, life.generation.next());
        }
    }

    #[test]
    fn status_words_read_back() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
    }
}
