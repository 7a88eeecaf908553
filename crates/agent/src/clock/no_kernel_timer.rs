//! For systems where no timer that follows the wall clock is known to us.

use jiff::Timestamp;

/// A timer that the kernel keeps; there is none.
#[derive(Debug)]
pub enum KernelTimer {}

impl KernelTimer {
    pub(super) fn new() -> Option<Self> {
        None
    }

    pub(super) async fn sleep_until(&mut self, _deadline: Option<Timestamp>) {
        match *self {}
    }
}
