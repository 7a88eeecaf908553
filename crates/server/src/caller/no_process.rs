//! Where the processes of others cannot be looked at yet: every program is unknown, and no answer
//! about it is remembered.

use std::os::fd::AsFd;
use std::path::PathBuf;

use valetkey_api::core::program::{ProcessFacts, Program};

#[derive(Debug)]
pub(super) struct Peer;

pub(super) struct Evidence;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running;

pub(super) struct Ancestry {
    pub(super) processes: Vec<ProcessFacts>,
    pub(super) is_own_window: bool,
}

impl Evidence {
    pub(super) fn of(_: &impl AsFd) -> Self {
        Self
    }

    pub(super) fn accepted_now() -> Self {
        Self
    }
}

impl Peer {
    pub(super) fn new(_: i32, _: Evidence) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "the other platforms look")]
    pub(super) fn running(&self) -> Option<Running> {
        None
    }

    #[expect(clippy::unused_self, reason = "the other platforms look")]
    pub(super) fn ancestry(&self) -> Option<Ancestry> {
        None
    }

    #[expect(clippy::unused_self, reason = "the other platforms look")]
    pub(super) fn working_directory(&self) -> Option<PathBuf> {
        None
    }

    #[expect(clippy::unused_self, reason = "the other platforms look")]
    pub(super) fn is_same_process(&self, _: &Self) -> bool {
        false
    }

    #[expect(clippy::unused_self, reason = "the other platforms look")]
    pub(super) fn settle(&self, program: Program) -> Program {
        program
    }
}
