//! The contract of the API: every request and response, the error codes, and a typed client.
//!
//! The server and the CLI use these types, the OpenAPI document is made from them
//! (feature `openapi`). There is no server and no agent here, and no rule about what happens.
//!
//! Conventions: `snake_case`; times are RFC 3339 in UTC, or null where there is none; durations are
//! whole seconds and say so in their names; a thing is named by `id` and by `name`; lists are
//! wrapped (`{"connections": [...]}`), so that a field can join them; absent and null mean the same
//! in requests but for [`Patch`]. Unknown fields of a request are refused, those of a reply ignored.
//!
//! | module | routes under `/api/v1` |
//! | --- | --- |
//! | [`authenticators`] | `oauth/providers`, `oauth/authenticators` |
//! | [`connections`] | `credentials/connections` |
//! | [`sign_in`] | POST `credentials/connections`, `credentials/sessions` |
//! | [`discovery`] | `oauth/discover` |
//! | [`token`] | `credentials/connections/{id}/token`, `refresh`, `invalidate`, `test` |
//! | [`clients`] | `clients` (keys) |
//! | [`events`] | `events` |
//! | [`agent`] | `status`, `settings`, `pause`, `resume`, `shutdown`, `window`, `doctor` |
//! | [`error`] | the body of every error |
//! | [`error_text`] | no route: how an error looks on a terminal |
//! | [`endpoint`] | no route: the file that says where the agent listens |
//! | [`own_providers`] | no route: the person's own catalogue files, read by every program of ours |
//! | [`client`] | no route: the blocking client over the Unix socket |
//! | [`command_line`] | no route: the program of a command that a person writes |
//! | `browser` | no route: opening the browser, for clients with a person in front (feature `browser`) |

pub mod access;
pub mod agent;
pub mod authenticators;
#[cfg(feature = "browser")]
pub mod browser;
pub mod client;
pub mod clients;
pub mod command_line;
pub mod connections;
pub mod discovery;
pub mod endpoint;
pub mod error;
pub mod error_text;
pub mod events;
mod object;
pub mod own_providers;
pub mod patch;
pub mod sign_in;
pub mod token;
mod wire_secret;

/// The nouns that requests and replies are made of.
pub use valetkey_core as core;

pub use error::{ApiError, ErrorBody, ErrorCode};
pub use patch::Patch;

/// Where all routes begin.
pub const PREFIX: &str = "/api/v1";
