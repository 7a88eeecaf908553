//! The usual fixture: a desktop, the demo provider that asks nobody, an agent between them.

use std::process::Command;
use std::thread;

use serde_json::{Value, json};
use valetkey_demo_provider::{DemoProvider, Settings};

use crate::ACCOUNT;
use crate::agent::Agent;
use crate::api::Api;
use crate::desktop::Desktop;
use crate::wait;

/// Fields drop in order: the agent ends before the desktop.
pub struct AgentFixture {
    agent: Option<Agent>,
    /// The provider, in this process: its faults and its request log are at hand.
    pub provider: DemoProvider,
    /// The desktop.
    pub desktop: Desktop,
}

impl AgentFixture {
    /// Tokens live an hour.
    pub fn start() -> Self {
        Self::with(Settings::auto_consent(ACCOUNT))
    }

    /// Tokens live `seconds` and are refreshed on demand only: the scheduler would otherwise be
    /// faster than the test.
    pub fn with_short_tokens(seconds: f64) -> Self {
        Self::with(Settings {
            access_token_lifetime_seconds: Some(seconds),
            ..Settings::auto_consent(ACCOUNT)
        })
    }

    /// At a provider with these settings.
    pub fn with(settings: Settings) -> Self {
        let desktop = Desktop::start();
        let agent = Agent::start(&desktop);
        Self {
            agent: Some(agent),
            provider: DemoProvider::start(settings).expect("a free port"),
            desktop,
        }
    }

    /// The running agent.
    pub fn agent(&mut self) -> &mut Agent {
        self.agent.as_mut().expect("the agent runs")
    }

    /// Its API.
    pub fn api(&self) -> Api {
        self.agent.as_ref().expect("the agent runs").api()
    }

    /// `kill -9`, then starts a new agent.
    pub fn restart_after_kill(&mut self) {
        self.kill();
        self.start_agent();
    }

    /// Stops the agent and starts a new one.
    pub fn restart(&mut self) {
        let agent = self.agent.take().expect("the agent runs");
        assert!(agent.stop().success(), "the agent did not stop cleanly");
        self.start_agent();
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.agent.take().expect("the agent runs").kill();
    }

    /// Starts an agent.
    pub fn start_agent(&mut self) {
        self.agent = Some(Agent::start(&self.desktop));
    }

    /// Starts an agent by this command.
    pub fn start_agent_by(&mut self, command: &mut Command) {
        self.agent = Some(Agent::launch(command));
    }

    /// Replaces the agent by one that aborts at `failpoint`.
    pub fn restart_to_abort_at(&mut self, failpoint: &str) {
        self.kill();
        let mut command = Agent::command_that_aborts_at(&self.desktop, failpoint);
        self.start_agent_by(&mut command);
    }

    /// Makes a request during which the agent aborts.
    pub fn abort_during(&mut self, request: impl FnOnce(Api) + Send + 'static) {
        let api = self.api();
        let requesting = thread::spawn(move || request(api));
        self.wait_for_abort();
        // It panicked for want of a response, or the agent aborted just after sending one.
        let _ = requesting.join();
    }

    /// Waits until the agent has aborted.
    pub fn wait_for_abort(&mut self) {
        let mut agent = self.agent.take().expect("the agent ran");
        let status = agent.process().wait();
        assert_eq!(status.code(), None, "exited: {status}");
    }

    /// Registers a public client of the demo provider under this name.
    pub fn add(&self, name: &str) -> Value {
        self.api().add(&self.draft(name))
    }

    /// What [`Self::add`] registers.
    pub fn draft(&self, name: &str) -> Value {
        self.provider.client_config(name)
    }

    /// Registers and signs in; the connection is refreshed only when somebody asks.
    pub fn sign_in(&self, name: &str) -> Value {
        self.add(name);
        self.api().sign_in(name);
        self.api()
            .change(name, &json!({ "keep_warm": "on_demand" }))
    }

    /// Waits until the access token of a connection has expired.
    pub fn wait_for_expiry(&self, name: &str) {
        wait::until("the expiry of the access token", || {
            let view = self.api().connection(name);
            let expires_at = view["expires_at"].as_str().expect("it has an expiry");
            let expires_at: jiff::Timestamp = expires_at.parse().expect("RFC 3339");
            (expires_at < jiff::Timestamp::now()).then_some(())
        });
    }
}
