//! Which processors a process may run on.

use std::fmt;
use std::fs;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Where client and server of a measurement run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cpus(Vec<usize>);

impl Cpus {
    /// All that this process may use.
    pub(crate) fn all() -> Self {
        let set = sched_getaffinity(None).expect("a process may ask about itself");
        Self(
            (0..CpuSet::MAX_CPU)
                .filter(|cpu| set.is_set(*cpu))
                .collect(),
        )
    }

    /// One, and not the first, which serves most interrupts. On it nothing that a server costs is
    /// hidden by the time that another, sleeping processor takes to wake up.
    pub(crate) fn one() -> Self {
        let Self(all) = Self::all();
        Self(all.last().copied().into_iter().collect())
    }

    /// From what `Display` writes.
    pub(crate) fn parse(text: &str) -> Self {
        let number = |cpu: &str| cpu.parse().expect("numbers with commas between them");
        Self(text.split(',').map(number).collect())
    }

    /// Moves the calling thread; what it starts stays with it.
    pub(crate) fn apply(&self) {
        sched_setaffinity(None, &self.set()).expect("processors that we may use");
    }

    /// Moves every thread of another process.
    pub(crate) fn apply_to(&self, pid: u32) {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("our own child");
        for thread in threads {
            let name = thread.expect("our own child").file_name();
            let id = name.to_str().and_then(|id| id.parse().ok());
            let id = id.and_then(Pid::from_raw).expect("a thread's id");
            sched_setaffinity(Some(id), &self.set()).expect("processors that we may use");
        }
    }

    fn set(&self) -> CpuSet {
        let mut set = CpuSet::new();
        for cpu in &self.0 {
            set.set(*cpu);
        }
        set
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        formatter.write_str(&numbers.join(","))
    }
}
