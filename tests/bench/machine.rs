//! This machine, and talking to its person.

use std::io::Write as _;

/// Words go to stderr; the report alone goes to stdout.
pub(crate) fn say(words: &str) {
    // A closed stderr must not end a benchmark.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// CPU and kernel, in one line.
pub(crate) fn describe() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu_info = read("/proc/cpuinfo");
    let model = cpu_info
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'))
        .map_or("unknown CPU", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!("{model}, {cores} cores, Linux {}", kernel.trim())
}
