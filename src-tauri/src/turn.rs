//! Who is the agent of this home. There is one, whoever holds the lock: a second start of the app
//! asks the first for its window, and an agent without a desktop is offered to be taken over from.

use std::thread;
use std::time::{Duration, Instant};

use valetkey_api::ErrorCode;
use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::home::Home;
use valetkey_server::agent_lock::{AgentLock, LockError};
use valetkey_server::start::Failure;

/// An agent that was asked to stop has stopped within this time: it may have to wait for a provider.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);

/// What a start comes to.
pub(crate) enum Turn {
    /// This process is the agent now.
    Ours(AgentLock),
    /// The app runs already and shows its window.
    Shown,
    /// An agent without a desktop runs; its process.
    Headless(Option<u32>),
}

/// Takes the lock, or asks whoever has it.
pub(crate) fn take(home: &Home) -> Result<Turn, Failure> {
    let pid = match AgentLock::take(home) {
        Ok(lock) => return Ok(Turn::Ours(lock)),
        Err(LockError::Held { pid }) => pid,
        Err(error @ LockError::Unusable { .. }) => return Err(error.into()),
    };
    let began = Instant::now();
    loop {
        match Client::connect(home, None).and_then(|mut client| client.show_window()) {
            Ok(_) => return Ok(Turn::Shown),
            // An older agent does not know the question; it has no window either.
            Err(ClientError::Api(error))
                if matches!(error.code, ErrorCode::NotConfigured | ErrorCode::NotFound) =>
            {
                return Ok(Turn::Headless(pid));
            }
            // It starts or stops at this moment.
            Err(_) if began.elapsed() < PATIENCE => {
                if let Ok(lock) = AgentLock::take(home) {
                    return Ok(Turn::Ours(lock));
                }
                thread::sleep(PAUSE);
            }
            Err(_) => return Err(LockError::Held { pid }.into()),
        }
    }
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
            Err(LockError::Held { .. }) if began.elapsed() < PATIENCE => thread::sleep(PAUSE),
            Err(error) => return Err(error.into()),
        }
    }
}
