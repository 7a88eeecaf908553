//! An agent that nobody asks, with a refresh due within the hour.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::environment::Sizes;
use crate::report::Report;

/// The audit log is written, its end is kept in the keychain (a minute after the last line), and the timers of
/// closed connections have run out within this time.
const SETTLED: Duration = Duration::from_secs(75);

/// Wake-ups of all its threads and bytes that it writes to disk.
pub(crate) fn measure(pid: u32, sizes: &Sizes, report: &mut Report) {
    thread::sleep(SETTLED);
    let (wake_ups, written) = (wake_ups(pid), written(pid));
    thread::sleep(sizes.idle);
    let seconds = sizes.idle.as_secs_f64();
    let each_minute = (self::wake_ups(pid) - wake_ups) / seconds * 60.0;
    report.figure(
        "wake-ups a minute of an idle agent, a refresh due within the hour",
        each_minute,
        "",
        Some(0.0),
    );
    let what = format!("written to disk by an idle agent in {seconds:.0} s");
    report.figure(&what, self::written(pid) - written, "bytes", Some(0.0));
}

fn wake_ups(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("our own child");
    let status = threads.map(|it| it.expect("our own child").path().join("status"));
    status
        .map(|file| {
            number(
                &fs::read_to_string(file).expect("our own child"),
                "voluntary_ctxt_switches:",
            )
        })
        .sum()
}

fn written(pid: u32) -> f64 {
    number(
        &fs::read_to_string(format!("/proc/{pid}/io")).expect("our own child"),
        "write_bytes:",
    )
}

fn number(text: &str, name: &str) -> f64 {
    let value = text.lines().find_map(|line| line.strip_prefix(name));
    value
        .and_then(|value| value.trim().parse().ok())
        .expect("the kernel names it")
}
