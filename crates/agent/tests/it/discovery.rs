//! Adding an issuer or an MCP server by its URL, against servers on loopback that say what a test wants.
//!
//! `mcp_musts` holds every obligation of a client in MCP's authorization specification (2026-07-28 and
//! 2025-11-25), each under its own words; the decisions about documents are tested in
//! `valetkey_core::discovery`.

mod forgotten_clients;
mod hostile;
mod interleavings;
mod mcp_musts;
mod registration;
mod registration_tokens;
mod servers;
