//! End-to-end tests: the real binaries, real servers, a real keychain, a real desktop.
//!
//! One binary for all of them, so that they are linked once. `tests/src/lib.rs` is the map of the
//! fixtures they use.

mod api_keys;
mod approvals;
mod binding;
mod bridge;
mod choices;
mod clipboard;
mod concurrent_callers;
mod conformance;
mod crash;
mod crash_unattended;
mod desktop;
mod desktop_faults;
mod desktop_walk;
mod discovery;
mod dns_rebinding;
mod harness;
mod hostile_servers;
mod idle;
mod interleavings;
mod introspection;
mod keychain;
mod leaks;
mod listeners;
mod looks;
mod mcp_servers;
mod network_faults;
mod openapi;
mod page;
mod programs;
mod proxy;
mod random_kills;
mod revocation;
mod sign_in;
mod take_over;
mod tools;
mod window;
