//! The end of a sign-in: code to tokens, tokens to account, account to connection, all of it to
//! the keychain before anybody is told.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;
use valetkey_core::account::{Account, Subject};
use valetkey_core::authenticator::{Authenticator, GrantType};
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::discovery::is_unknown_client;
use valetkey_core::grant::Grant;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation, SignInId};
use valetkey_core::name::{AccountLabel, ConnectionName, InProfile};
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::{SignInFailure, read_authorize_error};
use valetkey_core::token_response::TokenResponse;
use valetkey_vault::failpoint;

use super::callback::{Answer, Code};
use super::end::{self, End};
use super::session::{Awaits, Pending};
use super::store::{self, SignedIn};
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

async fn conclude(inner: &Arc<Inner>, id: SignInId, end: Result<Completed, End>) -> SignInState {
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
        if let SignInFailure::FixClient { reason } = &failure
            && is_unknown_client(reason)
        {
            let refused = &client.authenticator;
            inner.registrations.refuse(refused.id, &refused.client_id);
        }
        End::of(&failure, pending)
    })?;
    // `expires_in` counts from here.
    Ok((reply, inner.clock.reading()))
}

/// Tokens to account, account to connection. What cannot be kept is revoked.
async fn keep(
    inner: &Arc<Inner>,
    pending: &Pending,
    reply: &TokenResponse,
    received: ClockReading,
) -> Result<Completed, End> {
    let client = &pending.client;
    let now = received.wall;
    failpoint!("sign_in.exchanged");
    let grant = |generation, previous: Option<&Grant>| {
        reply.clone().into_grant(
            generation,
            previous,
            &pending.asked,
            client.provider.lifetimes(),
            received,
        )
    };
    let (subject, kept) = match identify(inner, pending, reply, now).await {
        Ok(identity) => {
            inner.end_backoff_of_host(&client.endpoints.token_url.host());
            let subject = identity.subject.clone();
            (
                subject,
                place_grant(inner, pending, identity, &grant, now).await,
            )
        }
        Err(failure) => (None, Err(End::of(&failure, pending))),
    };
    if kept.is_err() {
        let unwanted = grant(Generation(0), None);
        inner
            .revoke_unwanted(client, subject.as_ref(), &unwanted)
            .await;
    }
    kept
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
        let name = &current.name;
        return Err(End::failed(
            format!(
                "`{name}` was changed during the sign-in: its client or its endpoints are other \
                 ones now; nothing was stored"
            ),
            format!(
                "run `valetkey connect {}` again",
                current.full_name().argument()
            ),
        ));
    }
    Ok((one_writer, current))
}

/// Gives the grant a place among the connections, and stores it there.
async fn place_grant(
    inner: &Arc<Inner>,
    pending: &Pending,
    identity: Identity,
    grant: impl Fn(Generation, Option<&Grant>) -> Grant,
    now: Timestamp,
) -> Result<Completed, End> {
    let client = &pending.client;
    // Held to the end: a grant belongs to the client and the servers that it was obtained from, so
    // these may not change before it is stored.
    let (_one_writer, authenticator) = lock_unchanged(inner, client).await?;
    let (display_name, subject) = (identity.display_name, identity.subject);
    let naming = inner.naming_lock.lock().await;
    let place = place(
        inner,
        authenticator.id,
        subject.as_ref(),
        pending,
        display_name.as_deref(),
    );
    match place {
        Place::New { label, instead_of } => {
            let account = Account {
                label,
                display_name,
                subject,
            };
            let done =
                store::add(inner, &authenticator, account, &pending.asked, grant, now).await?;
            Ok(Completed { instead_of, ..done })
        }
        Place::Renew(connection) => {
            // It has its name already, and its write lock may be held for long.
            drop(naming);
            let signed_in = SignedIn {
                display_name,
                subject,
                replaces: pending.replace,
            };
            Ok(store::renew(inner, connection, signed_in, &pending.asked, grant).await?)
        }
        Place::OtherAccount { name, holder } => {
            let got = display_name.unwrap_or_else(|| "another account".to_owned());
            Err(End::taken(
                format!(
                    "`{name}` is signed in as {holder}, but you signed in as {got}; nothing was changed"
                ),
                format!(
                    "choose {holder} at the provider, give the new account its own label with \
                     `--account`, or put it in the place of {holder} with `--replace`"
                ),
            ))
        }
        Place::Unidentified { name, holder } => {
            let new_account = authenticator.full_name().argument();
            let command = InProfile::new(authenticator.profile.clone(), &name).argument();
            let holder = holder.map_or_else(String::new, |holder| format!(" as {holder}"));
            let hint = if pending.by_link {
                format!("run `valetkey connect {command}` in a terminal")
            } else {
                format!(
                    "try again; or give it a label of its own with `valetkey connect \
                     {new_account} --account LABEL`, or put it in the place of `{name}` with \
                     `valetkey connect {command} --replace`"
                )
            };
            Err(End::taken(
                format!(
                    "`{name}` is signed in{holder}, and whether this is the same account could not \
                     be found out; nothing was changed"
                ),
                hint,
            ))
        }
    }
}

/// Where a new grant belongs.
enum Place {
    /// A connection of its own.
    New {
        label: Option<AccountLabel>,
        /// The connection that was to be renewed, which another account has.
        instead_of: Option<ConnectionName>,
    },
    /// The same account again, or one that may take its place.
    Renew(ConnectionId),
    /// The label is taken by another account.
    OtherAccount {
        name: ConnectionName,
        holder: String,
    },
    /// The name is taken, and by whom it is or who signed in is not known.
    Unidentified {
        name: ConnectionName,
        holder: Option<String>,
    },
}

/// The same (issuer, sub) renews its connection. A name that another account holds is refused, and so
/// is one whose holder is known where the new account is not; `--replace` overrides both. Two accounts
/// that nobody can identify are taken for one, but not through a link, which others may have opened.
/// The first account of an authenticator needs no label, later ones are named after their login.
fn place(
    inner: &Inner,
    authenticator: AuthenticatorId,
    subject: Option<&Subject>,
    pending: &Pending,
    login: Option<&str>,
) -> Place {
    let registry = inner.registry();
    let rows: Vec<&Connection> = registry
        .entries()
        .map(|entry| &entry.row)
        .filter(|row| row.authenticator == authenticator && row.state.status != Status::Removing)
        .collect();
    let is_same = |row: &&&Connection| {
        let known = row.account.subject.as_ref();
        known
            .zip(subject)
            .is_some_and(|(known, new)| known.is_same_account(new))
    };
    let same = rows.iter().find(is_same);
    if let Some(row) = same {
        return Place::Renew(row.id);
    }
    let at_label =
        |label: Option<&AccountLabel>| rows.iter().find(|row| row.account.label.as_ref() == label);
    let label = pending.label.as_ref();
    let Some(taken) = at_label(label) else {
        return Place::New {
            label: label.cloned(),
            instead_of: None,
        };
    };
    if pending.replace {
        return Place::Renew(taken.id);
    }
    let name = || {
        let name = registry.name_of(taken);
        name.expect("listed under its authenticator")
    };
    let holder = taken.account.display_name.clone();
    match (&taken.account.subject, subject) {
        (Some(_), Some(_)) if label.is_none() => {}
        (Some(_), Some(_)) => {
            let holder = holder.unwrap_or_else(|| "another account".to_owned());
            let name = name();
            return Place::OtherAccount { name, holder };
        }
        (None, _) if !pending.by_link => return Place::Renew(taken.id),
        (Some(_), None) | (None, _) => {
            let name = name();
            return Place::Unidentified { name, holder };
        }
    }
    let free = |label: &AccountLabel| at_label(Some(label)).is_none();
    let by_login = login.and_then(AccountLabel::from_account).filter(free);
    let numbered = || {
        (2..=u32::MAX)
            .filter_map(|n| n.to_string().parse().ok())
            .find(free)
            .expect("there are more numbers than connections")
    };
    Place::New {
        label: Some(by_login.unwrap_or_else(numbered)),
        instead_of: (pending.renews == Some(taken.id)).then(name),
    }
}
