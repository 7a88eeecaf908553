//! One method per route.

use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::Serialize;
use valetkey_core::draft::DraftInput;
use valetkey_core::event::EventKind;
use valetkey_core::id::SignInId;
use valetkey_core::name::ProfileName;
use valetkey_core::secret_json;
use zeroize::Zeroizing;

use super::event_stream::Follower;
use super::target::Target;
use super::{Client, ClientError, Method, decode, receive, send};
use crate::access::{AnswerRequest, ApprovalDone, ApprovalList, RuleList, RuleView};
use crate::agent::{
    AgentStatus, DoctorReport, Settings, SettingsPatch, ShutdownResponse, WindowResponse,
};
use crate::authenticators::{
    AuthenticatorExport, AuthenticatorList, AuthenticatorRemoved, AuthenticatorSaved,
    AuthenticatorView, ExportRequest, ProviderList,
};
use crate::clients::{ClientCreated, ClientList, ClientView, NewClient};
use crate::connections::{ConnectionList, ConnectionPatch, ConnectionView, Disconnected};
use crate::discovery::{DiscoverRequest, Discovered};
use crate::events::{EventList, EventQuery, EventsVerified};
use crate::sign_in::{PastedCallback, SignInRequest, SignInStarted, SignInView};
use crate::token::{
    InvalidateRequest, InvalidateResponse, TestResponse, TokenRequest, TokenResponse,
};

/// Longer than the wait itself, so that the agent is the one who ends it.
const WAIT_MARGIN: Duration = Duration::from_secs(10);

fn body(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("requests are plain structs")
}

impl Client {
    fn named(&self, segments: &[&str]) -> Target {
        let profile = self.profile.as_ref().map(ProfileName::as_str);
        Target::new(segments).query("profile", profile)
    }

    /// The agent's status.
    pub fn status(&mut self) -> Result<AgentStatus, ClientError> {
        self.get(&Target::new(&["status"]))
    }

    pub fn settings(&mut self) -> Result<Settings, ClientError> {
        self.get(&Target::new(&["settings"]))
    }

    /// Changes settings; with `force` a port that client keys are used at, too.
    pub fn update_settings(
        &mut self,
        patch: &SettingsPatch,
        force: bool,
    ) -> Result<Settings, ClientError> {
        let target = Target::new(&["settings"]).query("force", force.then_some("true"));
        self.patch(&target, &body(patch))
    }

    /// Pauses handing out tokens.
    pub fn pause(&mut self) -> Result<AgentStatus, ClientError> {
        self.post(&Target::new(&["pause"]), "{}")
    }

    /// Ends a pause.
    pub fn resume(&mut self) -> Result<AgentStatus, ClientError> {
        self.post(&Target::new(&["resume"]), "{}")
    }

    /// Stops the agent.
    pub fn shutdown(&mut self) -> Result<ShutdownResponse, ClientError> {
        self.post(&Target::new(&["shutdown"]), "{}")
    }

    /// Asks the desktop app for its window.
    pub fn show_window(&mut self) -> Result<WindowResponse, ClientError> {
        self.post(&Target::new(&["window"]), "{}")
    }

    /// Runs the agent's checks.
    pub fn doctor(&mut self) -> Result<DoctorReport, ClientError> {
        self.post(&Target::new(&["doctor"]), "{}")
    }

    pub fn providers(&mut self) -> Result<ProviderList, ClientError> {
        self.get(&Target::new(&["oauth", "providers"]))
    }

    /// All authenticators, disabled ones too.
    pub fn authenticators(&mut self) -> Result<AuthenticatorList, ClientError> {
        self.get(&self.named(&["oauth", "authenticators"]))
    }

    pub fn authenticator(&mut self, name: &str) -> Result<AuthenticatorView, ClientError> {
        self.get(&self.named(&["oauth", "authenticators", name]))
    }

    /// Adds an authenticator.
    pub fn add_authenticator(
        &mut self,
        draft: &DraftInput,
    ) -> Result<AuthenticatorSaved, ClientError> {
        let target = self.named(&["oauth", "authenticators"]);
        self.post(&target, &draft.to_json())
    }

    /// Looks what a URL leads to.
    pub fn discover(&mut self, request: &DiscoverRequest) -> Result<Discovered, ClientError> {
        let target = self.named(&["oauth", "discover"]);
        self.post(&target, &body(request))
    }

    /// Changes an authenticator: the fields of `draft` replace, null takes away, the rest stays. With
    /// `force` its logins and its client secret may go to other servers.
    pub fn update_authenticator(
        &mut self,
        name: &str,
        draft: &DraftInput,
        force: bool,
    ) -> Result<AuthenticatorSaved, ClientError> {
        let target = self.named(&["oauth", "authenticators", name]);
        let target = target.query("force", force.then_some("true"));
        self.patch(&target, &draft.to_json())
    }

    /// Authenticators as the fields of a file.
    pub fn export(&mut self, request: &ExportRequest) -> Result<AuthenticatorExport, ClientError> {
        self.post(&self.named(&["oauth", "export"]), &body(request))
    }

    /// Removes an authenticator; with `force` its connections, too.
    pub fn remove_authenticator(
        &mut self,
        name: &str,
        force: bool,
    ) -> Result<AuthenticatorRemoved, ClientError> {
        let target = self.named(&["oauth", "authenticators", name]);
        self.delete(&target.query("force", force.then_some("true")))
    }

    pub fn connections(&mut self) -> Result<ConnectionList, ClientError> {
        self.get(&self.named(&["credentials", "connections"]))
    }

    pub fn connection(&mut self, name: &str) -> Result<ConnectionView, ClientError> {
        self.get(&self.named(&["credentials", "connections", name]))
    }

    /// Changes a connection.
    pub fn update_connection(
        &mut self,
        name: &str,
        patch: &ConnectionPatch,
    ) -> Result<ConnectionView, ClientError> {
        let target = self.named(&["credentials", "connections", name]);
        self.patch(&target, &body(patch))
    }

    /// Disconnects; with `force` even if a client used it within the last day.
    pub fn disconnect(&mut self, name: &str, force: bool) -> Result<Disconnected, ClientError> {
        let target = self.named(&["credentials", "connections", name]);
        self.delete(&target.query("force", force.then_some("true")))
    }

    /// Begins a sign-in; the caller opens the browser.
    pub fn begin_sign_in(&mut self, request: &SignInRequest) -> Result<SignInStarted, ClientError> {
        let target = Target::new(&["credentials", "connections"]);
        // It may hold a key.
        let body = std::mem::take(&mut *secret_json::to_vec(request));
        let body = Zeroizing::new(String::from_utf8(body).expect("JSON is UTF-8"));
        self.post(&target, &body)
    }

    /// Waits for the end of a sign-in on a connection of its own, at most `wait` seconds.
    pub fn watch_sign_in(&self, id: SignInId, wait: u64) -> Result<Watch, ClientError> {
        let target = Target::new(&["credentials", "sessions", &id.to_string()])
            .query("wait", Some(&wait.to_string()));
        let mut stream = self.open()?.stream;
        send(&mut stream, Method::Get, &target, "")?;
        Ok(Watch {
            stream,
            timeout: Duration::from_secs(wait) + WAIT_MARGIN,
        })
    }

    /// Cancels a sign-in.
    pub fn cancel_sign_in(&mut self, id: SignInId) -> Result<SignInView, ClientError> {
        self.delete(&Target::new(&["credentials", "sessions", &id.to_string()]))
    }

    /// Ends a sign-in with the URL that the browser arrived at.
    pub fn finish_sign_in(
        &mut self,
        id: SignInId,
        pasted: &PastedCallback,
    ) -> Result<SignInView, ClientError> {
        let target = Target::new(&["credentials", "sessions", &id.to_string(), "callback"]);
        self.post(&target, &body(pasted))
    }

    /// A token, from the agent's memory while it is fresh.
    pub fn token(
        &mut self,
        name: &str,
        request: &TokenRequest,
    ) -> Result<TokenResponse, ClientError> {
        let target = self.named(&["credentials", "connections", name, "token"]);
        self.post(&target, &body(request))
    }

    /// A new token from the provider.
    pub fn refresh(
        &mut self,
        name: &str,
        request: &TokenRequest,
    ) -> Result<TokenResponse, ClientError> {
        let target = self.named(&["credentials", "connections", name, "refresh"]);
        self.post(&target, &body(request))
    }

    /// Reports a token that was refused.
    pub fn invalidate(
        &mut self,
        name: &str,
        request: &InvalidateRequest,
    ) -> Result<InvalidateResponse, ClientError> {
        let target = self.named(&["credentials", "connections", name, "invalidate"]);
        self.post(&target, &body(request))
    }

    /// Asks the provider who this is.
    pub fn test(&mut self, name: &str) -> Result<TestResponse, ClientError> {
        let target = self.named(&["credentials", "connections", name, "test"]);
        self.post(&target, "{}")
    }

    pub fn clients(&mut self) -> Result<ClientList, ClientError> {
        self.get(&Target::new(&["clients"]))
    }

    /// Makes a client key.
    pub fn create_client(&mut self, client: &NewClient) -> Result<ClientCreated, ClientError> {
        self.post(&Target::new(&["clients"]), &body(client))
    }

    /// Revokes a client key, by name or id.
    pub fn revoke_client(&mut self, name: &str) -> Result<ClientView, ClientError> {
        self.delete(&Target::new(&["clients", name]))
    }

    /// Rules: which program may use which connection.
    pub fn rules(&mut self) -> Result<RuleList, ClientError> {
        self.get(&Target::new(&["rules"]))
    }

    /// Removes a rule.
    pub fn remove_rule(&mut self, id: &str) -> Result<RuleView, ClientError> {
        self.delete(&Target::new(&["rules", id]))
    }

    /// Questions that nobody has answered.
    pub fn approvals(&mut self) -> Result<ApprovalList, ClientError> {
        self.get(&Target::new(&["approvals"]))
    }

    /// Opens the window of a question in the desktop app.
    pub fn show_approval(&mut self, id: u64) -> Result<ApprovalDone, ClientError> {
        self.post(&Target::new(&["approvals", &id.to_string(), "show"]), "")
    }

    /// Answers a question; only while no desktop app runs.
    pub fn answer_approval(
        &mut self,
        id: u64,
        answer: &AnswerRequest,
    ) -> Result<ApprovalDone, ClientError> {
        let target = Target::new(&["approvals", &id.to_string(), "answer"]);
        self.post(&target, &body(answer))
    }

    /// The audit log.
    pub fn events(&mut self, query: &EventQuery) -> Result<EventList, ClientError> {
        let target = self.events_target(query);
        self.get(&target)
    }

    /// The audit log as it grows, on a connection of its own; from now on, or after `query.after`.
    pub fn follow_events(&self, query: &EventQuery) -> Result<Follower, ClientError> {
        let target = self.events_target(query).query("follow", Some("true"));
        let mut stream = self.open()?.stream;
        send(&mut stream, Method::Get, &target, "")?;
        Follower::begin(stream)
    }

    /// Checks that no line of the audit log was changed, removed or cut off.
    pub fn verify_events(&mut self) -> Result<EventsVerified, ClientError> {
        self.post(&Target::new(&["events", "verify"]), "{}")
    }

    fn events_target(&self, query: &EventQuery) -> Target {
        let after = query.after.map(|id| id.0.to_string());
        let before = query.before.map(|id| id.0.to_string());
        let limit = query.limit.map(|limit| limit.to_string());
        let since = query.since.map(|since| since.to_string());
        self.named(&["events"])
            .query("after", after.as_deref())
            .query("before", before.as_deref())
            .query("limit", limit.as_deref())
            .query("connection", query.connection.as_deref())
            .query("kind", query.kind.map(EventKind::as_str))
            .query("since", since.as_deref())
            .query("actor", query.actor.as_deref())
    }
}

/// A sign-in that is being waited for. Readable once there is an answer; dropping it hangs up.
#[derive(Debug)]
pub struct Watch {
    stream: UnixStream,
    timeout: Duration,
}

impl Watch {
    /// The answer; blocks until it is there.
    pub fn finish(mut self) -> Result<SignInView, ClientError> {
        decode(&receive(&mut self.stream, self.timeout)?)
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
