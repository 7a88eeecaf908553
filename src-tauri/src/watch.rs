//! Follows the event log and hands fresh snapshots to tray and notifications. An event only says that
//! something changed; what is shown is read anew.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Zoned};
use tauri::{AppHandle, Manager as _};
use tokio::time::{sleep, timeout};
use valetkey_api::agent::{AgentStatus, Settings};
use valetkey_api::authenticators::{AuthenticatorList, AuthenticatorView};
use valetkey_api::connections::{ConnectionList, ConnectionView};
use valetkey_api::core::event::EventKind;
use valetkey_api::core::id::SignInId;
use valetkey_api::core::name::{AuthenticatorName, ProfileName};
use valetkey_api::core::settings::Notifications;
use valetkey_api::events::EventView;
use valetkey_api::sign_in::SignInView;

use crate::deeds::Deeds;
use crate::face::{Face, Refusal};
use crate::notices::Notices;
use crate::{notify, tray};

/// Events that come together lead to one snapshot.
const TOGETHER: Duration = Duration::from_millis(100);
/// Ends of tokens are wall-clock times, and the machine may sleep: looked at this often while one is near.
const LOOK: Duration = Duration::from_secs(30);
/// And else.
const LONG_LOOK: Duration = Duration::from_mins(10);
/// A stream that broke is begun again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// How everything stands.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) connections: Vec<ConnectionView>,
    pub(crate) authenticators: Vec<AuthenticatorView>,
    /// Sign-ins that wait for the person.
    pub(crate) signing_in: BTreeMap<SignInId, SignInView>,
    pub(crate) paused: bool,
    /// What the person wants to be told.
    pub(crate) notifications: Notifications,
}

impl Snapshot {
    async fn read(face: &Face, open: &[SignInId]) -> Result<Self, Refusal> {
        let connections: ConnectionList = face.get("/api/v1/credentials/connections").await?;
        let authenticators: AuthenticatorList = face.get("/api/v1/oauth/authenticators").await?;
        let status: AgentStatus = face.get("/api/v1/status").await?;
        let settings: Settings = face.get("/api/v1/settings").await?;
        let mut signing_in = BTreeMap::new();
        for id in open {
            let path = format!("/api/v1/credentials/sessions/{id}");
            if let Ok(view) = face.get::<SignInView>(&path).await
                && !view.state.has_ended()
            {
                signing_in.insert(*id, view);
            }
        }
        Ok(Self {
            connections: connections.connections,
            authenticators: authenticators.authenticators,
            signing_in,
            paused: status.paused,
            notifications: settings.notifications,
        })
    }

    pub(crate) fn is_signing_in(&self, name: &AuthenticatorName, profile: &ProfileName) -> bool {
        let mut open = self.signing_in.values();
        open.any(|it| it.authenticator == *name && it.profile == *profile)
    }

    /// Where the person mends a connection at its provider.
    pub(crate) fn console_of(&self, connection: &ConnectionView) -> Option<String> {
        self.authenticator_of(connection)?.console_url.clone()
    }

    /// Whether the connection's authenticator is enabled.
    pub(crate) fn is_active(&self, connection: &ConnectionView) -> bool {
        self.authenticator_of(connection)
            .is_none_or(|it| it.is_active)
    }

    /// What the window calls it: "GitHub", or "GitHub / work" for an account with a label.
    pub(crate) fn called(&self, connection: &ConnectionView) -> String {
        let authenticator = match self.authenticator_of(connection) {
            Some(authenticator) => authenticator.display_name.clone(),
            None => connection.authenticator.to_string(),
        };
        match &connection.account.label {
            Some(label) => format!("{authenticator} / {label}"),
            None => authenticator,
        }
    }

    fn authenticator_of(&self, connection: &ConnectionView) -> Option<&AuthenticatorView> {
        let mut all = self.authenticators.iter();
        all.find(|it| it.id == connection.authenticator_id)
    }
}

/// Follows until the app ends.
pub(crate) async fn run(app: AppHandle) {
    let deeds = app.state::<Deeds>().inner().clone();
    let mut watch = Watch {
        notices: Notices::default(),
        open: Vec::new(),
        app,
        face: deeds.face,
    };
    loop {
        if let Err(error) = watch.follow().await {
            tracing::warn!(%error, "events");
        }
        sleep(AGAIN).await;
    }
}

struct Watch {
    app: AppHandle,
    face: Face,
    notices: Notices,
    open: Vec<SignInId>,
}

impl Watch {
    async fn follow(&mut self) -> Result<(), Refusal> {
        // First the stream, then the snapshot: nothing falls in between.
        let path = "/api/v1/events?follow=true";
        let mut stream = self.face.begin(Method::GET, path, None).await?.into_body();
        let mut text = String::new();
        let mut wait = self.look(&[]).await?;
        loop {
            match timeout(wait, stream.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        text.push_str(&String::from_utf8_lossy(&bytes));
                    }
                    let mut events = events(&mut text);
                    if events.is_empty() {
                        continue;
                    }
                    while let Ok(Some(Ok(frame))) = timeout(TOGETHER, stream.frame()).await {
                        if let Ok(bytes) = frame.into_data() {
                            text.push_str(&String::from_utf8_lossy(&bytes));
                        }
                        events.extend(self::events(&mut text));
                    }
                    wait = self.look(&events).await?;
                }
                Ok(Some(Err(_)) | None) => return Ok(()),
                Err(_quiet) => wait = self.look(&[]).await?,
            }
        }
    }

    /// Reads how everything stands and shows it; returns when to look again at the latest.
    async fn look(&mut self, events: &[EventView]) -> Result<Duration, Refusal> {
        for event in events {
            self.note(event);
        }
        let snapshot = Snapshot::read(&self.face, &self.open).await?;
        self.open = snapshot.signing_in.keys().copied().collect();
        tray::update(&self.app, &snapshot);
        let now = Zoned::now();
        for notice in self.notices.after(&snapshot, events, &now) {
            notify::show(&self.app, notice);
        }
        for kind in self.notices.over() {
            notify::withdraw(&self.app, kind);
        }
        let next = self.notices.next_look(&snapshot, &now);
        let an_hour = SignedDuration::from_hours(1);
        let near = next.is_some_and(|at| at.duration_since(now.timestamp()) < an_hour);
        Ok(if near { LOOK } else { LONG_LOOK })
    }

    fn note(&mut self, event: &EventView) {
        if event.kind == EventKind::SignInStarted
            && let Some(id) = event.session_id
        {
            self.open.push(id);
        }
    }
}

/// Takes the whole events out of the text of a server-sent-events stream.
fn events(text: &mut String) -> Vec<EventView> {
    let mut found = Vec::new();
    while let Some(end) = text.find("\n\n") {
        let block: String = text.drain(..end + 2).collect();
        let data = block.lines().find_map(|line| line.strip_prefix("data: "));
        found.extend(data.and_then(|json| serde_json::from_str(json).ok()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_may_come_in_pieces() {
        let event =
            r#"{"id": 3, "at": "2026-01-02T03:04:05Z", "kind": "agent.started", "detail": null}"#;
        let mut text = format!(": still here\n\nid: 3\nevent: agent.started\ndata: {event}");
        assert!(events(&mut text).is_empty());
        text.push_str("\n\nid: 4\n");
        let found = events(&mut text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].kind, EventKind::AgentStarted);
        assert_eq!(text, "id: 4\n");
    }
}
