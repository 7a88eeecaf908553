//! The provider over real HTTP: the protocol, every fault, and the process.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy.toml spares only #[test]"
)]

mod app;
mod binding;
mod dialects;
mod endpoint_faults;
mod faults;
mod handle;

mod process;
mod protocol;
