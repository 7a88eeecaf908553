//! The log as JSON and as CSV (RFC 4180).

use std::fmt::Write as _;

use serde_json::json;
use valetkey_api::events::EventView;

pub(crate) const JSON_END: &str = "\n]\n";
const COLUMNS: &str = "id,at,kind,connection,connection_id,authenticator,authenticator_id,session_id,actor,detail\r\n";

/// Part of an array with one event a line; [`JSON_END`] ends it.
pub(crate) fn json(events: &[EventView], is_first: bool) -> String {
    let mut text = if is_first { "[" } else { "" }.to_owned();
    let mut is_first = is_first;
    for event in events {
        let event = serde_json::to_string(event).expect("replies are plain structs");
        let comma = if is_first { "" } else { "," };
        write!(text, "{comma}\n{event}").expect("a string grows");
        is_first = false;
    }
    text
}

/// Lines of a table, under its head.
pub(crate) fn csv(events: &[EventView], is_first: bool) -> String {
    let mut text = if is_first { COLUMNS } else { "" }.to_owned();
    for event in events {
        let detail = serde_json::to_value(&event.detail).expect("it serialises");
        let detail = (detail != json!({})).then(|| detail.to_string());
        let cells = [
            Some(event.id.0.to_string()),
            Some(event.at.to_string()),
            Some(event.kind.as_str().to_owned()),
            event.connection.clone(),
            event.connection_id.map(|id| id.to_string()),
            event.authenticator.clone(),
            event.authenticator_id.map(|id| id.to_string()),
            event.session_id.map(|id| id.to_string()),
            event.actor.as_ref().map(ToString::to_string),
            detail,
        ];
        let cells = cells.map(|cell| quoted(&cell.unwrap_or_default()));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
