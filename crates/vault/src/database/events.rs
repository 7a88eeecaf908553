//! The audit log: appended, never changed. Ids grow by one and are never used again.

use std::borrow::Borrow;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};
use serde_json::Value;
use uuid::Uuid;
use valetkey_core::actor::Actor;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};

use super::column::{Bytes, Json, Nanoseconds};
use super::connections;
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 7,
        sql: "CREATE TABLE events (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              at TEXT NOT NULL,
              kind TEXT NOT NULL,
              connection TEXT,
              authenticator TEXT,
              sign_in TEXT,
              actor TEXT,
              detail TEXT
          ) STRICT;
          CREATE INDEX events_by_connection ON events (connection) WHERE connection IS NOT NULL",
    },
    Migration {
        // Numbers and bytes in place of text pay for an index for each filter and one for pruning.
        version: 9,
        sql: "CREATE TABLE compact_events (
              id INTEGER PRIMARY KEY AUTOINCREMENT,
              at INTEGER NOT NULL,
              kind TEXT NOT NULL,
              connection BLOB,
              authenticator BLOB,
              sign_in BLOB,
              actor TEXT,
              detail TEXT
          ) STRICT;
          INSERT INTO compact_events SELECT id,
              unixepoch(substr(at, 1, 19)) * 1000000000 + CAST(substr(at, 21, 9) AS INTEGER),
              kind, unhex(connection, '-'), unhex(authenticator, '-'), unhex(sign_in, '-'),
              actor, detail FROM events;
          DROP TABLE events;
          ALTER TABLE compact_events RENAME TO events;
          CREATE INDEX events_by_time ON events (at);
          CREATE INDEX events_by_kind ON events (kind);
          CREATE INDEX events_by_connection ON events (connection) WHERE connection IS NOT NULL",
    },
];

/// Hand-outs are written so many at a stretch, in about 0.1 ms.
const ROWS_AT_A_STRETCH: usize = 16;

/// Events deleted in one transaction. It takes a millisecond or two, for which others wait.
pub(crate) const PRUNE_STEP: usize = 500;

/// Which events to read; the default is the newest hundred.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Only later ones: then the *first* `limit` of them, else the last `limit` of all.
    pub after: Option<EventId>,
    /// Only earlier ones.
    pub before: Option<EventId>,
    /// Only about this connection.
    pub connection: Option<ConnectionId>,
    /// Only of these kinds; empty for all.
    pub kinds: Vec<EventKind>,
    /// At most this many.
    pub limit: u32,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self {
            after: None,
            before: None,
            connection: None,
            kinds: Vec::new(),
            limit: 100,
        }
    }
}

/// Appends in one transaction; returns the last id.
pub(crate) fn append(connection: &mut Connection, events: &[Event]) -> Result<EventId, VaultError> {
    let transaction = connection.transaction()?;
    insert(&transaction, events.iter())?;
    let last = last_id(&transaction)?;
    transaction.commit()?;
    Ok(last)
}

/// Appends hand-outs and saves when connections were last used, in one transaction that the disk
/// keeps when it next keeps a change: there are too many of them to wait for the disk each time.
pub(crate) fn append_accesses(
    connection: &mut Connection,
    events: impl Iterator<Item = Event>,
    uses: &[(ConnectionId, Timestamp)],
) -> Result<EventId, VaultError> {
    // Nobody waits for this, and callers on the same processor wait while it runs. A sleep, and not
    // `yield_now`, after which Linux 6.18 lets the thread fall behind.
    let events = events.enumerate().map(|(number, event)| {
        if number % ROWS_AT_A_STRETCH == ROWS_AT_A_STRETCH - 1 {
            std::thread::sleep(Duration::from_micros(1));
        }
        event
    });
    without_sync(connection, |transaction| {
        connections::mark_used(transaction, uses)?;
        insert(transaction, events)?;
        last_id(transaction)
    })
}

/// Deletes at most [`PRUNE_STEP`] events older than `before`; how many.
pub(crate) fn prune(connection: &mut Connection, before: Timestamp) -> Result<usize, VaultError> {
    without_sync(connection, |transaction| {
        let sql = format!(
            "DELETE FROM events WHERE id IN
                 (SELECT id FROM events WHERE at < ?1 ORDER BY at LIMIT {PRUNE_STEP})"
        );
        let mut statement = transaction.prepare_cached(&sql)?;
        Ok(statement.execute([Nanoseconds(before)])?)
    })
}

/// Runs a transaction that a power cut may undo.
fn without_sync<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, VaultError>,
) -> Result<T, VaultError> {
    connection.pragma_update(None, "synchronous", "normal")?;
    let result = (|| {
        let transaction = connection.transaction()?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    })();
    connection.pragma_update(None, "synchronous", "full")?;
    result
}

fn insert(
    connection: &Connection,
    events: impl Iterator<Item = impl Borrow<Event>>,
) -> Result<(), VaultError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO events (at, kind, connection, authenticator, sign_in, actor, detail)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for event in events {
        let event = event.borrow();
        statement.execute(params![
            Nanoseconds(event.at),
            event.kind.as_str(),
            event.connection.map(|id| Bytes(id.uuid())),
            event.authenticator.map(|id| Bytes(id.uuid())),
            event.sign_in.map(|id| Bytes(id.uuid())),
            event.actor.as_ref().map(ToString::to_string),
            Some(&event.detail)
                .filter(|detail| !detail.is_null())
                .map(Json),
        ])?;
    }
    Ok(())
}

/// The id of the newest event; 0 before the first.
pub(crate) fn last_id(connection: &Connection) -> Result<EventId, VaultError> {
    let sql = "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)";
    Ok(connection.query_row(sql, [], |row| row.get(0).map(EventId))?)
}

/// In the order of the log. Kinds that this version does not know are left out.
pub(crate) fn select(
    connection: &Connection,
    filter: &EventFilter,
) -> Result<Vec<(EventId, Event)>, VaultError> {
    let (sql, values) = query(filter);
    let mut statement = connection.prepare(&sql)?;
    let values = rusqlite::params_from_iter(values.iter().map(AsRef::as_ref));
    let rows = statement.query_map(values, read)?;
    let mut events: Vec<_> = rows
        .filter_map(Result::transpose)
        .collect::<Result<_, _>>()?;
    if filter.after.is_none() {
        events.reverse();
    }
    Ok(events)
}

fn query(filter: &EventFilter) -> (String, Vec<Box<dyn ToSql>>) {
    let mut conditions = vec!["TRUE".to_owned()];
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut only = |condition: &str, value: Option<Box<dyn ToSql>>| {
        if let Some(value) = value {
            values.push(value);
            conditions.push(format!("{condition} ?{}", values.len()));
        }
    };
    only("id >", filter.after.map(|id| Box::new(id.0) as _));
    only("id <", filter.before.map(|id| Box::new(id.0) as _));
    only(
        "connection =",
        filter.connection.map(|id| Box::new(Bytes(id.uuid())) as _),
    );
    if !filter.kinds.is_empty() {
        // The words are our own constants, so nothing needs quoting.
        let words: Vec<_> = filter
            .kinds
            .iter()
            .map(|kind| format!("'{}'", kind.as_str()))
            .collect();
        conditions.push(format!("kind IN ({})", words.join(", ")));
    }
    let order = if filter.after.is_some() {
        "ASC"
    } else {
        "DESC"
    };
    let sql = format!(
        "SELECT id, at, kind, connection, authenticator, sign_in, actor, detail FROM events
         WHERE {} ORDER BY id {order} LIMIT {}",
        conditions.join(" AND "),
        filter.limit
    );
    (sql, values)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Option<(EventId, Event)>> {
    let Some(kind) = EventKind::parse(row.get_ref(2)?.as_str()?) else {
        return Ok(None);
    };
    let id = |index| -> rusqlite::Result<Option<Uuid>> {
        Ok(row.get::<_, Option<Bytes>>(index)?.map(|Bytes(id)| id))
    };
    let event = Event {
        at: row.get::<_, Nanoseconds>(1)?.0,
        kind,
        connection: id(3)?.map(ConnectionId::new),
        authenticator: id(4)?.map(AuthenticatorId::new),
        sign_in: id(5)?.map(SignInId::new),
        actor: row
            .get::<_, Option<String>>(6)?
            .map(|text| Actor::parse(&text)),
        detail: row
            .get::<_, Option<Json<Value>>>(7)?
            .map_or(Value::Null, |Json(detail)| detail),
    };
    Ok(Some((EventId(row.get(0)?), event)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::{migration, schema};

    const CONNECTION: &str = "00000000-0000-4000-8000-000000000007";

    /// What SQLite does for each step of the query.
    fn plan(connection: &Connection, filter: &EventFilter) -> String {
        let (sql, values) = query(filter);
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let values = rusqlite::params_from_iter(values.iter().map(AsRef::as_ref));
        let steps = statement.query_map(values, |row| row.get::<_, String>(3));
        let steps: Vec<_> = steps.unwrap().collect::<Result<_, _>>().unwrap();
        steps.join("; ")
    }

    #[test]
    fn every_filter_has_an_index_and_no_list_is_sorted() {
        let mut connection = Connection::open_in_memory().unwrap();
        migration::migrate(&mut connection, "none".as_ref(), &schema::migrations()).unwrap();
        let id = Some(CONNECTION.parse().unwrap());
        let kinds = vec![EventKind::TokenServed];
        let all = EventFilter::default;
        let places = [
            all(),
            EventFilter {
                after: Some(EventId(7)),
                ..all()
            },
            EventFilter {
                before: Some(EventId(7)),
                ..all()
            },
        ];
        for place in places {
            let cases = [
                (place.clone(), ""),
                (
                    EventFilter {
                        connection: id,
                        ..place.clone()
                    },
                    "INDEX events_by_connection",
                ),
                (
                    EventFilter {
                        kinds: kinds.clone(),
                        ..place.clone()
                    },
                    "INDEX events_by_kind",
                ),
                (
                    EventFilter {
                        connection: id,
                        kinds: kinds.clone(),
                        ..place.clone()
                    },
                    "INDEX events_by_",
                ),
            ];
            for (filter, index) in cases {
                let plan = plan(&connection, &filter);
                assert!(plan.contains(index), "{filter:?}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
                // Without a filter the newest are read, from the end of the table.
                let is_bounded = plan.contains("SEARCH") || index.is_empty();
                assert!(is_bounded, "{filter:?}: {plan}");
            }
        }
        let sql = "EXPLAIN QUERY PLAN SELECT id FROM events WHERE at < 1 ORDER BY at LIMIT 500";
        let plan: String = connection.query_row(sql, [], |row| row.get(3)).unwrap();
        assert!(plan.contains("INDEX events_by_time"), "{plan}");
    }

    #[test]
    fn events_of_the_first_version_are_read_back_after_the_migration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("valetkey.db");
        let mut connection = Connection::open(&path).unwrap();
        let (old, new): (Vec<_>, Vec<_>) = schema::migrations()
            .into_iter()
            .partition(|migration| migration.version < 9);
        migration::migrate(&mut connection, &path, &old).unwrap();
        let insert = format!(
            "INSERT INTO events (at, kind, connection, authenticator, sign_in, actor, detail)
             VALUES ('2026-03-01T12:00:00.000000789Z', 'token.served', '{CONNECTION}',
                 '{CONNECTION}', '{CONNECTION}', 'process 7', '{{\"scopes\":[\"a\"]}}'),
                 ('1969-12-31T23:59:59.500000000Z', 'agent.started', NULL, NULL, NULL, NULL, NULL)"
        );
        connection.execute_batch(&insert).unwrap();
        let all = [old, new].concat();
        migration::migrate(&mut connection, &path, &all).unwrap();
        let id: Uuid = CONNECTION.parse().unwrap();
        let served = Event::new(
            EventKind::TokenServed,
            "2026-03-01T12:00:00.000000789Z".parse().unwrap(),
        )
        .connection(ConnectionId::new(id))
        .authenticator(AuthenticatorId::new(id))
        .sign_in(SignInId::new(id))
        .actor(Actor::parse("process 7"))
        .detail(serde_json::json!({ "scopes": ["a"] }));
        let started = Event::new(
            EventKind::AgentStarted,
            "1969-12-31T23:59:59.5Z".parse().unwrap(),
        );
        let read = select(&connection, &EventFilter::default()).unwrap();
        assert_eq!(read, [(EventId(1), served), (EventId(2), started.clone())]);
        let next = append(&mut connection, &[started]).unwrap();
        assert_eq!(next, EventId(3), "ids go on");
    }
}
