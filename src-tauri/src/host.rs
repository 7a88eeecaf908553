//! The agent in this process: the same doors as `valetkey-agent`, its runtime on a thread of its own.

use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use valetkey_api::ErrorCode;
use valetkey_api::core::home::Home;
use valetkey_server::doors::{Doors, Lock};
use valetkey_server::permission::Host;
use valetkey_server::start::{self, Failure, Signals};
use valetkey_server::{App, Stop};

use crate::args::Args;

/// An agent whose doors are open.
pub(crate) struct Hosted {
    pub(crate) app: App,
    runtime: Runtime,
    doors: Doors,
    /// Released last, when nothing of the home is touched any more.
    lock: Lock,
}

impl Hosted {
    /// Opens the agent of `home` and its doors. A keychain that is not there is no reason to stay
    /// away: the window says so.
    pub(crate) fn open(home: Home, lock: Lock, args: &Args) -> Result<Self, Failure> {
        let store = start::choose_store(&home, args.secret_store, false)?;
        let failed = |what: &str, error: std::io::Error| {
            Failure::new(ErrorCode::Internal, format!("{what}: {error}"))
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed("no event loop", error))?;
        let (app, doors) = runtime.block_on(async {
            let agent = start::open_agent(&home, store, start::WithoutKeychain::GoOn).await?;
            let port = start::port(args.port, &agent);
            let app = App::new(agent, home, Host::Desktop, Stop::default());
            let doors = Doors::open(&app, &lock, port)
                .map_err(|error| failed("the socket cannot be opened", error))?;
            Ok::<_, Failure>((app, doors))
        })?;
        Ok(Self {
            app,
            runtime,
            doors,
            lock,
        })
    }

    /// Where async work of this process runs.
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Serves on a thread of its own; `ended` is called when all is stored and the doors are shut.
    pub(crate) fn serve(self, ended: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let Self {
            app,
            runtime,
            doors,
            lock,
        } = self;
        let serve = move || {
            runtime.block_on(async {
                let work = async {
                    doors.serve(&app).await;
                    app.agent().shutdown().await;
                };
                match Signals::listen() {
                    // The session manager ends its programs with SIGTERM.
                    Ok(signals) => tokio::select! {
                        () = work => {}
                        () = signals.obey(app.stop().clone(), false) => {}
                    },
                    Err(error) => {
                        tracing::warn!(%error, "signals cannot be heard");
                        work.await;
                    }
                }
            });
            runtime.shutdown_background();
            drop(lock);
            ended();
        };
        thread::Builder::new()
            .name("agent".to_owned())
            .spawn(serve)
            .map(drop)
    }
}
