//! The vault through its public handle: real database, real threads, a store with faults.

#![expect(
    clippy::unwrap_used,
    reason = "what fails here fails the test, helpers included"
)]

mod audit_chain;
mod audit_key;
mod authenticators;
mod crash;
mod file_store;
mod file_store_recovery;
mod fixture;
mod grants;
#[cfg(unix)]
mod homes;
#[cfg(target_os = "linux")]
mod keychain_timeouts;
mod keyring;
mod size;
mod start;
mod tables;
mod unlogged_events;
