//! How the agent says where it listens: `endpoint.json` (0600, in the data folder) while it runs,
//! and one line on stdout when it starts.

use std::iter;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use valetkey_core::home::Home;

use crate::error::ApiError;

/// Content of `endpoint.json`. The agent writes it whole (temporary file, rename) once its listeners are
/// bound and removes it when it stops.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The Unix socket; elsewhere than usual if the usual path is too long.
    pub socket: PathBuf,
    /// Port of the loopback listener; null while it is closed.
    pub port: Option<u16>,
    /// The agent's process.
    pub pid: u32,
    /// The agent's version.
    pub version: String,
}

impl Endpoint {
    /// What the file of this home says; None if there is none, or none that can be read.
    pub fn read(home: &Home) -> Option<Self> {
        let bytes = std::fs::read(home.endpoint()).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Where the agent of this home may listen: at the usual path, or where the file says. It was
    /// perhaps started with another runtime folder (`su`, `cron`, `ssh`), or the path was too long.
    pub fn sockets(home: &Home) -> impl Iterator<Item = PathBuf> {
        let told = || Self::read(home).map(|endpoint| endpoint.socket);
        home.socket()
            .into_iter()
            .chain(iter::once_with(told).flatten())
    }
}

/// The one JSON line that `valetkey-agent` writes to stdout: `{"ready": {...}}` once its listeners are
/// bound, or `{"failed": {...}}` before it ends. With `--background` it closes stdout after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StartLine {
    /// It listens here. With `--background` this may be another agent that ran already.
    Ready(Endpoint),
    /// It could not start.
    Failed(Box<ApiError>),
}
