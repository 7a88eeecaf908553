//! The agent in this process: the same server as `valetkey-agent`, its runtime on a thread of its own.

use std::thread;

use tokio::runtime::{Builder, Handle, Runtime};
use valetkey_api::ErrorCode;
use valetkey_api::core::home::Home;
use valetkey_server::agent_lock::AgentLock;
use valetkey_server::permission::Host;
use valetkey_server::start::{self, AccessConfig, Failure, Signals};
use valetkey_server::{App, Server, Stop};

use crate::args::Args;

/// An agent whose listeners are bound.
pub(crate) struct EmbeddedAgent {
    pub(crate) app: App,
    runtime: Runtime,
    server: Server,
    /// Released last, when nothing of the home is touched any more.
    lock: AgentLock,
}

impl EmbeddedAgent {
    /// Opens the agent of `home` and binds its listeners. Without a keychain it starts all the same:
    /// the window shows the problem.
    pub(crate) fn open(home: Home, lock: AgentLock, args: &Args) -> Result<Self, Failure> {
        let failed = |what: &str, error: std::io::Error| {
            Failure::new(ErrorCode::Internal, format!("{what}: {error}"))
        };
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| failed("no event loop", error))?;
        let (app, server) = runtime.block_on(async {
            let store = start::choose_store(&home, args.secret_store, None).await?;
            let access = AccessConfig {
                desktop: true,
                policy: args.policy.map(Into::into),
            };
            let agent =
                start::open_agent(&home, store, start::WithoutKeychain::Continue, access).await?;
            let port = start::port(args.port, &agent);
            let app = App::new(agent, home, Host::Desktop, Stop::default());
            let server = Server::bind(&app, &lock, port)
                .map_err(|error| failed("the socket cannot be opened", error))?;
            Ok::<_, Failure>((app, server))
        })?;
        Ok(Self {
            app,
            runtime,
            server,
            lock,
        })
    }

    /// Where async work of this process runs.
    pub(crate) fn handle(&self) -> Handle {
        self.runtime.handle().clone()
    }

    /// Serves on a thread of its own; `ended` is called when all is stored and the listeners are closed.
    pub(crate) fn serve(self, ended: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let Self {
            app,
            runtime,
            server,
            lock,
        } = self;
        let serve = move || {
            runtime.block_on(async {
                let work = async {
                    server.serve(&app).await;
                    app.agent().shutdown().await;
                };
                match Signals::listen() {
                    // The session manager ends its programs with SIGTERM.
                    Ok(signals) => tokio::select! {
                        () = work => {}
                        () = signals.handle(app.stop().clone(), false) => {}
                    },
                    Err(error) => {
                        tracing::warn!(%error, "no signal handler");
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
