//! The place of a new grant among the connections: whose it is decides, then the name.

use std::sync::Arc;

use jiff::Timestamp;
use valetkey_core::account::{Account, Subject};
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::grant::{Grant, GrantKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation, SignInId};
use valetkey_core::name::{AccountLabel, ConnectionName, InProfile};
use valetkey_core::scope::Scopes;

use super::Completed;
use super::end::End;
use super::store::{self, Replaced, SignedIn};
use crate::client::Client;
use crate::protocol::Identity;
use crate::state::Inner;

/// What was wished of a new grant's place.
pub(super) struct Wish<'a> {
    pub(super) kind: GrantKind,
    pub(super) asked: &'a Scopes,
    pub(super) label: Option<&'a AccountLabel>,
    pub(super) replace: bool,
    /// The connection that had the name at the start.
    pub(super) renews: Option<ConnectionId>,
    pub(super) by_link: bool,
    /// A refresh token was given, and its use may have put another in its place: what came of it is not
    /// refused for want of a name.
    pub(super) import: Option<SignInId>,
}

/// Gives the grant a place among the connections, and stores it there. The caller holds the lock of the
/// authenticator to the end: a grant belongs to the client and the servers that it was obtained from,
/// so these may not change before it is stored.
pub(super) async fn place_grant(
    inner: &Arc<Inner>,
    authenticator: Arc<Authenticator>,
    wish: &Wish<'_>,
    identity: Identity,
    grant: impl Fn(Generation, Option<&Grant>) -> Grant,
    now: Timestamp,
) -> Result<Completed, End> {
    let (display_name, subject) = (identity.display_name, identity.subject);
    let naming = inner.naming_lock.lock().await;
    let place = place(
        inner,
        authenticator.id,
        subject.as_ref(),
        wish,
        display_name.as_deref(),
    );
    match place {
        Place::New { label, instead_of } => {
            let account = Account {
                label,
                display_name,
                subject,
            };
            let done = store::add(inner, &authenticator, account, wish, grant, now).await?;
            Ok(Completed { instead_of, ..done })
        }
        Place::Renew(connection) => {
            // It has its name already, and its write lock may be held for long.
            drop(naming);
            let signed_in = SignedIn {
                display_name,
                subject,
                replaces: wish.replace,
            };
            let (done, replaced) = store::renew(inner, connection, signed_in, wish, grant).await?;
            if let Some(replaced) = replaced {
                revoke_replaced(inner, authenticator, replaced).await;
            }
            Ok(done)
        }
        Place::SignedIn { name } => {
            let command = InProfile::new(authenticator.profile.clone(), &name).argument();
            Err(End::taken(
                format!(
                    "`{name}` is signed in by OAuth, which a key would end; nothing was changed"
                ),
                format!(
                    "leave it as it is, or put the key in its place with `--replace`: `valetkey connect \
                     {command} --api-key-stdin --replace`"
                ),
            ))
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
            let hint = if wish.by_link {
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

/// The sign-in that a key took the place of ends at the provider, too.
async fn revoke_replaced(inner: &Inner, authenticator: Arc<Authenticator>, replaced: Replaced) {
    if !authenticator.has_client() {
        return;
    }
    if let Ok(client) = Client::of(&inner.vault, authenticator).await {
        let Replaced { live, account } = replaced;
        inner
            .revoke_unwanted(&client, account.as_ref(), &live.grant)
            .await;
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
    /// The same account is signed in by OAuth, and this is a key.
    SignedIn { name: ConnectionName },
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
    wish: &Wish<'_>,
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
    let renewal = |row: &Connection| {
        let is_downgrade = wish.kind == GrantKind::ApiKey && row.kind == GrantKind::OAuth;
        match registry
            .name_of(row)
            .filter(|_| is_downgrade && !wish.replace)
        {
            Some(name) => Place::SignedIn { name },
            None => Place::Renew(row.id),
        }
    };
    if let Some(row) = same {
        return renewal(row);
    }
    let at_label =
        |label: Option<&AccountLabel>| rows.iter().find(|row| row.account.label.as_ref() == label);
    let label = wish.label;
    let Some(taken) = at_label(label) else {
        return Place::New {
            label: label.cloned(),
            instead_of: None,
        };
    };
    if wish.replace {
        return Place::Renew(taken.id);
    }
    let name = || {
        let name = registry.name_of(taken);
        name.expect("listed under its authenticator")
    };
    let holder = taken.account.display_name.clone();
    match (&taken.account.subject, subject) {
        (Some(_), Some(_)) if label.is_none() => {}
        (Some(_), _) if wish.import.is_some() => {}
        (Some(_), Some(_)) => {
            let holder = holder.unwrap_or_else(|| "another account".to_owned());
            let name = name();
            return Place::OtherAccount { name, holder };
        }
        (None, _) if !wish.by_link => return renewal(taken),
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
        instead_of: (wish.renews == Some(taken.id)).then(name),
    }
}
