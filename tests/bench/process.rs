//! Whole processes: `valetkey token` beside `/bin/true`, and memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::load::median;
use crate::report::Report;
use crate::scene::{Scene, Sizes};

/// `valetkey token X`, from fork to exit, beside `/bin/true`.
pub(crate) fn whole_process(scene: &Scene, sizes: &Sizes, report: &mut Report) {
    let (mut least, mut token) = (Vec::new(), Vec::new());
    for round in 0..sizes.processes {
        let mut one = Command::new("/bin/true");
        let mut other = scene.valetkey(&["token", "bench"]);
        let (one, other) = (time(&mut one), time(&mut other));
        // The first few fill the page cache.
        if round >= 10 {
            least.push(one);
            token.push(other);
        }
    }
    report.ratio(
        "`valetkey token`, whole process, beside `/bin/true`",
        median(&mut least),
        median(&mut token),
        Some(2.2),
    );
}

fn time(command: &mut Command) -> Duration {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    let status = command.status().expect("the program starts");
    let took = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    took
}

/// The memory of a process, with its budget.
pub(crate) fn memory(what: &str, pid: u32, budget: f64, report: &mut Report) {
    let what = format!("memory (PSS), {what}");
    report.figure(&what, pss(pid), "MB", Some(budget));
}

/// Proportional set size of a process, in MB.
pub(crate) fn pss(pid: u32) -> f64 {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = std::fs::read_to_string(Path::new(&path)).expect("our own child");
    let kib: f64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|figure| figure.trim().parse().ok())
        .expect("smaps_rollup names the PSS");
    kib / 1024.0
}
