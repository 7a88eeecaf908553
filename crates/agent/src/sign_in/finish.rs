//! The end of a sign-in: code to tokens, tokens to account, account to connection, all of it to
//! the keychain before anybody is told.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;
use valetkey_core::account::Subject;
use valetkey_core::authenticator::{Authenticator, GrantType};
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::grant::{Grant, GrantKind};
use valetkey_core::id::{Generation, SignInId};
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::{SignInFailure, read_authorize_error};
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::failpoint;

use super::callback::{Answer, Code};
use super::end::{self, End, note_refused};
use super::place::{Wish, place_grant};
use super::session::{Awaits, Pending};
use super::{Completed, SignInState};
use crate::client::Client;
use crate::error::AgentError;
use crate::exchange;
use crate::key::Actor;
use crate::protocol::Identity;
use crate::state::Inner;

/// Finishes a run with the browser's answer and records how it ended.
pub(super) async fn finish(
    inner: &Arc<Inner>,
    id: SignInId,
    pending: Pending,
    answer: Answer,
) -> SignInState {
    let state = match exchange(inner, id, &pending, answer).await {
        Ok((reply, received)) => keep(inner, &pending, &reply, received).await,
        Err(end) => Err(end),
    };
    conclude(inner, id, state).await
}

/// Why a request for tokens brought none.
pub(super) enum NoTokens {
    /// The provider gave none.
    Provider(SignInFailure),
    /// It was not sent.
    Agent(AgentError),
}

impl From<SignInFailure> for NoTokens {
    fn from(failure: SignInFailure) -> Self {
        Self::Provider(failure)
    }
}

impl From<AgentError> for NoTokens {
    fn from(error: AgentError) -> Self {
        Self::Agent(error)
    }
}

/// Finishes a sign-in with what the token endpoint answered without a browser's answer, and records how
/// it ended. A grant that nobody waits for any more is revoked.
pub(super) async fn finish_answered(
    inner: &Arc<Inner>,
    id: SignInId,
    client: &Client,
    granted: Result<TokenResponse, NoTokens>,
) {
    // `expires_in` counts from here.
    let received = inner.clock.reading();
    if let Err(NoTokens::Provider(failure)) = &granted {
        note_refused(inner, client, failure);
    }
    let Some(pending) = inner.sessions.take_by_id(id) else {
        if let Ok(reply) = granted {
            let asked = Scopes::default();
            let lifetimes = client.provider.lifetimes();
            let unwanted = reply.into_grant(Generation(0), None, &asked, lifetimes, received);
            inner.revoke_unwanted(client, None, &unwanted).await;
        }
        return;
    };
    let state = match granted {
        Ok(reply) => {
            // Where nobody must agree, nobody has.
            if client.endpoints.grant_type.needs_person() {
                inner
                    .set_sign_in_state(id, SignInState::Authorized, &Actor::agent())
                    .await;
            }
            keep(inner, &pending, &reply, received).await
        }
        Err(NoTokens::Provider(failure)) => Err(End::of(&failure, &pending)),
        Err(NoTokens::Agent(error)) => Err(error.into()),
    };
    conclude(inner, id, state).await;
}

pub(super) async fn conclude(
    inner: &Arc<Inner>,
    id: SignInId,
    end: Result<Completed, End>,
) -> SignInState {
    let state = end::state(end);
    inner
        .set_sign_in_state(id, state.clone(), &Actor::agent())
        .await;
    state
}

/// The browser's answer to tokens, and when they came.
async fn exchange(
    inner: &Arc<Inner>,
    id: SignInId,
    pending: &Pending,
    answer: Answer,
) -> Result<(TokenResponse, ClockReading), End> {
    let client = &pending.client;
    let Awaits::Callback { request, .. } = &pending.awaits else {
        unreachable!("only a sign-in in the browser is taken by its state");
    };
    // On a mismatch nothing else of the answer is believed or shown.
    let from = request.check_issuer(client, answer.issuer.as_deref());
    from.map_err(|failure| End::of(&failure, pending))?;
    let Code(code) = match answer.result {
        Ok(code) => code,
        Err(refused) => {
            let description = refused.description.as_deref();
            let failure = read_authorize_error(client.provider, &refused.error, description);
            return Err(End::of(&failure, pending));
        }
    };
    inner
        .set_sign_in_state(id, SignInState::Authorized, &Actor::agent())
        .await;
    let now = inner.now();
    let exchange = inner
        .provider_client
        .exchange_code(client, request, &code, now)
        .await;
    let reply = exchange.map_err(|failure| {
        note_refused(inner, client, &failure);
        End::of(&failure, pending)
    })?;
    // `expires_in` counts from here.
    Ok((reply, inner.clock.reading()))
}

/// As [`place`]; what cannot be kept is revoked.
async fn keep(
    inner: &Arc<Inner>,
    pending: &Pending,
    reply: &TokenResponse,
    received: ClockReading,
) -> Result<Completed, End> {
    failpoint!("sign_in.exchanged");
    let (subject, kept) = place(inner, pending, reply, received).await;
    if kept.is_err() {
        revoke(inner, pending, subject.as_ref(), reply, received).await;
    }
    kept
}

/// Tokens to account, account to connection; with whose they are, if that was found out.
pub(super) async fn place(
    inner: &Arc<Inner>,
    pending: &Pending,
    reply: &TokenResponse,
    received: ClockReading,
) -> (Option<Subject>, Result<Completed, End>) {
    let client = &pending.client;
    let now = received.wall;
    let identity = match identify(inner, pending, reply, now).await {
        Ok(identity) => identity,
        Err(failure) => return (None, Err(End::of(&failure, pending))),
    };
    inner.end_backoff_of_host(&client.endpoints.token_url.host());
    let subject = identity.subject.clone();
    let grant = |generation, previous: Option<&Grant>| {
        let lifetimes = client.provider.lifetimes();
        let reply = reply.clone();
        reply.into_grant(generation, previous, &pending.asked, lifetimes, received)
    };
    let placed = place_unchanged(inner, pending, identity, &grant, now).await;
    (subject, placed)
}

/// Gives back what nobody keeps.
pub(super) async fn revoke(
    inner: &Inner,
    pending: &Pending,
    subject: Option<&Subject>,
    reply: &TokenResponse,
    received: ClockReading,
) {
    let client = &pending.client;
    let lifetimes = client.provider.lifetimes();
    let reply = reply.clone();
    let unwanted = reply.into_grant(Generation(0), None, &pending.asked, lifetimes, received);
    inner.revoke_unwanted(client, subject, &unwanted).await;
}

/// Who signed in: a client that asked for itself, or an account of the provider.
async fn identify(
    inner: &Inner,
    pending: &Pending,
    reply: &TokenResponse,
    now: Timestamp,
) -> Result<Identity, SignInFailure> {
    let client = &pending.client;
    let provider = &inner.provider_client;
    let expected = pending.awaits.expected_id_token();
    match client.endpoints.grant_type {
        GrantType::AuthorizationCode => provider.identify(client, expected, reply, now).await,
        GrantType::ClientCredentials => Ok(Identity::of_client(client)),
        GrantType::TokenExchange => {
            let identity = provider.identify(client, expected, reply, now).await?;
            Ok(exchange::or_subject(inner, client, identity))
        }
    }
}

/// Locks the authenticator, if it still is the client that the sign-in began with.
async fn lock_unchanged(
    inner: &Inner,
    client: &Client,
) -> Result<(OwnedMutexGuard<()>, Arc<Authenticator>), End> {
    let begun = &client.authenticator;
    let locked = inner.lock_authenticator(begun.id).await;
    let (one_writer, current) =
        locked.ok_or_else(|| AgentError::no_authenticator(&begun.full_name().into()))?;
    if !current.is_same_client(begun, client.provider) {
        return Err(changed(&current));
    }
    Ok((one_writer, current))
}

/// The authenticator is another client now than at the start.
pub(super) fn changed(current: &Authenticator) -> End {
    let (name, full_name) = (&current.name, current.full_name());
    End::failed(
        format!(
            "`{name}` was changed during the sign-in: its client or its endpoints are other ones now; \
             nothing was stored"
        ),
        format!("run `valetkey connect {}` again", full_name.argument()),
    )
}

/// Places what a sign-in brought, if its client still is what it was.
async fn place_unchanged(
    inner: &Arc<Inner>,
    pending: &Pending,
    identity: Identity,
    grant: impl Fn(Generation, Option<&Grant>) -> Grant,
    now: Timestamp,
) -> Result<Completed, End> {
    let (_one_writer, authenticator) = lock_unchanged(inner, &pending.client).await?;
    let wish = Wish {
        kind: GrantKind::OAuth,
        asked: &pending.asked,
        label: pending.label.as_ref(),
        replace: pending.replace,
        renews: pending.renews,
        by_link: pending.by_link,
        import: pending.import,
    };
    place_grant(inner, authenticator, &wish, identity, grant, now).await
}
