//! Text for people: pure functions from responses.
//!
//! Times are relative to `now`; the exact ones stand in `--json`. Text from outside passes through
//! [`valetkey_api::core::printable`].

pub(crate) mod access;
pub(crate) mod agent;
pub(crate) mod authenticators;
pub(crate) mod connections;
pub(crate) mod discovery;
pub(crate) mod doctor;
pub(crate) mod events;
mod failure;
pub(crate) mod import;
pub(crate) mod keys;
pub(crate) mod proxy;
mod scopes;
pub(crate) mod settings;
pub(crate) mod sign_in;
mod table;
mod time;

#[cfg(test)]
mod fixtures;

pub(crate) use failure::{failure, warning};
