//! The routes over a real agent, in front of the demo provider: in process, over the listeners, and as
//! the `valetkey-agent` process.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy.toml spares only #[test]"
)]

mod access;
mod advice;
mod attacks;
mod busy_host;
mod client_keys;
mod connect_page;
mod events;
mod export;
mod fixture;
mod gateway;
mod interleaved_changes;
mod listeners;
mod load;
mod manage;
mod needed_scopes;
mod own_providers;
mod own_window;
mod process;
mod proxy;
mod proxy_bound;
mod proxy_ends;
mod proxy_refusals;
mod proxy_settings;
mod proxy_streams;
mod rate_limit;
mod requests;
mod settings;
mod terminal;
mod tokens;
mod widening;
mod widening_routes;
