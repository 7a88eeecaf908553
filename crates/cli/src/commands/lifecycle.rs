//! Commands about the agent itself.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::agent;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// The agent flushes what it holds: the keychain may take a while.
const STOP_TIMEOUT: Duration = Duration::from_secs(20);
const STOP_POLL: Duration = Duration::from_millis(20);

pub(super) fn pause(terminal: Terminal, global: &Global) -> Result<(), Failure> {
    let status = agent::connect(global)?.pause()?;
    terminal.done(&status, |_, _| {
        "paused: no tokens are handed out until `valetkey resume`\n".to_owned()
    })
}

pub(super) fn resume(terminal: Terminal, global: &Global) -> Result<(), Failure> {
    let status = agent::connect(global)?.resume()?;
    terminal.done(&status, |_, _| "tokens are handed out again\n".to_owned())
}

pub(super) fn stop(terminal: Terminal, global: &Global) -> Result<(), Failure> {
    let Some(mut client) = agent::connect_if_running(global)? else {
        return terminal.done(&json!({ "pid": null }), |_, _| {
            "no agent is running\n".to_owned()
        });
    };
    let reply = client.shutdown()?;
    drop(client);
    let until = Instant::now() + STOP_TIMEOUT;
    while agent::connect_if_running(global)?.is_some() {
        if Instant::now() > until {
            let what = format!("the agent (pid {}) is still busy ending", reply.pid);
            return Err(Failure::new(Exit::TryLater, what));
        }
        sleep(STOP_POLL);
    }
    terminal.done(&reply, |reply, _| {
        format!("the agent (pid {}) has ended\n", reply.pid)
    })
}
