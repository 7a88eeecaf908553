//! Commands about the agent itself.

use std::fs::File;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use valetkey_api::core::home::Home;

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
    let home = agent::home()?;
    let Some(mut client) = agent::connect_if_running(global)? else {
        // It may be stopping already.
        wait_until_stopped(global, &home)?;
        return terminal.done(&json!({ "pid": null }), |_, _| {
            "no agent is running\n".to_owned()
        });
    };
    let reply = client.shutdown()?;
    drop(client);
    wait_until_stopped(global, &home)?;
    terminal.done(&reply, |reply, _| {
        format!("the agent (pid {}) has ended\n", reply.pid)
    })
}

/// Until the agent has released its lock: only then can the next one start.
fn wait_until_stopped(global: &Global, home: &Home) -> Result<(), Failure> {
    let until = Instant::now() + STOP_TIMEOUT;
    while agent::connect_if_running(global)?.is_some() || !is_lock_free(home) {
        if Instant::now() > until {
            return Err(Failure::new(Exit::TryLater, "the agent is still stopping")
                .hint("run `valetkey stop` again; `valetkey doctor` shows what hangs"));
        }
        sleep(STOP_POLL);
    }
    Ok(())
}

/// An agent that starts in this moment waits, since there is no endpoint to go with the lock.
fn is_lock_free(home: &Home) -> bool {
    // Without a lock file there never was an agent.
    File::open(home.lock()).map_or(true, |file| file.try_lock_shared().is_ok())
}
