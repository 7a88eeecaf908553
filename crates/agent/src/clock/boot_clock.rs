//! The boot clock of Linux: `CLOCK_BOOTTIME` (`clock_gettime(2)`), and the id of the boot
//! (`random(4)`).

use jiff::SignedDuration;
use rustix::time::{ClockId, clock_gettime};
use uuid::Uuid;
use valetkey_core::clock_reading::BootTime;

/// Time since the machine started, suspended time included.
#[derive(Debug)]
pub(super) struct BootClock {
    /// None where the kernel or a sandbox does not tell it.
    boot_id: Option<Uuid>,
}

impl BootClock {
    pub(super) fn new() -> Self {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        let boot_id = text.ok().and_then(|text| Uuid::parse_str(text.trim()).ok());
        Self { boot_id }
    }

    pub(super) fn now(&self) -> Option<BootTime> {
        let time = clock_gettime(ClockId::Boottime);
        let nanoseconds = i32::try_from(time.tv_nsec).expect("less than a second");
        Some(BootTime {
            boot_id: self.boot_id?,
            elapsed: SignedDuration::new(time.tv_sec, nanoseconds),
        })
    }
}
