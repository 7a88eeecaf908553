//! What **happens**: sign-in, refresh, alarms, disconnect. The sole writer of the vault.
//!
//! One [`Agent`] serves one home. It is a cheap handle; every face (socket, loopback listener, later the
//! window) calls the same methods. Data flows in one direction: a call becomes a change in the
//! [`Vault`], the change becomes an event, and views read a fresh snapshot.
//!
//! Where each flow of a login lives:
//!
//! | flow | module |
//! | --- | --- |
//! | start and stop; taking over what a crash left, as `Vault::reconcile` found it | `agent` |
//! | handing out a token, from memory or after a refresh | `token` |
//! | one refresh for all who wait | `refresh` |
//! | a grant that the keychain did not take: held, served, retried | `refresh::saving` |
//! | a refresh that brought nothing: refused, postponed, unclear; backing off | `refresh::refresh_error` |
//! | refreshing before anybody asks; unsaved grants; a reconciliation put off at start; sleep, wake and clock jumps | `alarm` |
//! | sign-in: begin, listener, callback, finish, page | [`sign_in`] |
//! | disconnect and revocation, finished after a crash | `disconnect` |
//! | a grant that nobody keeps: given back, unless others live by the same consent | `consent` |
//! | registering OAuth clients | `authenticators` |
//! | an authenticator made ready for requests, with its secret | `client` |
//! | requests to providers, in their dialects | [`protocol`] |
//! | whose login it is | `protocol::account`, then `sign_in::finish` |
//! | the memory of all connections: rows, live grants, flights, alarms | `book` |
//! | looking at connections and at the agent; what may be changed of them | `connections`, `status`, `settings` |
//! | how callers name things | `key` |
//! | the audit log | `audit_log` |
//! | client keys and links of the loopback listener | `keys`, `links` |
//!
//! Who may come in is `valetkey_server`'s (`doors::gate`, `permission`), what is kept and in which
//! order [`valetkey_vault`]'s, how a provider misbehaves in tests `valetkey_demo_provider`'s.
//!
//! Three rules hold everywhere:
//!
//! - The book is locked for moments, never across `.await`; what comes back after an `.await` is
//!   put through [`valetkey_core::connection_state::apply`], which refuses what is late, or, for rows that the
//!   vault mended, compared by status or generation.
//! - The keychain leads: of a later grant the item is written first, the row second, and the book, and
//!   so anybody, is told third; a caller who comes meanwhile gets the old token while it lives, or
//!   waits. Only a grant whose write failed is served from memory alone. First grants and removals
//!   begin with their row (see [`valetkey_vault`]).
//! - Whatever was sent to a provider runs to its end, or to the agent's stop (which waits longer than
//!   the longest refresh): callers wait for work, they do not own it (`work`).
//!
//! [`Vault`]: valetkey_vault::Vault

mod agent;
mod alarm;
mod audit_log;
mod authenticators;
mod book;
mod client;
mod clock;
mod connections;
mod consent;
mod disconnect;
mod error;
mod key;
mod keys;
mod links;
pub mod protocol;
mod random;
mod refresh;
mod settings;
pub mod sign_in;
mod status;
mod token;
mod work;

pub use agent::{Agent, Config};
/// Where logins are kept: what a host opens before it starts an [`Agent`].
pub use valetkey_vault as vault;

pub use authenticators::{AuthenticatorChange, AuthenticatorView};
pub use book::LiveGrant;
pub use client::Client;
pub use clock::{Clock, Sleep, SystemClock, TestClock};
pub use connections::{ConnectionChange, ConnectionView, LabelChange};
pub use disconnect::Disconnected;
pub use error::AgentError;
pub use key::{Actor, AuthenticatorKey, ConnectionKey};
pub use keys::KeyAsk;
pub use links::LinkTarget;
pub use status::{AgentStatus, Check, CheckOutcome};
pub use token::{Invalidated, TokenAnswer, TokenAsk};
