//! Adds an authenticator whose client no person has registered: looks once more, registers, stores.
//!
//! The server is asked again because the draft may be old, or changed: what is registered and stored is
//! what the person saw, or nothing. A registration that is not stored is deleted where that is possible.

use std::sync::Arc;

use serde_json::Value;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::discovery::{
    Found, Given, Network, Plan, Registered, Registration, RegistrationPlan, client_id_needed,
};
use valetkey_core::draft::{DraftInput, Warning};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::name::ProfileName;
use valetkey_core::provider::ClientAuth;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::secret::RegistrationToken;
use valetkey_vault::failpoint;

use super::registrations::registered;
use super::{in_time, not_found, refused, typed_url};
use crate::authenticators::AuthenticatorView;
use crate::error::AgentError;
use crate::key::Actor;
use crate::protocol::{Lookup, NotRegistered, Target};
use crate::state::Agent;

/// The fields that the server decides. The person has seen them, and they are what is stored.
const SEEN: &[&str] = &[
    "issuer",
    "authorize_url",
    "token_url",
    "device_authorization_url",
    "revocation_url",
    "userinfo_url",
    "resource",
    "mcp_server",
];
/// Stands for the client id while the rest of a draft is checked.
const TO_BE_REGISTERED: &str = "to-be-registered";

/// A client at the server, and whether it was registered just now.
pub(super) struct Client {
    pub(super) registered: Registered,
    pub(super) registration: Registration,
    /// False: another authenticator has it, too.
    pub(super) is_new: bool,
}

impl Agent {
    /// Adds the draft of a discovery at `url` that has no client id.
    pub(crate) async fn add_registered(
        &self,
        url: &str,
        mut input: DraftInput,
        profile: ProfileName,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        // All that can be wrong without the server, before a client is registered in vain.
        let mut checked = input.clone();
        checked.set("client_id", TO_BE_REGISTERED);
        let (draft, _) = checked.check().map_err(AgentError::BadDraft)?;
        self.check_name(&profile, &draft.name, None)?;
        self.inner.vault.check_store().await?;
        let (found, plan, network) = self.look_again(url, &input).await?;
        if plan.registration != RegistrationPlan::Dynamic {
            return Err(AgentError::BadDraft(vec![client_id_needed(
                &found.server,
                None,
            )]));
        }
        let issuer = found.server.issuer.as_str();
        let _one_at_a_time = self.inner.registrations.lock(issuer).await;
        // Somebody else may have added it meanwhile.
        self.check_name(&profile, &draft.name, None)?;
        let given = input.has("redirect_uri").then_some(&draft.redirect_uri);
        let client = self.client_at(&found, given, None, network).await?;
        failpoint!("discovery.registered");
        let registered = &client.registered;
        input.set("client_id", registered.client_id.as_str());
        input.set("redirect_uri", registered.redirect_uri.to_string());
        if let Some(secret) = &registered.client_secret {
            input.set("client_secret", secret.expose());
            input.set("client_auth", method(registered.client_auth));
        }
        let added = self
            .add_checked(input, profile, Some(&client.registration), who)
            .await;
        let (view, mut warnings) = match added {
            Ok(added) => added,
            Err(error) => return Err(self.give_up(error, &client, network).await),
        };
        if let Some((_, token)) = &registered.management {
            self.keep_token(&view.authenticator, &client.registration, token)
                .await;
        }
        if !registered.may_refresh {
            warnings.push(Warning {
                field: "client_id".to_owned(),
                message: format!("`{issuer}` registered a client that gets no refresh tokens"),
                hint: "sign in again when the token has expired".to_owned(),
                offer: None,
            });
        }
        Ok((view, warnings))
    }

    /// Adds the draft of a discovery at `url` for a client that a person has registered, whose secret is
    /// sent in a way that the server takes.
    pub(crate) async fn add_with_secret(
        &self,
        url: &str,
        mut input: DraftInput,
        profile: ProfileName,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        let (found, _) = self.find_chosen(&typed_url(url)?, &input).await?;
        if let Some(method) = found.server.method_of_given_secret() {
            input.set("client_auth", method);
        }
        self.add_checked(input, profile, None, who).await
    }

    /// What is behind the URL, with the issuer that the draft names.
    async fn find_chosen(
        &self,
        url: &EndpointUrl,
        input: &DraftInput,
    ) -> Result<(Box<Found>, Network), AgentError> {
        let issuer = input.text("issuer");
        let target = Target { url, issuer };
        match in_time(url, self.inner.provider_client.find(target)).await? {
            Lookup::Found(found, network) => Ok((found, network)),
            Lookup::Choose { .. } => Err(AgentError::InvalidRequest {
                message: format!("`{url}` names several authorization servers, and none is chosen"),
                hint: Some("choose one with `--issuer`".to_owned()),
            }),
        }
    }

    /// What the server says now, which must be what the draft says.
    async fn look_again(
        &self,
        url: &str,
        input: &DraftInput,
    ) -> Result<(Box<Found>, Plan, Network), AgentError> {
        let url = typed_url(url)?;
        let (found, network) = self.find_chosen(&url, input).await?;
        let given = Given {
            assume_pkce: input.is_true("assume_pkce"),
            ..Given::default()
        };
        let plan = found.plan(given).map_err(|failure| refused(&failure))?;
        for field in SEEN {
            let now = plan.members.get(*field).and_then(Value::as_str);
            let seen = input.text(field);
            if seen.is_some() && seen != now {
                return Err(AgentError::conflict(
                    format!(
                        "`{url}` has changed since it was looked at: `{field}` is {} now",
                        now.map_or("gone".to_owned(), |now| format!("`{now}`"))
                    ),
                    "look at it again; nothing was registered or stored",
                ));
            }
        }
        Ok((found, plan, network))
    }

    /// The client of this installation at the issuer: the one that another authenticator has, or a new
    /// one; never `refused`. The caller holds the issuer's lock.
    pub(super) async fn client_at(
        &self,
        found: &Found,
        redirect_uri: Option<&RedirectUri>,
        refused: Option<&str>,
        network: Network,
    ) -> Result<Client, AgentError> {
        let server = &found.server;
        if let Some(known) = self
            .known_client(&server.issuer, redirect_uri, refused)
            .await?
        {
            return Ok(known);
        }
        let provider_client = &self.inner.provider_client;
        let registered = provider_client
            .register(server, redirect_uri, network)
            .await;
        let registered = registered.map_err(|error| match error {
            NotRegistered::Refused(why) => {
                AgentError::BadDraft(vec![client_id_needed(server, Some(&why))])
            }
            NotRegistered::Find(error) => not_found(error),
        })?;
        let registrations = &self.inner.registrations;
        registrations.accept(&server.issuer, &registered.client_id);
        tracing::info!(issuer = server.issuer, "client registered");
        Ok(Client {
            registration: registered.registration(&server.issuer, self.inner.now()),
            registered,
            is_new: true,
        })
    }

    async fn known_client(
        &self,
        issuer: &str,
        redirect_uri: Option<&RedirectUri>,
        refused: Option<&str>,
    ) -> Result<Option<Client>, AgentError> {
        let known = self.find_known(issuer, redirect_uri, refused);
        let Some(known) = known else {
            return Ok(None);
        };
        let Some(registration) = known.overrides.registration.clone() else {
            return Ok(None);
        };
        let vault = &self.inner.vault;
        let client_secret = if known.has_secret {
            vault.client_secret(known.id).await?
        } else {
            None
        };
        if client_secret.is_some() != known.has_secret {
            return Ok(None);
        }
        let token = match &registration.management_url {
            Some(url) => vault
                .registration_token(known.id)
                .await?
                .map(|token| (url.clone(), token)),
            None => None,
        };
        let registered = Registered {
            client_id: known.client_id.clone(),
            client_secret,
            client_auth: known.overrides.client_auth.unwrap_or(ClientAuth::None),
            redirect_uri: known.redirect_uri.clone(),
            may_refresh: true,
            secret_expires_at: registration.secret_expires_at,
            management: token,
        };
        Ok(Some(Client {
            registered,
            registration,
            is_new: false,
        }))
    }

    /// An authenticator whose client can be shared.
    fn find_known(
        &self,
        issuer: &str,
        redirect_uri: Option<&RedirectUri>,
        refused: Option<&str>,
    ) -> Option<Arc<Authenticator>> {
        let now = self.inner.now();
        let registry = self.inner.registry();
        let fits = |one: &&Arc<Authenticator>| {
            let registration = one.overrides.registration.as_ref();
            registration.is_some_and(|it| it.issuer == issuer && !it.has_ended(now))
                && redirect_uri.is_none_or(|uri| *uri == one.redirect_uri)
                && refused != Some(one.client_id.as_str())
                && !registry.authenticators().any(|other| {
                    registered(other) == registered(one) && self.is_forgotten(&registry, other)
                })
        };
        registry.authenticators().find(fits).cloned()
    }

    /// Nothing of a registration stays that is not stored, or else it is said.
    pub(super) async fn give_up(
        &self,
        error: AgentError,
        client: &Client,
        network: Network,
    ) -> AgentError {
        if !client.is_new {
            return error;
        }
        if let Some((url, token)) = &client.registered.management {
            let provider_client = &self.inner.provider_client;
            if provider_client
                .delete_registration(url, token, network)
                .await
            {
                return error;
            }
        }
        AgentError::RegistrationLeft {
            issuer: client.registration.issuer.clone(),
            client_id: client.registered.client_id.clone(),
            error: Box::new(error),
        }
    }

    /// Without it the registration can be used, only not deleted.
    pub(super) async fn keep_token(
        &self,
        authenticator: &Authenticator,
        registration: &Registration,
        token: &RegistrationToken,
    ) {
        let vault = &self.inner.vault;
        let stored = vault.set_registration_token(authenticator.id, registration, token);
        if let Err(error) = stored.await {
            tracing::warn!(authenticator = %authenticator.name, %error, "registration token not stored");
        }
    }

    /// How the registration of an authenticator is deleted, if `new` gives it up; to be asked before.
    pub(crate) async fn deletion_of_registration(
        &self,
        old: &Authenticator,
        new: Option<&Registration>,
    ) -> Option<(Registration, RegistrationToken)> {
        let registration = old.overrides.registration.clone()?;
        registration.management_url.as_ref()?;
        if new == Some(&registration) {
            return None;
        }
        let token = self.inner.vault.registration_token(old.id).await;
        Some((registration, token.ok()??))
    }

    /// Deletes the registration that an authenticator had, unless another one uses it. Nobody waits for
    /// a server that does not answer.
    pub(crate) fn unregister_later(
        &self,
        old: &Arc<Authenticator>,
        given_up: Option<(Registration, RegistrationToken)>,
    ) {
        if let Some(given_up) = given_up {
            let (agent, old) = (self.clone(), Arc::clone(old));
            self.inner
                .run(async move { agent.unregister(&old, given_up).await });
        }
    }

    async fn unregister(
        &self,
        old: &Authenticator,
        (registration, token): (Registration, RegistrationToken),
    ) {
        let Some(url) = &registration.management_url else {
            return;
        };
        let _one_at_a_time = self.inner.registrations.lock(&registration.issuer).await;
        let is_shared = self.inner.registry().authenticators().any(|other| {
            other.client_id == old.client_id && other.overrides.issuer == old.overrides.issuer
        });
        if is_shared {
            return;
        }
        // It was checked when the server named it, as far as a text can be.
        let network = if valetkey_core::discovery::is_named_local(url) {
            Network::Any
        } else {
            Network::Public
        };
        let provider_client = &self.inner.provider_client;
        if !provider_client
            .delete_registration(url, &token, network)
            .await
        {
            tracing::warn!(
                issuer = registration.issuer,
                "the registration stays at the server"
            );
        }
    }
}

/// The word of a draft for a method that registrations have.
pub(super) fn method(auth: ClientAuth) -> &'static str {
    match auth {
        ClientAuth::ClientSecretBasic => "client_secret_basic",
        _ => "client_secret_post",
    }
}
