//! The audit log.

pub(crate) mod export;
pub(crate) mod verified;

use jiff::Timestamp;
use serde_json::Value;
use valetkey_api::core::printable::printable;
use valetkey_api::events::{EventList, EventView};

use super::table::{Cell, Table};
use super::time::ago;
use crate::style::{Style, Tone};

/// `valetkey events`
pub(crate) fn list(list: &EventList, now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["ID", "WHEN", "WHAT", "ABOUT", "BY", "DETAIL"]);
    for event in &list.events {
        let about = event
            .connection
            .as_deref()
            .or(event.authenticator.as_deref());
        let actor = event.actor.as_ref().map(ToString::to_string);
        table.row([
            Cell::toned(&event.id.0.to_string(), Tone::Faint),
            ago(now, event.at).into(),
            event.kind.as_str().into(),
            about.unwrap_or("-").into(),
            actor.as_deref().unwrap_or("-").into(),
            detail(event).into(),
        ]);
    }
    table.render(style)
}

/// `valetkey events --follow`: an event as one line. Nothing is aligned to what comes later.
pub(crate) fn line(event: &EventView) -> String {
    let about = event.connection.as_ref().or(event.authenticator.as_ref());
    let words = [
        Some(event.at.strftime("%FT%TZ").to_string()),
        Some(event.kind.as_str().to_owned()),
        about.cloned(),
        event.actor.as_ref().map(|actor| format!("({actor})")),
        Some(detail(event)).filter(|detail| !detail.is_empty()),
    ];
    let words: Vec<String> = words.into_iter().flatten().collect();
    format!("{}\n", printable(&words.join("  ")))
}

/// `name=value name.inner=value`; what is null or empty is left out.
fn detail(event: &EventView) -> String {
    let mut facts = Vec::new();
    let detail = serde_json::to_value(&event.detail).expect("it serialises");
    collect("", &detail, &mut facts);
    facts.join(" ")
}

fn collect(name: &str, value: &Value, facts: &mut Vec<String>) {
    let text = match value {
        Value::Null => return,
        Value::Object(members) => {
            for (inner, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                collect(&format!("{name}{dot}{inner}"), value, facts);
            }
            return;
        }
        Value::Array(items) => {
            let words: Vec<String> = items.iter().map(word).collect();
            words.join(",")
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => word(value),
    };
    if !text.is_empty() {
        let quote = if text.contains(' ') { "\"" } else { "" };
        facts.push(format!("{name}={quote}{text}{quote}"));
    }
}

fn word(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
