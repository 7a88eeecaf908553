//! One consent of an account to a client can be behind several connections: the same client in
//! another profile or under another name, the same account signed in again.
//!
//! So a grant cannot simply be revoked. At some providers (Google) the revocation of any token ends
//! the consent, and with it every other grant of the account to the client. RFC 7009, section 2.1,
//! leaves that to the provider and gives no way to find out. So while another connection uses the
//! same consent, nothing is revoked, except where the provider has separate endpoints for a token and
//! for the consent (GitHub).

use valetkey_core::account::Subject;
use valetkey_core::authenticator::{Authenticator, GrantType};
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::grant::{Grant, GrantKind};
use valetkey_core::id::ConnectionId;

use crate::client::Client;
use crate::protocol::Revocation;
use crate::registry::ConnectionRegistry;
use crate::state::Inner;

/// A connection that uses the consent of this account to this client, other than those that are
/// `leaving`. Accounts that cannot be identified count as the same.
pub(crate) fn shared_with<'a>(
    registry: &'a ConnectionRegistry,
    client: &Authenticator,
    account: Option<&Subject>,
    leaving: &[ConnectionId],
) -> Option<&'a Connection> {
    let same_account = |row: &Connection| {
        let other = row.account.subject.as_ref();
        let both = account.zip(other);
        both.is_none_or(|(account, other)| account.is_same_account(other))
    };
    let mut rows = registry.entries().map(|entry| &entry.row);
    rows.find(|row| {
        row.state.status != Status::Removing
            && row.kind == GrantKind::OAuth
            && !leaving.contains(&row.id)
            && same_account(row)
            && registry
                .authenticator(row.authenticator)
                .is_some_and(|other| is_same_client(client, other))
    })
}

/// Each token of a client that asks for itself stands alone.
fn rests_on_no_consent(client: &Client) -> bool {
    client.endpoints.grant_type == GrantType::ClientCredentials
}

/// The catalogue's provider may be `custom` at two servers that issued the same client id.
fn is_same_client(one: &Authenticator, other: &Authenticator) -> bool {
    let server = |it: &Authenticator| it.overrides.token_url.as_ref().map(EndpointUrl::host);
    let is_other_server = match (server(one), server(other)) {
        (Some(one), Some(other)) => one != other,
        (None, _) | (_, None) => false,
    };
    one.provider == other.provider && one.client_id == other.client_id && !is_other_server
}

impl Inner {
    /// Revokes a grant that no connection keeps, unless that could end another connection.
    pub(crate) async fn revoke_unwanted(
        &self,
        client: &Client,
        account: Option<&Subject>,
        grant: &Grant,
    ) {
        let is_shared = !rests_on_no_consent(client)
            && shared_with(&self.registry(), &client.authenticator, account, &[]).is_some();
        if is_shared {
            return tracing::debug!("not revoked: another connection uses the same consent");
        }
        let now = self.now();
        self.provider_client.revoke(client, grant, now).await;
    }

    /// Revokes the consent behind a connection that is removed. While another connection uses it,
    /// revokes the grant alone if the provider can do that, else nothing.
    pub(crate) async fn revoke_removed(
        &self,
        client: &Client,
        account: Option<&Subject>,
        grant: &Grant,
        leaving: &[ConnectionId],
    ) -> Revocation {
        let other = if rests_on_no_consent(client) {
            None
        } else {
            let registry = self.registry();
            let other = shared_with(&registry, &client.authenticator, account, leaving);
            other.and_then(|row| registry.name_of(row))
        };
        let (provider, now) = (&self.provider_client, self.now());
        match (other, &client.endpoints.revocation) {
            (None, _) | (_, None) => provider.revoke_consent(client, grant, now).await,
            (Some(_), Some(way)) if way.consent_url.is_some() => {
                provider.revoke(client, grant, now).await
            }
            (Some(other), Some(_)) => Revocation::NotPossible(format!(
                "`{other}` uses the same account and client, and a revocation could sign it out \
                 too. To end both, remove the app in the account's settings."
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use valetkey_core::account::Account;
    use valetkey_core::authenticator::Authenticator;
    use valetkey_core::clock_reading::ClockReading;
    use valetkey_core::connection::Connection;
    use valetkey_core::connection_state::{Transition, apply};
    use valetkey_core::draft::DraftInput;
    use valetkey_core::id::{AuthenticatorId, ConnectionId};
    use valetkey_core::scope::Scopes;

    use super::*;

    fn authenticator(number: u128, client_id: &str) -> Authenticator {
        let fields = json!({
            "authenticator_type": "github", "name": "github", "client_id": client_id,
            "client_secret": "s",
        });
        let draft = DraftInput::from_json(&fields.to_string()).unwrap();
        let (draft, _) = draft.check().unwrap();
        let id = AuthenticatorId::new(uuid::Uuid::from_u128(number));
        let profile = format!("p{number}").parse().unwrap();
        draft
            .into_authenticator(id, profile, Timestamp::UNIX_EPOCH)
            .0
    }

    fn connection(number: u128, through: &Authenticator, sub: Option<&str>) -> Connection {
        let account = Account {
            subject: sub.map(|sub| Subject {
                issuer: "github".to_owned(),
                sub: sub.to_owned(),
            }),
            ..Account::default()
        };
        let id = ConnectionId::new(uuid::Uuid::from_u128(number));
        let (scopes, now) = (Scopes::default(), Timestamp::UNIX_EPOCH);
        Connection::connecting(id, through.id, account, scopes, now)
    }

    #[test]
    fn a_consent_is_shared_by_connections_of_one_client_and_account() {
        let [here, there] = [1, 2].map(|number| authenticator(number, "app"));
        let another = authenticator(3, "other-app");
        for (other, shared) in [
            (connection(2, &there, Some("ada")), true),
            (connection(2, &there, None), true),
            (connection(2, &there, Some("grace")), false),
            (connection(2, &another, Some("ada")), false),
        ] {
            let all = vec![here.clone(), there.clone(), another.clone()];
            let account = connection(1, &here, Some("ada")).account;
            let subject = account.subject.as_ref();
            let mut registry = ConnectionRegistry::new(
                all,
                vec![other.clone()],
                ClockReading::wall(Timestamp::UNIX_EPOCH),
            );
            let is_shared =
                |leaving: &[_]| shared_with(&registry, &here, subject, leaving).is_some();
            assert_eq!(is_shared(&[]), shared, "{other:?}");
            assert!(!is_shared(&[other.id]), "it is being removed too");
            let state = &mut registry.get_mut(other.id).unwrap().row.state;
            *state = apply(*state, Transition::Disconnected).unwrap();
            let shared = shared_with(&registry, &here, subject, &[]);
            assert!(shared.is_none(), "it is being removed");
        }
    }

    #[test]
    fn a_client_id_that_two_servers_issued_is_two_clients() {
        let at = |number, host: &str| {
            let mut authenticator = authenticator(number, "app");
            let url = format!("https://{host}/token");
            authenticator.overrides.token_url = Some(EndpointUrl::parse(&url).unwrap());
            authenticator
        };
        let here = at(1, "one.example");
        assert!(is_same_client(&here, &at(2, "one.example")));
        assert!(!is_same_client(&here, &at(2, "two.example")));
        assert!(is_same_client(&here, &authenticator(2, "app")));
    }
}
