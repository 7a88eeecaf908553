//! What a person consented to at a provider may carry more than one connection: the same client in
//! another profile, the same account signed in anew.
//!
//! So a grant that is not wanted cannot simply be revoked. At some providers (Google) any token's end
//! is the end of the consent, and with it of every other grant to the same client and account. RFC
//! 7009, section 2.1, leaves it to the server how far a revocation reaches, and nothing tells us; so
//! while another connection may live by the consent, nothing is revoked. What then stays alive at the
//! provider is held by nobody: its tokens were never stored, and are wiped from memory.

use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::Subject;
use valetkey_core::connection_state::Status;
use valetkey_core::grant::Grant;

use crate::client::Client;
use crate::registry::ConnectionRegistry;
use crate::state::Inner;

/// Whether a connection lives by the consent of this account to this client. Accounts that cannot be
/// told apart are taken for one.
pub(crate) fn is_shared(
    registry: &ConnectionRegistry,
    client: &Authenticator,
    account: Option<&Subject>,
) -> bool {
    let same_client = |id| {
        registry.authenticator(id).is_some_and(|other| {
            other.provider == client.provider && other.client_id == client.client_id
        })
    };
    registry.entries().map(|entry| &entry.row).any(|row| {
        let other = row.account.subject.as_ref();
        row.state.status != Status::Removing
            && same_client(row.authenticator)
            && (account.is_none() || other.is_none() || account == other)
    })
}

impl Inner {
    /// Revokes a grant that nobody keeps, unless that could end another connection.
    pub(crate) async fn revoke_unwanted(
        &self,
        client: &Client,
        account: Option<&Subject>,
        grant: &Grant,
    ) {
        if is_shared(&self.registry(), &client.authenticator, account) {
            return tracing::debug!("not revoked: another connection lives by the same consent");
        }
        let now = self.now();
        self.provider_client.revoke(client, grant, now).await;
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;
    use valetkey_core::authenticator::Authenticator;
    use valetkey_core::connection::{Account, Connection};
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
            let mut registry = ConnectionRegistry::new(all, vec![other.clone()]);
            assert_eq!(is_shared(&registry, &here, subject), shared, "{other:?}");
            let state = &mut registry.get_mut(other.id).unwrap().row.state;
            *state = apply(*state, Transition::Disconnected).unwrap();
            assert!(!is_shared(&registry, &here, subject), "it is being removed");
        }
    }
}
