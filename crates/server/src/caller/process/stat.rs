//! `/proc/PID/stat`.

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stat {
    pub(super) parent: i32,
    /// Device number of its controlling terminal.
    pub(super) terminal: Option<u64>,
    /// In clock ticks since the machine started.
    pub(super) started: u64,
}

impl Stat {
    /// `PID (name) state ppid pgrp session tty ... starttime ...`; the name may hold anything.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            terminal: Some(fields.get(4)?.parse().ok()?).filter(|number| *number != 0),
            started: fields.get(19)?.parse().ok()?,
        })
    }
}
