//! What a sign-in renews, and the scopes that it asks for therefore.

use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::AccountLabel;
use valetkey_core::scope::Scopes;

use super::SignInOptions;
use crate::state::Inner;

/// The connection that has the name which was asked for.
pub(super) fn connection_to_renew(
    inner: &Inner,
    label: Option<&AccountLabel>,
    authenticator: AuthenticatorId,
) -> Option<Connection> {
    let registry = inner.registry();
    let mut rows = registry.entries().map(|entry| &entry.row);
    let row = rows.find(|row| {
        row.authenticator == authenticator
            && row.account.label.as_ref() == label
            && row.state.status != Status::Removing
    });
    row.cloned()
}

/// What was granted to the connection that the sign-in is likely to renew: `known`, or the only account of
/// the authenticator where a sign-in without a label names none.
pub(super) fn granted_scopes(
    inner: &Inner,
    known: Option<&Connection>,
    ask: &SignInOptions,
    authenticator: AuthenticatorId,
) -> Option<Scopes> {
    if known.is_some() || ask.account.is_some() {
        return known.map(|row| row.scopes.clone());
    }
    let registry = inner.registry();
    let mut rows = registry
        .entries()
        .map(|entry| &entry.row)
        .filter(|row| row.authenticator == authenticator && row.state.status != Status::Removing);
    let only = rows.next()?;
    rows.next().is_none().then(|| only.scopes.clone())
}

/// Connecting again takes no scope away, unless exactly these are asked for.
pub(super) fn scopes_to_ask(
    configured: &Scopes,
    ask: &SignInOptions,
    granted: Option<&Scopes>,
) -> Scopes {
    if !ask.only_scopes {
        let asked = configured.union(&ask.scopes);
        return granted.map_or_else(|| asked.clone(), |granted| asked.union(granted));
    }
    if ask.scopes.is_empty() {
        configured.clone()
    } else {
        ask.scopes.clone()
    }
}

/// What a connection that has `granted` gains and loses by asking for these; nothing if it is new.
pub(super) fn scope_change(asked: &Scopes, granted: Option<&Scopes>) -> (Scopes, Scopes) {
    granted.map_or_else(Default::default, |granted| {
        (asked.missing_from(granted), granted.missing_from(asked))
    })
}

/// The login at the provider, so that it offers this account first. A name with spaces is no login.
pub(super) fn login_hint(row: &Connection) -> Option<&str> {
    let name = row.account.display_name.as_deref()?;
    (!name.contains(char::is_whitespace)).then_some(name)
}
