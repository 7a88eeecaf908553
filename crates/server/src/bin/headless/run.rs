//! Runs the agent, from the flags to the end.

use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime;
use valetkey_agent::Agent;
use valetkey_api::ErrorCode;
use valetkey_api::agent::PORT_REMEDY;
use valetkey_api::core::access::Policy;
use valetkey_api::core::home::Home;
use valetkey_api::endpoint::Endpoint;
use valetkey_server::agent_lock::{AgentLock, LockError};
use valetkey_server::listeners::Rate;
use valetkey_server::permission::Host;
use valetkey_server::start::{self, AccessConfig, Failure, LogOptions, Signals, WithoutKeychain};
use valetkey_server::{App, Server, Stop};

use crate::args::Args;
use crate::output::Output;

/// How long another agent that has the lock may take to be ready, or to stop.
const LOCK_TIMEOUT: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(20);
/// Where the system gives us no thread, file or signal.
const RAISE_LIMITS_HINT: &str = "end other programs, or raise the limits that `ulimit -a` shows";

/// Runs the agent until it is asked to stop.
pub(crate) fn run(args: &Args, output: &Output) -> Result<(), Failure> {
    let home = start::home()?;
    let LockOutcome::Ours(lock) = take_lock(&home, args.background, output)? else {
        return Ok(());
    };
    let log = LogOptions {
        verbose: args.verbose,
        to_stderr: args.verbose && !args.background,
    };
    start::start_log(&home, log)?;
    // One thread: measured as fast as several for this work, with the better tail.
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(ErrorCode::Internal, format!("no event loop: {error}"))
                .hint(RAISE_LIMITS_HINT)
        })?;
    let outcome = runtime.block_on(serve(home, &lock, args, output));
    // A name lookup that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

async fn serve(home: Home, lock: &AgentLock, args: &Args, output: &Output) -> Result<(), Failure> {
    let stop = Stop::default();
    let mut signals = Signals::listen().map_err(|error| {
        Failure::new(
            ErrorCode::Internal,
            format!("signals cannot be handled: {error}"),
        )
        .hint(RAISE_LIMITS_HINT)
    })?;
    let prompt = (!args.background).then_some(&mut signals);
    let store = start::choose_store(&home, args.secret_store, prompt).await?;
    let access = AccessConfig {
        desktop: false,
        policy: args.policy.map(Into::into),
    };
    let agent = start::open_agent(&home, store, WithoutKeychain::Refuse, access).await?;
    let app = App::new(agent.clone(), home, Host::Headless, stop.clone());
    let port = start::port(args.port, &agent);
    let server = Server::bind(&app, lock, port).map_err(|error| {
        Failure::unusable(format!("the socket cannot be opened: {error}"), &error)
    })?;
    let server = server.with_rate(Rate::per_second(args.rate_limit));
    output.ready(server.endpoint());
    output.message(access_text(&agent, access.policy.is_some()));
    let addresses = app.addresses();
    if let Some(problem) = addresses.port_problem {
        output.message(&format!("warning: {problem}\n  {PORT_REMEDY}"));
    } else if let Some(port) = addresses.port
        && port != addresses.configured_port
        && agent.has_keys()
    {
        output.message(&format!(
            "warning: client keys are used at port {}, but the listener is at port {port} in this run\n  \
             start without `--port` to serve them",
            addresses.configured_port
        ));
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), "ready");
    let work = async {
        server.serve(&app).await;
        agent.shutdown().await;
    };
    tokio::select! {
        () = work => Ok(()),
        () = signals.handle(stop, args.background) => Err(Failure::new(
            ErrorCode::Internal,
            "stopped at once, as asked; what was under way is finished at the next start",
        )),
    }
}

/// Who may have tokens, for the person.
fn access_text(agent: &Agent, is_chosen: bool) -> &'static str {
    match agent.policy() {
        Policy::Allow if is_chosen => {
            "any program of this user may have tokens, as `--policy allow` says"
        }
        Policy::Allow => {
            "nobody can be asked here, so any program of this user may have tokens, as with ssh-agent"
        }
        Policy::Ask => {
            "a program that no rule allows waits up to a minute for `valetkey access allow`"
        }
        Policy::Deny if is_chosen => {
            "only programs that a rule allows get tokens; `valetkey access` lists and allows them"
        }
        Policy::Deny => {
            "the desktop app has run here, and it cannot ask now, so only programs that a rule allows get \
             tokens; `valetkey access` lists and allows them"
        }
    }
}

/// Which process is the agent of this home.
enum LockOutcome {
    Ours(AgentLock),
    AnotherAgent,
}

/// Takes the lock. Waits for another agent that is starting or stopping. In the background one that
/// is ready is as good: two commands that start one at the same time are both served by the first.
fn take_lock(home: &Home, background: bool, output: &Output) -> Result<LockOutcome, Failure> {
    let began = Instant::now();
    loop {
        let held = match AgentLock::take(home) {
            Ok(lock) => return Ok(LockOutcome::Ours(lock)),
            Err(LockError::Held { pid }) => pid,
            Err(error @ LockError::Unusable { .. }) => return Err(error.into()),
        };
        match Endpoint::read(home).filter(|found| Some(found.pid) == held) {
            Some(endpoint) if background => {
                output.ready(&endpoint);
                return Ok(LockOutcome::AnotherAgent);
            }
            Some(_) => return Err(LockError::Held { pid: held }.into()),
            None => {}
        }
        if began.elapsed() > LOCK_TIMEOUT {
            return Err(LockError::Held { pid: held }.into());
        }
        thread::sleep(LOCK_POLL);
    }
}
