//! Authenticators in files: our own export, and what other tools keep. Pure: texts in, fields out; who reads
//! files and asks the person is the face in front.
//!
//! Whatever is read becomes [`Found`] authenticators: fields that are not checked yet, with where they were
//! found. Nothing here trusts a file: lengths are bounded by whoever reads it, depth by the JSON reader, and
//! every field is checked as one that the person typed.
//!
//! | module | what it reads |
//! | --- | --- |
//! | [`mod@file`] | finds out what a file is |
//! | `own` | our export, and the file of one authenticator |
//! | [`encrypted`] | our export with secrets: age, with a passphrase |
//! | [`google`] | `client_secret_*.json` of Google's console |
//! | [`git`] | git configuration for Git Credential Manager and git-credential-oauth |
//! | [`mcp_remote`] | registrations and logins of mcp-remote at MCP servers |
//! | [`oidc_agent`] | issuers and printed accounts of oidc-agent |
//! | [`env_file`] | `FMCP_OAUTH_*` variables |

pub mod encrypted;
mod endpoints;
pub mod env_file;
pub mod file;
mod found;
pub mod git;
pub mod google;
pub mod mcp_remote;
pub mod oidc_agent;
mod own;

pub use found::{Found, FoundAuthenticator, FoundLogin, Unreadable};
