//! The classes of refusals.

use serde::{Deserialize, Serialize};

/// What a refusal of the token endpoint means. See [`crate::token_error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// The refresh token or the code is not valid any more: sign in again.
    DeadGrant,
    /// The provider wants to see the person: a second factor, a new consent. The grant may still live.
    Interaction,
    /// The client registration must be mended. The tokens stay valid.
    FixClient,
    /// The person, or the provider on their behalf, said no.
    Denied,
    /// The request itself was wrong: a repetition would be as wrong.
    Bug,
    /// Worth a retry: overload, outage.
    Later,
    /// Worth one more request at once, with what the answer says (`use_dpop_nonce`).
    RetryOnce,
}
