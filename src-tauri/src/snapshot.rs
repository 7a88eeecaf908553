//! A snapshot of the agent's state, for tray and notifications.

use std::collections::BTreeMap;

use valetkey_api::access::{ApprovalList, ApprovalView};
use valetkey_api::agent::{AgentStatus, SecretStoreState, Settings};
use valetkey_api::authenticators::{AuthenticatorList, AuthenticatorView};
use valetkey_api::connections::{ConnectionList, ConnectionView};
use valetkey_api::core::id::SignInId;
use valetkey_api::core::name::{AuthenticatorName, ProfileName};
use valetkey_api::core::printable::{MAX_NAME, shortened};
use valetkey_api::core::settings::Notifications;
use valetkey_api::error::ApiError;
use valetkey_api::sign_in::SignInView;

use crate::api_client::ApiClient;

/// What tray and notifications show, read in one go.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) connections: Vec<ConnectionView>,
    pub(crate) authenticators: Vec<AuthenticatorView>,
    /// Sign-ins that have not ended.
    pub(crate) signing_in: BTreeMap<SignInId, SignInView>,
    pub(crate) paused: bool,
    pub(crate) keychain_locked: bool,
    pub(crate) questions: Questions,
    /// Which notifications the person wants.
    pub(crate) notifications: Notifications,
}

/// How many questions to the person are open.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Questions {
    /// In the approval window, or waiting for their turn in it.
    pub(crate) asked: usize,
    /// Listed under Access: nobody answered while they were shown.
    pub(crate) unanswered: usize,
}

impl Questions {
    fn of(list: &ApprovalList) -> Self {
        let asked = |it: &&ApprovalView| it.open_until.is_some() || it.is_queued;
        let asked = list.approvals.iter().filter(asked).count();
        Self {
            asked,
            unanswered: list.approvals.len() - asked,
        }
    }
}

impl Snapshot {
    pub(crate) async fn read(
        api: &ApiClient,
        sign_ins: &[SignInId],
    ) -> Result<Self, Box<ApiError>> {
        let connections: ConnectionList = api.get("/api/v1/credentials/connections").await?;
        let authenticators: AuthenticatorList = api.get("/api/v1/oauth/authenticators").await?;
        let status: AgentStatus = api.get("/api/v1/status").await?;
        let settings: Settings = api.get("/api/v1/settings").await?;
        let questions: ApprovalList = api.get("/api/v1/approvals").await?;
        let mut signing_in = BTreeMap::new();
        for id in sign_ins {
            let path = format!("/api/v1/credentials/sessions/{id}");
            if let Ok(view) = api.get::<SignInView>(&path).await
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
            keychain_locked: status.secret_store.state == SecretStoreState::Locked,
            questions: Questions::of(&questions),
            notifications: settings.notifications,
        })
    }

    pub(crate) fn is_signing_in(&self, name: &AuthenticatorName, profile: &ProfileName) -> bool {
        let mut sign_ins = self.signing_in.values();
        sign_ins.any(|it| it.authenticator == *name && it.profile == *profile)
    }

    /// The provider's page for the registered client.
    pub(crate) fn console_of(&self, connection: &ConnectionView) -> Option<String> {
        self.authenticator_of(connection)?.console_url.clone()
    }

    /// Whether the connection's authenticator is enabled.
    pub(crate) fn is_active(&self, connection: &ConnectionView) -> bool {
        self.authenticator_of(connection)
            .is_none_or(|it| it.is_active)
    }

    /// The name that the window shows: "GitHub", or "GitHub / work" for an account with a label; with
    /// its profile where there is more than one.
    pub(crate) fn display_name(&self, connection: &ConnectionView) -> String {
        let authenticator = match self.authenticator_of(connection) {
            Some(authenticator) => shortened(&authenticator.display_name, MAX_NAME),
            None => connection.authenticator.to_string(),
        };
        let name = match &connection.account.label {
            Some(label) => format!("{authenticator} / {label}"),
            None => authenticator,
        };
        self.with_profile(&name, &connection.profile)
    }

    /// The same of an authenticator without a connection.
    pub(crate) fn name_of(&self, authenticator: &AuthenticatorView) -> String {
        let name = shortened(&authenticator.display_name, MAX_NAME);
        self.with_profile(&name, &authenticator.profile)
    }

    /// Appends the profile where there is more than one.
    fn with_profile(&self, name: &str, profile: &ProfileName) -> String {
        let mut others = self.authenticators.iter().map(|it| &it.profile);
        if others.any(|it| it != profile) {
            format!("{name} ({profile})")
        } else {
            name.to_owned()
        }
    }

    fn authenticator_of(&self, connection: &ConnectionView) -> Option<&AuthenticatorView> {
        let mut all = self.authenticators.iter();
        all.find(|it| it.id == connection.authenticator_id)
    }
}
