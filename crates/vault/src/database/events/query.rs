//! Reading the audit log by what its lines are about.

use jiff::Timestamp;
use rusqlite::{Connection, Row, ToSql};
use serde_json::Value;
use uuid::Uuid;
use valetkey_core::actor::Actor;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};

use crate::database::column::{Bytes, Json, Nanoseconds};
use crate::error::VaultError;

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
    /// Only of this moment or later.
    pub since: Option<Timestamp>,
    /// Only asked for by somebody whose text contains this.
    pub actor: Option<String>,
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
            since: None,
            actor: None,
            limit: 100,
        }
    }
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
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        }
    };
    only("id > ?", filter.after.map(|id| Box::new(id.0) as _));
    only("id < ?", filter.before.map(|id| Box::new(id.0) as _));
    only(
        "connection = ?",
        filter.connection.map(|id| Box::new(Bytes(id.uuid())) as _),
    );
    // `+`: no index, the lines are read in the order of their ids.
    only(
        "+at >= ?",
        filter.since.map(|since| Box::new(Nanoseconds(since)) as _),
    );
    let actor = filter.actor.clone();
    only("instr(actor, ?) > 0", actor.map(|text| Box::new(text) as _));
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
mod tests;
