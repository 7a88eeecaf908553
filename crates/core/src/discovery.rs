//! What a server publishes about how to get a token for it, and what follows from it.
//!
//! A person types one URL, of an issuer or of an MCP server. The documents behind it are written by
//! whoever runs that server, so nothing in them is believed that can be compared: the metadata of an
//! issuer names that issuer (RFC 8414, section 3.3), that of a resource names that resource (RFC 9728,
//! section 3.3), character by character. Requests are the agent's; what is asked for and what the
//! answers mean stands here.
//!
//! | module | purpose |
//! | --- | --- |
//! | `well_known` | where metadata is published |
//! | `challenge` | `WWW-Authenticate` (RFC 9110, RFC 6750, RFC 9728) |
//! | `resource` | metadata of a protected resource (RFC 9728) |
//! | `server` | metadata of an authorization server (RFC 8414, OpenID Connect Discovery 1.0) |
//! | `network` | which addresses a server may send us to |
//! | `registration` | how the client becomes known there (RFC 7591, Client ID Metadata Documents) |
//! | `plan` | the authenticator that all of it makes |
//! | `failure` | what can be wrong, in words |

mod challenge;
mod failure;
mod network;
mod plan;
mod registration;
mod resource;
mod server;
mod well_known;

pub use challenge::Challenge;
pub use failure::DiscoveryFailure;
pub use network::{Network, is_named_local, is_public};
pub use plan::{
    Found, FoundResource, Given, Plan, RegistrationPlan, client_id_needed, suggested_name,
};
pub use registration::{
    Answer as RegistrationAnswer, ClientMetadata, Registered, Registration, RegistrationRefused,
    is_unknown_client, redirect_attempts, registration_request,
};
pub use resource::{ResourceMetadata, ResourcePlace};
pub use server::ServerMetadata;
pub use well_known::{issuer_metadata_urls, resource_metadata_urls};

/// Longest text of a document that is shown.
const MAX_SHOWN: usize = 200;

/// Untrusted text for a message.
fn shown(text: &str) -> String {
    crate::printable::shortened(text, MAX_SHOWN)
}
