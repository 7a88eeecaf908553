//! The real `valetkey` against an agent of a few lines: exit codes, output, what is asked for.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod add;
mod advice;
mod api_keys;
mod connect;
mod discover;
mod events;
mod export;
mod follow;
mod import;
mod mcp_remote;
mod mistakes;
mod run;
mod start;
mod stub;
mod terminal;
mod token;
mod words;
