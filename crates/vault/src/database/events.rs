//! The audit log: appended, never changed. Ids grow by one and are never used again.

use std::borrow::Borrow;

use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql, params};
use serde_json::Value;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};

use super::column::{At, Json, Text};
use super::connections;
use super::migration::Migration;
use crate::error::VaultError;

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
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
}];

/// Which events to read; the default is the newest hundred.
#[derive(Debug, Clone)]
pub struct EventFilter {
    /// Only later ones: then the *first* `limit` of them, else the last `limit` of all.
    pub after: Option<EventId>,
    /// Only earlier ones.
    pub before: Option<EventId>,
    /// Only those at or after this instant.
    pub since: Option<Timestamp>,
    /// Only about this connection.
    pub connection: Option<ConnectionId>,
    /// Only about this authenticator.
    pub authenticator: Option<AuthenticatorId>,
    /// Only steps of this sign-in.
    pub sign_in: Option<SignInId>,
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
            since: None,
            connection: None,
            authenticator: None,
            sign_in: None,
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

/// Appends hand-outs and notes the uses of connections, in one transaction. It does not wait for the
/// disk: programs ask for tokens faster than a disk can promise to keep so many batches.
pub(crate) fn append_reads(
    connection: &mut Connection,
    events: impl Iterator<Item = Event>,
    uses: &[(ConnectionId, Timestamp)],
) -> Result<EventId, VaultError> {
    connection.pragma_update(None, "synchronous", "normal")?;
    let written = (|| {
        let transaction = connection.transaction()?;
        connections::mark_used(&transaction, uses)?;
        insert(&transaction, events)?;
        let last = last_id(&transaction)?;
        transaction.commit()?;
        Ok(last)
    })();
    connection.pragma_update(None, "synchronous", "full")?;
    written
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
            At(event.at),
            event.kind.as_str(),
            event.connection.map(Text),
            event.authenticator.map(Text),
            event.sign_in.map(Text),
            event.actor,
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
    only("at >=", filter.since.map(|at| Box::new(At(at)) as _));
    only(
        "connection =",
        filter.connection.map(|id| Box::new(Text(id)) as _),
    );
    only(
        "authenticator =",
        filter.authenticator.map(|id| Box::new(Text(id)) as _),
    );
    only(
        "sign_in =",
        filter.sign_in.map(|id| Box::new(Text(id)) as _),
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

fn read(row: &Row<'_>) -> rusqlite::Result<Option<(EventId, Event)>> {
    let Some(kind) = EventKind::parse(row.get_ref(2)?.as_str()?) else {
        return Ok(None);
    };
    let event = Event {
        at: row.get::<_, At>(1)?.0,
        kind,
        connection: row.get::<_, Option<Text<_>>>(3)?.map(|Text(id)| id),
        authenticator: row.get::<_, Option<Text<_>>>(4)?.map(|Text(id)| id),
        sign_in: row.get::<_, Option<Text<_>>>(5)?.map(|Text(id)| id),
        actor: row.get(6)?,
        detail: row
            .get::<_, Option<Json<Value>>>(7)?
            .map_or(Value::Null, |Json(detail)| detail),
    };
    Ok(Some((EventId(row.get(0)?), event)))
}
