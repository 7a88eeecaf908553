//! A connection from a refresh token that the person has already. One refresh proves it and takes over a
//! token that rotates; whose it is, is asked as at every sign-in.
//!
//! The hard problem: the first use may put another token in the place of the one that was given, and then
//! nobody else holds the login. The answer: the token is in the keychain before it is sent, the one that
//! replaces it is written there before anything else happens, and the item goes when the connection has
//! it ([`valetkey_vault`]'s `token_imports`). What a kill cuts off is done again at the next start; what
//! the provider cannot be asked about now is asked again, if nobody else holds the token.
//!
//! A token that another tool keeps in a file is not used before it is gone from there ([`super::moved`]).

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use valetkey_core::id::{ConnectionId, SignInId};
use valetkey_core::name::AccountLabel;
use valetkey_core::secret::{PastedSecret, RefreshToken};
use valetkey_core::token_error::{RefreshOutcome, SignInFailure};
use valetkey_core::token_import::TokenImport;
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::{EarlierImport, VaultError, failpoint};

use super::begin::{check_quota, forget_old, plain};
use super::end::End;
use super::finish::{self, conclude};
use super::moved;
use super::renewal::connection_to_renew;
use super::session::{Awaits, Pending, SignInView};
use super::{Completed, Remedy};
use crate::client::Client;
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::protocol::ProofKey;
use crate::state::{Agent, Inner};

/// A connection to be made from a refresh token.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// The client that the token was issued to.
    pub authenticator: AuthenticatorKey,
    /// Label for a second account; also names the connection to renew.
    pub account: Option<AccountLabel>,
    /// Takes the place of whatever has the name.
    pub replace: bool,
    /// As it was pasted.
    pub token: PastedSecret,
    /// The file of another tool that holds it, and that the caller removes next.
    pub moved_from: Option<PathBuf>,
    /// Why a program asks; shown to the person as untrusted text.
    pub reason: Option<String>,
}

/// Why an import brought no connection.
pub(super) enum NotImported {
    /// It never will.
    Over(End),
    /// It may when it is tried again.
    Later(End),
}

impl Agent {
    /// Begins to import a refresh token. It ends by itself.
    pub async fn import_token(
        &self,
        options: TokenOptions,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        self.check_running()?;
        let token = options.token.read("refresh token");
        let token = token.map_err(|wrong| AgentError::InvalidRequest {
            message: wrong.message,
            hint: Some(wrong.hint.to_owned()),
        })?;
        let moved_from = options.moved_from.as_deref().map(moved::check);
        let moved_from = moved_from.transpose()?;
        let (token, who) = (RefreshToken::new(token.as_str()), who.clone());
        self.run(|agent| async move { agent.begin_import(options, token, moved_from, who).await })
            .await
    }

    async fn begin_import(
        &self,
        options: TokenOptions,
        token: RefreshToken,
        moved_from: Option<String>,
        who: Actor,
    ) -> Result<SignInView, AgentError> {
        let inner = &self.inner;
        forget_old(inner);
        check_quota(inner.sessions.lock().values(), false, inner.now())?;
        inner.vault.check_store().await?;
        let authenticator = inner
            .registry()
            .find_authenticator(&options.authenticator)?;
        if !authenticator.is_active {
            return Err(AgentError::Disabled(authenticator.full_name()));
        }
        if !authenticator.has_client() {
            return Err(AgentError::no_client(&authenticator));
        }
        let client = Client::of(&inner.vault, Arc::clone(&authenticator)).await?;
        if !client.endpoints.grant_type.needs_person() {
            return Err(AgentError::InvalidRequest {
                message: format!("`{}` uses no refresh tokens", authenticator.name),
                hint: Some(format!(
                    "`valetkey connect {}` connects it",
                    authenticator.full_name().argument()
                )),
            });
        }
        let label = options.account.clone();
        let reason = options.reason.as_deref().map(plain);
        let mut view = SignInView::without_person(&authenticator, label, reason, &who, inner.now());
        view.asked = authenticator.scopes.clone();
        let import = TokenImport {
            id: view.id,
            authenticator: authenticator.as_ref().clone(),
            account: options.account,
            replace: options.replace,
            token,
            is_rotated: false,
            moved_from,
            begun_at: inner.now(),
        };
        inner.sessions.imports.begin(import.id);
        let begun = self.keep_and_start(import, view, &who).await;
        begun.map_err(|(id, error)| {
            inner.sessions.imports.end(id);
            error
        })
    }

    async fn keep_and_start(
        &self,
        import: TokenImport,
        view: SignInView,
        who: &Actor,
    ) -> Result<SignInView, (SignInId, AgentError)> {
        let (inner, id) = (&self.inner, import.id);
        match inner.vault.begin_token_import(&import).await {
            Ok(None) => {}
            Ok(Some(earlier)) => return Err((id, self.given_before(earlier))),
            Err(error) => {
                inner.finish_later();
                return Err((id, error.into()));
            }
        }
        match self.start_import(import, view, who).await {
            Ok(view) => Ok(view),
            Err(error) => {
                // It was not sent, and the caller has it.
                if inner.vault.end_token_import(id, None).await.is_err() {
                    inner.finish_later();
                }
                Err((id, error))
            }
        }
    }

    async fn start_import(
        &self,
        import: TokenImport,
        view: SignInView,
        who: &Actor,
    ) -> Result<SignInView, AgentError> {
        let renews = renews(&self.inner, &import);
        let detail = json!({
            "reason": view.reason, "refresh_token": true, "moved_from": import.moved_from,
        });
        self.open_taken(&view, renews, detail, who).await?;
        let (agent, session) = (self.clone(), view.id);
        self.inner
            .run(async move { agent.run_import(session, import).await });
        Ok(view)
    }

    fn given_before(&self, earlier: EarlierImport) -> AgentError {
        let message = match earlier {
            EarlierImport::Pending => "this refresh token is being imported already".to_owned(),
            EarlierImport::Imported(connection) => {
                let name = self.inner.registry().full_name(connection);
                let name = name.map_or_else(|_| connection.to_string(), |name| name.to_string());
                format!("this refresh token was imported already, as `{name}`")
            }
        };
        AgentError::conflict(
            message,
            "nothing was sent: `valetkey status` shows what there is",
        )
    }

    async fn run_import(&self, session: SignInId, mut import: TokenImport) {
        let inner = &self.inner;
        let id = import.id;
        let (end, kept) = match attempt(inner, &mut import).await {
            Ok(done) => (Ok(done), false),
            Err(NotImported::Later(end)) if import.is_only_holder() => (Err(end.kept()), true),
            Err(NotImported::Over(end) | NotImported::Later(end)) => (Err(end), false),
        };
        if kept {
            inner.sessions.imports.fail(id, inner.now());
            inner.finish_later();
        } else {
            let connection = end.as_ref().ok().map(|done| done.id);
            match inner.vault.end_token_import(id, connection).await {
                Ok(()) => inner.sessions.imports.end(id),
                Err(error) => {
                    tracing::warn!(%error, "what is left of an import is removed later");
                    inner.sessions.imports.fail(id, inner.now());
                    inner.finish_later();
                }
            }
        }
        conclude(inner, session, end).await;
    }
}

/// Goes on with imports that were cut off or are to be tried again, as far as their time has come.
pub(crate) async fn resume(inner: &Arc<Inner>) -> Result<(), VaultError> {
    let agent = Agent {
        inner: Arc::clone(inner),
    };
    for id in inner.vault.pending_token_imports().await? {
        if !inner.sessions.imports.resume(id, inner.now()) {
            // Its own run ends it, or its time is to come.
            inner.finish_later();
            continue;
        }
        if let Err(error) = agent.resume_import(id).await {
            inner.sessions.imports.fail(id, inner.now());
            match error {
                AgentError::Internal(_) => {
                    tracing::error!(%error, "a refresh token is left as it is");
                }
                error => {
                    tracing::warn!(%error, "an import goes on later");
                    inner.finish_later();
                }
            }
        }
    }
    Ok(())
}

impl Agent {
    async fn resume_import(&self, id: SignInId) -> Result<(), AgentError> {
        let inner = &self.inner;
        let stored = inner.vault.stored_token_import(id).await?;
        let import = match stored {
            Some(_) => None,
            None => inner.vault.token_import(id).await?,
        };
        let Some(import) = import else {
            inner.vault.end_token_import(id, stored).await?;
            inner.sessions.imports.end(id);
            return Ok(());
        };
        let who = Actor::agent();
        let (label, now) = (import.account.clone(), inner.now());
        let mut view = SignInView::without_person(&import.authenticator, label, None, &who, now);
        view.asked = import.authenticator.scopes.clone();
        match self.start_import(import, view, &who).await {
            // Its client is gone, and with it all that the token was good for.
            Err(AgentError::NotFound { .. }) => {
                inner.vault.end_token_import(id, None).await?;
                inner.sessions.imports.end(id);
                Ok(())
            }
            started => started.map(drop),
        }
    }
}

fn renews(inner: &Inner, import: &TokenImport) -> Option<ConnectionId> {
    let row = connection_to_renew(inner, import.account.as_ref(), import.authenticator.id);
    row.map(|row| row.id)
}

/// Token to grant, grant to connection.
async fn attempt(inner: &Arc<Inner>, import: &mut TokenImport) -> Result<Completed, NotImported> {
    moved::wait(inner, import).await?;
    let pending = pending(inner, import).await?;
    let (reply, received) = {
        let reply = refresh(inner, &pending, import).await?;
        // `expires_in` counts from here.
        (reply, inner.clock.reading())
    };
    failpoint!("token_import.answered");
    let reply = take_over(inner, import, reply).await;
    failpoint!("token_import.staged");
    let (subject, placed) = finish::place(inner, &pending, &reply, received).await;
    match placed {
        Ok(done) => Ok(done),
        Err(end) if end.is_transient() && import.is_only_holder() => Err(NotImported::Later(end)),
        Err(end) => {
            // One that was not replaced is the person's own still.
            if import.is_rotated {
                finish::revoke(inner, &pending, subject.as_ref(), &reply, received).await;
            }
            Err(NotImported::Over(end))
        }
    }
}

/// What the import needs to be finished: its client, if that is the one that the token was given for.
async fn pending(inner: &Inner, import: &TokenImport) -> Result<Pending, NotImported> {
    let begun = &import.authenticator;
    let current = inner.registry().authenticator(begun.id).cloned();
    let current = current.ok_or_else(|| {
        let missing = AgentError::no_authenticator(&begun.full_name().into());
        NotImported::Over(missing.into())
    })?;
    let client = Client::of(&inner.vault, current).await;
    let mut client = client.map_err(|error| NotImported::Later(error.into()))?;
    if !client.authenticator.is_same_client(begun, client.provider) {
        return Err(NotImported::Over(finish::changed(&client.authenticator)));
    }
    client.proof_key = client.endpoints.dpop.map(|_| ProofKey::generate());
    let metadata = inner.provider_client.metadata(&client, inner.now()).await;
    let asked = client.authenticator.scopes.clone();
    let (metadata, failure) = match metadata {
        Ok(metadata) => (metadata, None),
        Err(failure) => (None, Some(failure)),
    };
    let pending = Pending {
        client: Arc::new(client),
        awaits: Awaits::Direct { metadata },
        label: import.account.clone(),
        asked,
        renews: renews(inner, import),
        replace: import.replace,
        by_link: false,
        import: Some(import.id),
    };
    match failure {
        None => Ok(pending),
        Some(failure) => Err(NotImported::Later(End::of(&failure, &pending))),
    }
}

/// Sends the token.
async fn refresh(
    inner: &Inner,
    pending: &Pending,
    import: &TokenImport,
) -> Result<TokenResponse, NotImported> {
    let client = &pending.client;
    let answer = inner
        .provider_client
        .refresh(client, &import.token, None, None, inner.now())
        .await;
    let failed = |failure: SignInFailure| End::of(&failure, pending);
    let reason = match answer {
        Ok(RefreshOutcome::Refreshed(reply)) => return Ok(*reply),
        Ok(RefreshOutcome::SignInAgain { reason }) => {
            let (provider, name) = (client.provider_name(), client.authenticator.full_name());
            return Err(NotImported::Over(End::failed(
                format!("{provider} refused this refresh token ({reason}); nothing was stored"),
                format!(
                    "it may have been replaced, or belong to another client: sign in with `valetkey connect {}`",
                    name.argument()
                ),
            )));
        }
        Ok(RefreshOutcome::FixClient { reason }) => {
            return Err(NotImported::Later(failed(SignInFailure::FixClient {
                reason,
            })));
        }
        Ok(RefreshOutcome::Unclear { reason }) => {
            return Err(NotImported::Later(failed(SignInFailure::Unclear {
                reason,
            })));
        }
        Ok(RefreshOutcome::Later { reason, .. }) => reason,
        Err(unreachable) => unreachable.reason,
    };
    Err(NotImported::Later(failed(SignInFailure::TryLater {
        reason,
    })))
}

/// The token that the provider has put in the place of the one that was sent is kept before anything
/// else happens.
async fn take_over(
    inner: &Inner,
    import: &mut TokenImport,
    mut reply: TokenResponse,
) -> TokenResponse {
    match &reply.refresh_token {
        Some(new) if *new != import.token => {
            import.token = new.clone();
            import.is_rotated = true;
            if let Err(error) = inner.vault.save_token_import(import).await {
                tracing::warn!(%error, "a refresh token is held in memory until its connection is stored");
            }
        }
        Some(_) => {}
        None => reply.refresh_token = Some(import.token.clone()),
    }
    reply
}

impl End {
    /// Nobody else holds the token, so it stays here.
    fn kept(self) -> Self {
        let more = "the refresh token is kept, and tried again until the provider answers";
        match self {
            Self::Denied(failed) => Self::Denied(failed),
            Self::Failed(mut failed) => {
                failed.message = format!("{}; {more}", failed.message);
                Self::Failed(failed)
            }
        }
    }

    /// Whether the same may end well later.
    const fn is_transient(&self) -> bool {
        match self {
            Self::Denied(_) => false,
            Self::Failed(failed) => match failed.remedy {
                Remedy::TryLater | Remedy::MendKeychain | Remedy::Report => true,
                Remedy::StartAgain | Remedy::Replace | Remedy::FixClient => false,
            },
        }
    }
}
