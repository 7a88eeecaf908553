//! A connection from a key that the person has already: an API key or a personal access token. There is
//! no browser and no OAuth client: the provider is asked whose the key is, where it can say, and the key
//! is stored as a grant is.
//!
//! Nobody but this run knows the key before it is stored, and a run that fails leaves nothing of it: a
//! key that the provider refuses is not stored, and an authenticator that was made for it goes again.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::draft::DraftInput;
use valetkey_core::grant::{Grant, GrantKind};
use valetkey_core::id::{ConnectionId, SignInId};
use valetkey_core::name::AccountLabel;
use valetkey_core::provider::Provider;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, PastedSecret};
use valetkey_vault::failpoint;

use super::begin::{check_quota, forget_old, plain};
use super::end::End;
use super::finish::conclude;
use super::place::{Wish, place_grant};
use super::renewal::connection_to_renew;
use super::session::{Session, SignInView};
use super::{Completed, Failed, Remedy};
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::protocol::{Identity, KeyCheck};
use crate::state::{Agent, Inner};

/// A connection to be made from a key.
#[derive(Debug, Clone)]
pub struct KeyOptions {
    /// Whose hosts the key is for. A catalogue id is enough where no authenticator has that name.
    pub authenticator: AuthenticatorKey,
    /// Label for a second account; also names the connection to renew.
    pub account: Option<AccountLabel>,
    /// Takes the place of whatever has the name: another account, or a sign-in by OAuth.
    pub replace: bool,
    /// As it was pasted.
    pub key: PastedSecret,
    /// When it ends, if the person knows.
    pub expires_at: Option<Timestamp>,
    /// Why a program asks; shown to the person as untrusted text.
    pub reason: Option<String>,
}

/// A key on its way to the keychain.
struct NewKey {
    authenticator: Arc<Authenticator>,
    provider: &'static Provider,
    /// The authenticator was made for this key.
    is_added: bool,
    key: AccessToken,
    expires_at: Option<Timestamp>,
    label: Option<AccountLabel>,
    replace: bool,
    renews: Option<ConnectionId>,
    who: Actor,
}

impl Agent {
    /// Begins to make a connection from a key. It ends by itself, in seconds.
    pub async fn connect_with_key(
        &self,
        options: KeyOptions,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.check_running()?;
        let now = self.inner.now();
        let key = options.key.read("API key");
        let key = key.map_err(|wrong| AgentError::InvalidRequest {
            message: wrong.message,
            hint: Some(wrong.hint.to_owned()),
        })?;
        if options.expires_at.is_some_and(|end| end <= now) {
            return Err(AgentError::InvalidRequest {
                message: "the key has ended already".to_owned(),
                hint: Some("make another one at the provider".to_owned()),
            });
        }
        let (key, who) = (AccessToken::new(key.as_str()), who.clone());
        self.run(|agent| async move { agent.begin_with_key(options, key, who).await })
            .await
    }

    /// The connection whose account a secret of the person's own may change without anybody noticing.
    pub fn replaceable(
        &self,
        authenticator: &AuthenticatorKey,
        account: Option<&AccountLabel>,
        replace: bool,
    ) -> Option<String> {
        let registry = self.inner.registry();
        let authenticator = registry.find_authenticator(authenticator).ok()?;
        drop(registry);
        let row = connection_to_renew(&self.inner, account, authenticator.id)?;
        let is_unknown = row.account.subject.is_none();
        let registry = self.inner.registry();
        let name = registry.name_of(&row)?;
        (replace || is_unknown).then(|| name.to_string())
    }

    async fn begin_with_key(
        &self,
        ask: KeyOptions,
        key: AccessToken,
        who: Actor,
    ) -> Result<SignInView, AgentError> {
        let inner = &self.inner;
        forget_old(inner);
        check_quota(inner.sessions.lock().values(), false, inner.now())?;
        // A key that could not be stored need not be sent anywhere.
        inner.vault.check_store().await?;
        let (authenticator, is_added) = self.find_or_add(&ask.authenticator, &who).await?;
        if !authenticator.is_active {
            return Err(AgentError::Disabled(authenticator.full_name()));
        }
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        let renews = connection_to_renew(inner, ask.account.as_ref(), authenticator.id);
        let new = NewKey {
            provider,
            is_added,
            key,
            expires_at: ask.expires_at,
            label: ask.account,
            replace: ask.replace,
            renews: renews.map(|row| row.id),
            who: who.clone(),
            authenticator,
        };
        let reason = ask.reason.as_deref().map(plain);
        let label = new.label.clone();
        let view = SignInView::without_person(&new.authenticator, label, reason, &who, inner.now());
        let detail = json!({ "reason": view.reason, "api_key": true });
        if let Err(error) = self.open_taken(&view, new.renews, detail, &who).await {
            if is_added {
                self.forget_unused(&new).await;
            }
            return Err(error);
        }
        let agent = self.clone();
        inner.run(async move { agent.finish_with_key(view.id, new).await });
        Ok(view)
    }

    /// The authenticator of this name; one without a client is made where there is none, and the name is
    /// that of a provider.
    async fn find_or_add(
        &self,
        key: &AuthenticatorKey,
        who: &Actor,
    ) -> Result<(Arc<Authenticator>, bool), AgentError> {
        let find = || self.inner.registry().find_authenticator(key);
        let missing = match find() {
            Ok(found) => return Ok((found, false)),
            Err(missing) => missing,
        };
        let AuthenticatorKey::Name(profile, name) = key else {
            return Err(missing);
        };
        let provider = catalogue::provider(name.as_str()).filter(|it| it.id != "custom");
        let Some(provider) = provider else {
            return Err(missing);
        };
        let mut input = DraftInput::default();
        input.set("authenticator_type", provider.id.as_str());
        input.set("api_keys_only", true);
        match Box::pin(self.add(input, profile.clone(), who)).await {
            Ok((view, _)) => Ok((view.authenticator, true)),
            // Somebody else was faster.
            Err(AgentError::Conflict { .. }) => find().map(|found| (found, false)),
            Err(AgentError::BadDraft(problems)) => {
                let fields: Vec<&str> = problems.iter().map(|it| it.field.as_str()).collect();
                let set: Vec<String> = fields.iter().map(|it| format!("--set {it}=...")).collect();
                Err(AgentError::InvalidRequest {
                    message: format!(
                        "{} needs to know `{}` first",
                        provider.display_name,
                        fields.join("`, `")
                    ),
                    hint: Some(format!(
                        "run `valetkey add {} --api-keys-only {}`, then connect",
                        provider.id,
                        set.join(" ")
                    )),
                })
            }
            Err(error) => Err(error),
        }
    }

    async fn finish_with_key(&self, id: SignInId, new: NewKey) {
        let inner = &self.inner;
        let end = keep(inner, &new).await;
        let is_over = end.is_err() && new.is_added;
        conclude(inner, id, end).await;
        if is_over {
            self.forget_unused(&new).await;
        }
    }

    /// An authenticator that was made for a key goes with it, unless somebody uses it meanwhile.
    async fn forget_unused(&self, new: &NewKey) {
        let key = AuthenticatorKey::Id(new.authenticator.id);
        let through = |session: &Session| {
            session.view.authenticator_id == new.authenticator.id && session.ended_at.is_none()
        };
        let is_unchanged = {
            let registry = self.inner.registry();
            let current = registry.authenticator(new.authenticator.id);
            current.is_some_and(|current| **current == *new.authenticator)
        };
        let is_used = self.inner.sessions.lock().values().any(through);
        if is_unchanged && !is_used {
            // With connections it is in use, and stays.
            let _ = self.remove_authenticator(&key, false, &new.who).await;
        }
    }
}

impl NewKey {
    /// Whether a key for this one goes to the same places as before, in the same way.
    fn fits(&self, current: &Authenticator) -> bool {
        let (old, provider) = (&self.authenticator, self.provider);
        current.provider == old.provider
            && current.userinfo(provider) == old.userinfo(provider)
            && current.key_auth(provider) == old.key_auth(provider)
            && current.api_hosts(provider) == old.api_hosts(provider)
    }

    fn refused(&self) -> End {
        let provider = self.authenticator.provider_name(self.provider);
        let name = &self.provider.api_keys.name;
        let hint = match self.authenticator.api_keys_page(self.provider) {
            Some(page) => format!("make another {name} at {page}, and copy it whole"),
            None => format!("make another {name} at {provider}, and copy it whole"),
        };
        End::failed(
            format!("{provider} refused this {name}; nothing was stored"),
            hint,
        )
    }
}

/// Key to account, account to connection.
async fn keep(inner: &Arc<Inner>, new: &NewKey) -> Result<Completed, End> {
    let checked = inner
        .provider_client
        .check_key(&new.authenticator, new.provider, &new.key)
        .await;
    let (identity, unverified) = match checked {
        KeyCheck::Accepted { identity, .. } => (identity, None),
        KeyCheck::NotAsked => (Identity::default(), None),
        KeyCheck::Unknown { reason } => (Identity::default(), Some(reason)),
        KeyCheck::Refused => return Err(new.refused()),
    };
    failpoint!("api_key.checked");
    let received = inner.clock.reading();
    let begun = &new.authenticator;
    let locked = inner.lock_authenticator(begun.id).await;
    let (_one_writer, authenticator) =
        locked.ok_or_else(|| AgentError::no_authenticator(&begun.full_name().into()))?;
    if !new.fits(&authenticator) {
        let name = authenticator.full_name().argument();
        return Err(End::Failed(Failed {
            remedy: Remedy::StartAgain,
            message: format!(
                "`{}` was changed meanwhile: its keys go to other servers now; nothing was stored",
                authenticator.name
            ),
            hint: Some(format!(
                "run `valetkey connect {name} --api-key-stdin` again"
            )),
        }));
    }
    let wish = Wish {
        kind: GrantKind::ApiKey,
        asked: &Scopes::default(),
        label: new.label.as_ref(),
        replace: new.replace,
        renews: new.renews,
        by_link: false,
        import: None,
    };
    let grant = |generation, _: Option<&Grant>| {
        Grant::of_key(new.key.clone(), generation, received, new.expires_at)
    };
    let now = received.wall;
    let done = place_grant(inner, authenticator, &wish, identity, grant, now).await?;
    Ok(Completed { unverified, ..done })
}
