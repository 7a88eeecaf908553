//! One agent per home: the process that holds the lock. A second start of the app asks the first to
//! show its window. It takes over from an agent that a command started in the background; for one that
//! somebody started on purpose the person is asked.

use std::thread;
use std::time::{Duration, Instant};

use valetkey_api::ErrorCode;
use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::home::Home;
use valetkey_server::agent_lock::{AgentLock, LockError};
use valetkey_server::start::Failure;

/// How long an agent may take to stop: it may have to wait for a provider.
const STOP_TIMEOUT: Duration = Duration::from_secs(90);
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The result of a start.
pub(crate) enum Instance {
    /// This process is the agent now.
    Acquired(AgentLock),
    /// The app runs already and shows its window.
    WindowShown,
    /// `valetkey` started an agent in the background because there was none.
    Background,
    /// An agent without a desktop runs; its process. Somebody started it on purpose.
    Headless(Option<u32>),
}

/// Takes the lock, or asks the process that holds it.
pub(crate) fn acquire(home: &Home) -> Result<Instance, Failure> {
    let pid = match AgentLock::take(home) {
        Ok(lock) => return Ok(Instance::Acquired(lock)),
        Err(LockError::Held { pid }) => pid,
        Err(error @ LockError::Unusable { .. }) => return Err(error.into()),
    };
    let began = Instant::now();
    loop {
        match Client::connect(home, None).and_then(|mut client| client.show_window()) {
            Ok(_) => return Ok(Instance::WindowShown),
            // An older agent does not know the question; it has no window either.
            Err(ClientError::Api(error))
                if matches!(error.code, ErrorCode::NotConfigured | ErrorCode::NotFound) =>
            {
                return Ok(if pid.is_some_and(is_background) {
                    Instance::Background
                } else {
                    Instance::Headless(pid)
                });
            }
            // It starts or stops at this moment.
            Err(_) if began.elapsed() < STOP_TIMEOUT => {
                if let Ok(lock) = AgentLock::take(home) {
                    return Ok(Instance::Acquired(lock));
                }
                thread::sleep(POLL_INTERVAL);
            }
            Err(_) => return Err(LockError::Held { pid }.into()),
        }
    }
}

/// Whether `valetkey` started this agent because there was none: it passes `--background`.
fn is_background(pid: u32) -> bool {
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    command
        .split(|byte| *byte == 0)
        .any(|argument| argument == b"--background")
}

/// Asks the agent that runs to stop, and waits until its lock is free.
pub(crate) fn take_over(home: &Home) -> Result<AgentLock, Failure> {
    let asked = Client::connect(home, None).and_then(|mut client| client.shutdown());
    if let Err(error) = asked
        && !matches!(error, ClientError::NotRunning)
    {
        return Err(Failure::new(
            ErrorCode::Internal,
            format!("the agent that runs cannot be asked to stop: {error}"),
        )
        .hint("stop it with `valetkey stop`, then start the app again"));
    }
    let began = Instant::now();
    loop {
        match AgentLock::take(home) {
            Ok(lock) => return Ok(lock),
            Err(LockError::Held { .. }) if began.elapsed() < STOP_TIMEOUT => {
                thread::sleep(POLL_INTERVAL);
            }
            Err(error) => return Err(error.into()),
        }
    }
}
