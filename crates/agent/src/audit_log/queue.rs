//! The bounded queue of lines, in the order in which things happened.

use std::collections::VecDeque;

use super::entry::Entry;

/// Lines per batch: written together in one transaction.
pub(super) const BATCH_SIZE: usize = 512;
/// Hand-outs that may be queued; more are only counted. About 3 MB.
pub(super) const MAX_QUEUED: usize = 64 * BATCH_SIZE;
/// Changes have this much more room: they are few, and each waits for its own write.
const MAX_WITH_CHANGES: usize = MAX_QUEUED + 8 * BATCH_SIZE;

/// Lines in chunks of one size, because the allocator returns little memory of a fragmented heap.
/// Only the last chunk grows.
#[derive(Default)]
pub(super) struct Queue {
    batches: VecDeque<Vec<Entry>>,
    /// Lines that did not fit.
    unrecorded: u64,
}

impl Queue {
    /// Appends a line, or counts it if there is no room. True if the writer has new work: the first
    /// line, or a batch that became full.
    pub(super) fn push(&mut self, mut entry: Entry) -> bool {
        if let Some(last) = self.batches.back().and_then(|batch| batch.last()) {
            entry.share_actor(last);
        }
        let batches = self.batches.len();
        let room = if entry.is_change() {
            MAX_WITH_CHANGES
        } else {
            MAX_QUEUED
        };
        match self.batches.back_mut() {
            Some(batch) if batch.len() < BATCH_SIZE => {
                batch.push(entry);
                batch.len() == BATCH_SIZE
            }
            _ if batches * BATCH_SIZE >= room => {
                self.unrecorded += 1;
                false
            }
            _ => {
                self.batches.push_back(vec![entry]);
                batches == 0
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    pub(super) fn has_full_batch(&self) -> bool {
        let first = self.batches.front();
        self.batches.len() > 1 || first.is_some_and(|batch| batch.len() == BATCH_SIZE)
    }

    pub(super) fn batches(&self) -> usize {
        self.batches.len()
    }

    pub(super) fn pop(&mut self) -> Option<Vec<Entry>> {
        self.batches.pop_front()
    }

    /// Puts back what could not be written: one batch more than the bound, at most.
    pub(super) fn put_back(&mut self, batch: Vec<Entry>) {
        self.batches.push_front(batch);
    }

    /// How many lines were left out.
    pub(super) fn unrecorded(&self) -> u64 {
        self.unrecorded
    }

    /// So many of them are told by the log now; more may have been counted meanwhile.
    pub(super) fn forget_unrecorded(&mut self, count: u64) {
        self.unrecorded -= count;
    }
}
