//! The processes of a benchmark. This program starts itself once more for each, so that none of
//! them carries what another one needs.

use std::process::{Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::baseline::{self, Baseline};
use crate::load_client::{self, Load};
use crate::proxied::{self, Server};
use crate::spawner::{self, Spawns};

/// What a process does, as the one argument on its command line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Role {
    Baseline(Baseline),
    Serve(Server),
    Load(Load),
    Spawn(Spawns),
}

impl Role {
    /// What the command line says, if it names a role.
    pub(crate) fn parse(argument: &str) -> Option<Self> {
        serde_json::from_str(argument).ok()
    }

    /// Plays it; the figures go to standard output.
    pub(crate) fn play(&self) {
        match self {
            Self::Baseline(baseline) => baseline::serve(baseline),
            Self::Serve(server) => proxied::serve(server),
            Self::Load(load) => print(&load_client::run(load)),
            Self::Spawn(spawns) => print(&spawner::run(spawns)),
        }
    }

    /// The command that plays it.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("our own path"));
        command.arg(serde_json::to_string(self).expect("plain structs"));
        command
    }
}

/// Plays a role in a process of its own and reads its figures.
pub(crate) fn run<T: DeserializeOwned>(role: &Role) -> T {
    let output = role
        .command()
        .stderr(Stdio::inherit())
        .output()
        .expect("our own program");
    assert!(
        output.status.success(),
        "{role:?} ended with {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).expect("its figures")
}

fn print(figures: &impl Serialize) {
    serde_json::to_writer(std::io::stdout(), figures).expect("the parent reads");
}
