//! The memory of a process.

use std::fs;

use crate::report::Report;

/// The memory of a process, with its budget.
pub(crate) fn measure(what: &str, pid: u32, budget: f64, report: &mut Report) {
    let what = format!("memory (PSS), {what}");
    report.figure(&what, pss(pid), "MB", Some(budget));
}

/// Proportional set size of a process, in MB.
pub(crate) fn pss(pid: u32) -> f64 {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).expect("our own child");
    let kib: f64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|figure| figure.trim().parse().ok())
        .expect("smaps_rollup names the PSS");
    kib / 1024.0
}
