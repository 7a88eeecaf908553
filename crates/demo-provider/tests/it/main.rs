//! The provider over real HTTP: as the RFCs want it, with every fault, and as a process.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy.toml spares only #[test]"
)]

mod dialects;
mod faults;
mod life;
mod person;
mod process;
mod protocol;
