//! From flags to open doors, and back.

use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime;
use valetkey_agent::vault::StoreChoice;
use valetkey_api::ErrorCode;
use valetkey_api::core::home::Home;
use valetkey_api::endpoint::Endpoint;
use valetkey_server::doors::{Doors, Lock, LockError};
use valetkey_server::permission::Host;
use valetkey_server::start::{self, Failure, LogWish, Signals, WithoutKeychain};
use valetkey_server::{App, Stop};

use crate::args::Args;
use crate::say::Say;

/// Within this time another agent that has the lock opens its doors, or has stopped (its work included).
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(20);
/// What helps where the system gives us no thread, file or signal.
const MORE_ROOM: &str = "end other programs, or raise the limits that `ulimit -a` shows";

/// Runs the agent until it is asked to stop.
pub(crate) fn run(args: &Args, say: &Say) -> Result<(), Failure> {
    let home = start::home()?;
    let Turn::Ours(lock) = take_turn(&home, args.background, say)? else {
        return Ok(());
    };
    let log = LogWish {
        verbose: args.verbose,
        to_stderr: args.verbose && !args.background,
    };
    start::begin_log(&home, log)?;
    let store = start::choose_store(&home, args.secret_store, !args.background)?;
    // One thread: measured as fast as several for this work, with the better tail.
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(ErrorCode::Internal, format!("no event loop: {error}")).hint(MORE_ROOM)
        })?;
    let outcome = runtime.block_on(serve(home, store, &lock, args, say));
    // A name lookup that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

async fn serve(
    home: Home,
    store: StoreChoice,
    lock: &Lock,
    args: &Args,
    say: &Say,
) -> Result<(), Failure> {
    let stop = Stop::default();
    let signals = Signals::listen().map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("signals cannot be heard: {error}"),
        )
        .hint(MORE_ROOM)
    })?;
    let agent = start::open_agent(&home, store, WithoutKeychain::Refuse).await?;
    let app = App::new(agent.clone(), home, Host::Headless, stop.clone());
    let port = start::port(args.port, &agent);
    let doors = Doors::open(&app, lock, port).map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("the socket cannot be opened: {error}"),
        )
        .hint("make its folder writable for you alone, or set `VALETKEY_HOME` to another one")
    })?;
    say.ready(doors.endpoint());
    if let Some(problem) = app.doors().port_problem {
        say.words(&format!("warning: {problem}"));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let work = async {
        doors.serve(&app).await;
        agent.shutdown().await;
    };
    tokio::select! {
        () = work => Ok(()),
        () = signals.obey(stop, args.background) => Err(Failure::new(
            ErrorCode::Internal,
            "stopped at once, as asked; what was under way is finished at the next start",
        )),
    }
}

/// Who is the agent of this home.
enum Turn {
    Ours(Lock),
    Another,
}

/// Takes the lock. In the background another agent is as good: two commands that start one at the
/// same time are both served by the first.
fn take_turn(home: &Home, background: bool, say: &Say) -> Result<Turn, Failure> {
    let began = Instant::now();
    loop {
        let held = match Lock::take(home) {
            Ok(lock) => return Ok(Turn::Ours(lock)),
            Err(LockError::Held { pid }) if background => pid,
            Err(error) => return Err(error.into()),
        };
        if let Some(endpoint) = Endpoint::read(home).filter(|found| Some(found.pid) == held) {
            say.ready(&endpoint);
            return Ok(Turn::Another);
        }
        if began.elapsed() > PATIENCE {
            return Err(LockError::Held { pid: held }.into());
        }
        thread::sleep(PAUSE);
    }
}
