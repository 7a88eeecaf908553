//! Follows the event log and hands snapshots to tray and notifications. An event only says that
//! something changed; what is shown is read again.

use std::time::Duration;

use http::Method;
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Zoned};
use tauri::{AppHandle, Manager as _};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use valetkey_api::core::event::EventKind;
use valetkey_api::core::id::SignInId;
use valetkey_api::error::ApiError;
use valetkey_api::events::EventView;

use crate::actions::Actions;
use crate::api_client::ApiClient;
use crate::notifications::NotificationTracker;
use crate::snapshot::Snapshot;
use crate::{notifier, tray};

/// Events of this time lead to one snapshot.
const BATCH_WINDOW: Duration = Duration::from_millis(100);
/// How often the clock is checked while the end of a token is near (the machine may sleep meanwhile),
/// and a locked keychain.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);
/// How often it is checked otherwise.
const IDLE_CHECK_INTERVAL: Duration = Duration::from_mins(10);
/// Pause before a broken event stream is opened again.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Follows until the app ends.
pub(crate) async fn run(app: AppHandle) {
    let actions = app.state::<Actions>().inner().clone();
    let mut watcher = Watcher {
        notifications: NotificationTracker::default(),
        sign_ins: Vec::new(),
        questions: actions.questions(),
        app,
        api: actions.api,
    };
    loop {
        if let Err(error) = watcher.follow().await {
            tracing::warn!(%error, "events");
        }
        sleep(RETRY_DELAY).await;
    }
}

struct Watcher {
    app: AppHandle,
    api: ApiClient,
    notifications: NotificationTracker,
    /// Sign-ins that had not ended at the last snapshot.
    sign_ins: Vec<SignInId>,
    /// Changes with the questions to the person, of which not every change is an event.
    questions: watch::Receiver<()>,
}

impl Watcher {
    async fn follow(&mut self) -> Result<(), Box<ApiError>> {
        // First the stream, then the snapshot: nothing falls in between.
        let path = "/api/v1/events?follow=true";
        let mut stream = self.api.send(Method::GET, path, None).await?.into_body();
        let mut text = String::new();
        let mut wait = self.refresh(&[]).await?;
        loop {
            let frame = tokio::select! {
                frame = timeout(wait, stream.frame()) => frame,
                Ok(()) = self.questions.changed() => {
                    wait = self.refresh(&[]).await?;
                    continue;
                }
            };
            match frame {
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        text.push_str(&String::from_utf8_lossy(&bytes));
                    }
                    let mut events = events(&mut text);
                    if events.is_empty() {
                        continue;
                    }
                    while let Ok(Some(Ok(frame))) = timeout(BATCH_WINDOW, stream.frame()).await {
                        if let Ok(bytes) = frame.into_data() {
                            text.push_str(&String::from_utf8_lossy(&bytes));
                        }
                        events.extend(self::events(&mut text));
                    }
                    if events.iter().any(|event| changes_snapshot(event.kind)) {
                        wait = self.refresh(&events).await?;
                    }
                }
                Ok(Some(Err(_)) | None) => return Ok(()),
                Err(_elapsed) => wait = self.refresh(&[]).await?,
            }
        }
    }

    /// Reads and shows a snapshot; returns when to do so again at the latest.
    async fn refresh(&mut self, events: &[EventView]) -> Result<Duration, Box<ApiError>> {
        for event in events {
            self.note(event);
        }
        let snapshot = Snapshot::read(&self.api, &self.sign_ins).await?;
        self.sign_ins = snapshot.signing_in.keys().copied().collect();
        tray::update(&self.app, &snapshot);
        let now = Zoned::now();
        for notification in self.notifications.after(&snapshot, events, &now) {
            notifier::show(&self.app, notification);
        }
        for kind in self.notifications.obsolete() {
            notifier::withdraw(&self.app, kind);
        }
        let next = self.notifications.next_check(&snapshot, &now);
        let an_hour = SignedDuration::from_hours(1);
        let near = next.is_some_and(|at| at.duration_since(now.timestamp()) < an_hour);
        // No event reports that it was unlocked.
        Ok(if near || snapshot.keychain_locked {
            CHECK_INTERVAL
        } else {
            IDLE_CHECK_INTERVAL
        })
    }

    fn note(&mut self, event: &EventView) {
        if event.kind == EventKind::SignInStarted
            && let Some(id) = event.session_id
        {
            self.sign_ins.push(id);
        }
    }
}

/// Whether tray or notifications can look different after such an event. Hand-outs are frequent and
/// change nothing that they show.
const fn changes_snapshot(kind: EventKind) -> bool {
    !matches!(
        kind,
        EventKind::TokenServed
            | EventKind::TokenRefused
            | EventKind::TokenInvalidated
            | EventKind::TokenExchanged
            | EventKind::AccessAsked
            | EventKind::KeyCreated
            | EventKind::KeyConfirmed
            | EventKind::KeyRevoked
    )
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
    fn a_hand_out_reads_nothing_again() {
        assert!(!changes_snapshot(EventKind::TokenServed));
        for kind in [
            EventKind::ConnectionRefreshed,
            EventKind::AuthenticatorUpdated,
            EventKind::SignInStarted,
            EventKind::SettingsChanged,
            EventKind::Paused,
        ] {
            assert!(changes_snapshot(kind), "{kind:?}");
        }
    }

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
