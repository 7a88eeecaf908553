//! Disconnecting: nothing of a removed connection is ever served, revived or left behind.
//!
//! The generation moves on first, so that work in flight loses. Then the row says `removing`, the
//! provider is asked to revoke, the item goes, the row goes. After a crash the next start finishes.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::connection::Connection;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::ConnectionId;
use valetkey_core::life::{Happening, Status};
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_vault::failpoint;

use crate::agent::{Agent, Inner};
use crate::book::Book;
use crate::client::Client;
use crate::error::AgentError;
use crate::key::{Actor, ConnectionKey};
use crate::protocol::Revocation;
use crate::refresh;

/// A connection that a program used this recently is removed only with `force`.
const IN_USE: SignedDuration = SignedDuration::from_hours(24);

/// What became of a connection.
#[derive(Debug, Clone)]
pub struct Disconnected {
    /// Its id.
    pub id: ConnectionId,
    /// The set it belonged to.
    pub profile: ProfileName,
    /// Its name.
    pub connection: ConnectionName,
    /// Whether the provider knows.
    pub revocation: Revocation,
}

impl Agent {
    /// Removes a connection. One that was used within a day is in use: 409 unless `force`.
    pub async fn disconnect(
        &self,
        key: &ConnectionKey,
        force: bool,
        who: &Actor,
    ) -> Result<Disconnected, AgentError> {
        self.check_running()?;
        let inner = &self.inner;
        let id = {
            let book = inner.book();
            let id = book.find(key).map_err(|_| AgentError::no_connection(key))?;
            let entry = book.get(id).ok_or_else(|| AgentError::no_connection(key))?;
            let lately = entry
                .row
                .used_at
                .filter(|used| inner.now().duration_since(*used) < IN_USE);
            if let (Some(used), false) = (lately, force) {
                return Err(AgentError::Conflict {
                    message: format!(
                        "a program used `{key}` {} ago",
                        ago(inner.now().duration_since(used))
                    ),
                    in_use: vec![key.to_string()],
                    hint: Some(
                        "`--force` disconnects it anyway; its programs must then sign in again"
                            .to_owned(),
                    ),
                });
            }
            id
        };
        let (agent, who) = (Arc::clone(inner), who.clone());
        inner
            .to_the_end(async move { remove(&agent, id, &who).await })
            .await?
    }

    /// Finishes the removals that a crash interrupted.
    pub(crate) fn finish_removals(&self) {
        let inner = &self.inner;
        let removing: Vec<ConnectionId> = inner
            .book()
            .entries()
            .filter(|entry| entry.row.life.status == Status::Removing)
            .map(|entry| entry.row.id)
            .collect();
        for id in removing {
            let agent = Arc::clone(inner);
            inner.spawn(async move {
                if let Err(error) = remove(&agent, id, &Actor::agent()).await {
                    tracing::warn!(connection = %id, %error, "removal is finished at the next start");
                }
            });
        }
    }
}

pub(crate) async fn remove(
    inner: &Arc<Inner>,
    id: ConnectionId,
    who: &Actor,
) -> Result<Disconnected, AgentError> {
    let (gate, authenticator, connection, profile) = {
        let book = inner.book();
        let entry = book.get(id).ok_or_else(|| AgentError::no_connection(id))?;
        let authenticator = book.authenticator(entry.row.authenticator).cloned();
        let name = book
            .name_of(&entry.row)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let profile = authenticator
            .as_ref()
            .map(|authenticator| authenticator.profile.clone())
            .unwrap_or_default();
        (Arc::clone(&entry.gate), authenticator, name, profile)
    };
    // The keychain must be there before anything changes: else nothing could be deleted.
    inner.vault.check_store().await?;
    // Best effort: what cannot be read cannot be revoked, and the report says so.
    let loaded = refresh::load(inner, id).await;
    let (row, began) = {
        let mut book = inner.book();
        let began = book.step(id, Happening::Disconnected).is_ok();
        book.reschedule(id, None);
        (book.get(id).map(|entry| entry.row.clone()), began)
    };
    let row = row.ok_or_else(|| AgentError::no_connection(id))?;
    let _one_writer = gate.lock().await;
    let live = match inner.book().get_mut(id) {
        Some(entry) => entry.live.take(),
        None => return Err(AgentError::no_connection(id)),
    };
    inner.vault.begin_removal(&row).await?;
    failpoint!("disconnect.marked");
    if began {
        let event = Event::new(EventKind::ConnectionRemoving, inner.now())
            .connection(id)
            .actor(who.to_string());
        inner.record(event).await;
    }
    let revocation = match (&live, authenticator) {
        (Some(live), Some(authenticator)) => match Client::of(&inner.vault, authenticator).await {
            Ok(client) => {
                let (provider, now) = (&inner.provider_client, inner.now());
                if shares_consent(&inner.book(), &row) {
                    provider.revoke(&client, &live.grant, now).await
                } else {
                    provider.revoke_consent(&client, &live.grant, now).await
                }
            }
            Err(error) => Revocation::Failed(error.to_string()),
        },
        (None, _) if loaded.is_err() => {
            Revocation::Failed("its grant could not be read".to_owned())
        }
        (None, _) | (_, None) => Revocation::NotPossible("there was no token to revoke".to_owned()),
    };
    failpoint!("disconnect.revoked");
    inner.vault.finish_removal(id).await?;
    inner.book().remove(id);
    inner.alarm.notify_one();
    let event = Event::new(EventKind::ConnectionRemoved, inner.now())
        .connection(id)
        .actor(who.to_string())
        .detail(json!({ "connection": connection, "revocation": revocation }));
    inner.record(event).await;
    tracing::info!(%connection, "disconnected");
    Ok(Disconnected {
        id,
        profile,
        connection,
        revocation,
    })
}

/// Whether another connection lives by the same consent: the same client (in another profile, for
/// one), and the same account as far as is known.
fn shares_consent(book: &Book, row: &Connection) -> bool {
    let client = |row: &Connection| {
        let authenticator = book.authenticator(row.authenticator)?;
        Some((&authenticator.provider, &authenticator.client_id))
    };
    let subject = row.account.subject.as_ref();
    book.entries().map(|entry| &entry.row).any(|other| {
        let other_subject = other.account.subject.as_ref();
        other.id != row.id
            && other.life.status != Status::Removing
            && client(other) == client(row)
            && (subject.is_none() || other_subject.is_none() || subject == other_subject)
    })
}

fn ago(duration: SignedDuration) -> String {
    match duration.as_secs() {
        ..60 => "less than a minute".to_owned(),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use valetkey_core::authenticator::Authenticator;
    use valetkey_core::connection::{Account, Subject};
    use valetkey_core::draft::DraftInput;
    use valetkey_core::id::AuthenticatorId;
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
            let row = connection(1, &here, Some("ada"));
            let mut book = Book::new(all, vec![row.clone(), other.clone()]);
            assert_eq!(shares_consent(&book, &row), shared, "{other:?}");
            book.remove(other.id);
            assert!(!shares_consent(&book, &row), "it has no other");
        }
    }
}
