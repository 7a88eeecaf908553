//! An agent that nobody asks, with a refresh due in less than an hour: it sleeps until then.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use valetkey_tests::{AgentFixture, wait};

/// Connections and the audit log have settled within some of these.
const MINUTES: u32 = 3;
const MINUTE: Duration = Duration::from_mins(1);
/// A sleep of half a minute would make two, and tokio's timer wheel four more.
const MAX_WAKE_UPS: u64 = 3;

/// `ABSTIME | CANCEL_ON_SET`.
const SETTIME_FLAGS: &str = "settime flags: 03";

#[test]
fn an_idle_agent_sleeps_until_the_next_refresh_is_due() {
    let mut fixture = AgentFixture::start();
    fixture.add("demo");
    fixture.api().sign_in("demo");
    let pid = fixture.agent().process().id();

    wait::until("a timer for the refresh", || {
        let timers = wall_clock_timers(pid);
        // Five minutes before the end of a token that lives an hour, less the jitter.
        let is_planned = |seconds: &u64| (1_800..3_600).contains(seconds);
        (timers.len() == 1 && timers.iter().all(is_planned)).then_some(())
    });

    let mut wake_ups = Vec::new();
    for _ in 0..MINUTES {
        let before = voluntary_switches(pid);
        thread::sleep(MINUTE);
        wake_ups.push(voluntary_switches(pid) - before);
        if wake_ups.last() <= Some(&MAX_WAKE_UPS) {
            return;
        }
    }
    panic!("wake-ups in each minute: {wake_ups:?}");
}

/// Seconds until each timer on the real-time clock that also reports changes of that clock.
fn wall_clock_timers(pid: u32) -> Vec<u64> {
    let files = entries(format!("/proc/{pid}/fdinfo"));
    let texts = files
        .into_iter()
        .filter_map(|file| fs::read_to_string(file).ok());
    texts
        .filter(|text| text.contains("clockid: 0\n") && text.contains(SETTIME_FLAGS))
        .filter_map(|text| {
            let (_, value) = text.split_once("it_value: (")?;
            value.split_once(',')?.0.parse().ok()
        })
        .collect()
}

/// How often its threads have gone to sleep.
fn voluntary_switches(pid: u32) -> u64 {
    let threads = entries(format!("/proc/{pid}/task"));
    let switches = |thread: PathBuf| {
        let status = fs::read_to_string(thread.join("status")).ok()?;
        let mut lines = status.lines();
        let count = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        count.trim().parse::<u64>().ok()
    };
    threads.into_iter().filter_map(switches).sum()
}

fn entries(folder: String) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the agent runs");
    entries
        .map(|entry| entry.expect("the agent runs").path())
        .collect()
}
