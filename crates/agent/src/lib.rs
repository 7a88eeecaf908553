//! What **happens**: sign-in, refresh, alarms, disconnect. The sole writer of the vault.
//!
//! One [`Agent`] serves one home. It is a cheap handle; every face (socket, loopback door, window)
//! calls the same methods. Data flows in one direction: a call becomes a change in the [`Vault`],
//! the change becomes an event, and views read a fresh snapshot.
//!
//! Where each flow of a login lives:
//!
//! | flow | module |
//! | --- | --- |
//! | handing out a token, from memory or after a refresh | `token` |
//! | one refresh for all who wait; what its outcome leads to | `refresh` |
//! | refreshing before anybody asks; sleep, wake and clock jumps | `alarm` |
//! | sign-in: begin, listener, callback, finish, page | [`sign_in`] |
//! | disconnect and revocation, finished after a crash | `disconnect` |
//! | registering OAuth clients | `authenticators` |
//! | requests to providers, in their dialects | [`protocol`] |
//! | the memory of all connections: rows, live grants, flights, alarms | `book` |
//! | the audit log | `journal` |
//! | client keys and links of the loopback door | `keys`, `links` |
//!
//! Three rules hold everywhere:
//!
//! - The book is locked for moments, never across `.await`; what comes back after an `.await` is
//!   put through [`valetkey_core::life::step`], which refuses what is late.
//! - The keychain leads: item first, row second, answer third.
//! - Whatever was sent to a provider runs to its end: callers wait for work, they do not own it.
//!
//! [`Vault`]: valetkey_vault::Vault

mod agent;
mod alarm;
mod authenticators;
mod book;
mod client;
mod clock;
mod connections;
mod disconnect;
mod error;
mod journal;
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

pub use agent::{Agent, Config};
/// Where logins are kept: what a host opens before it starts an [`Agent`].
pub use valetkey_vault as vault;

pub use authenticators::AuthenticatorView;
pub use book::LiveGrant;
pub use client::Client;
pub use clock::{Clock, Sleep, SystemClock, TestClock};
pub use connections::{ConnectionChange, ConnectionView, LabelChange};
pub use disconnect::Disconnected;
pub use error::AgentError;
pub use key::{Actor, AuthenticatorKey, ConnectionKey};
pub use keys::KeyAsk;
pub use links::LinkTarget;
pub use settings::Settings;
pub use status::{AgentStatus, Check};
pub use token::{Invalidated, TokenAnswer, TokenAsk};
