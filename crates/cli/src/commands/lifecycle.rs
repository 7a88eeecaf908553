//! Commands about the agent itself.

use std::fs::File;
use std::io::Read as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;
use valetkey_api::client::ClientError;
use valetkey_api::core::home::Home;

use crate::agent;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::agent as render;
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
    let until = Instant::now() + STOP_TIMEOUT;
    let reply = loop {
        if let Some(mut client) = agent::connect_if_running(global)? {
            match client.shutdown() {
                Ok(reply) => break Some(reply),
                // Another `stop` was faster.
                Err(ClientError::Ended | ClientError::Protocol(_) | ClientError::Io(_)) => {}
                Err(error) => return Err(error.into()),
            }
        } else if !is_locked(&home, None) {
            break None;
        }
        // An agent that has the lock and does not listen is starting or stopping.
        wait(until)?;
    };
    let Some(reply) = reply else {
        return terminal.done(&json!({ "pid": null }), |_, _| {
            "no agent is running\n".to_owned()
        });
    };
    // Only then can the next agent start.
    while is_locked(&home, Some(reply.pid)) {
        wait(until)?;
    }
    terminal.done(&reply, |reply, style| render::stopped(*reply, style))
}

fn wait(until: Instant) -> Result<(), Failure> {
    if Instant::now() > until {
        return Err(Failure::new(Exit::TryLater, "the agent is still stopping")
            .hint("run `valetkey stop` again; `valetkey doctor` shows what hangs"));
    }
    sleep(STOP_POLL);
    Ok(())
}

/// Whether an agent has the lock of this home; with `pid`, whether that one has it.
fn is_locked(home: &Home, pid: Option<u32>) -> bool {
    // Without a lock file there never was an agent.
    let Ok(file) = File::open(home.lock()) else {
        return false;
    };
    if file.try_lock_shared().is_ok() {
        return false;
    }
    let mut text = String::new();
    let holder = file.take(16).read_to_string(&mut text).ok();
    let holder = holder.and_then(|_| text.trim().parse::<u32>().ok());
    pid.is_none() || holder.is_none() || holder == pid
}
