//! The audit log.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;
use valetkey_api::events::{EventList, EventView};

use super::table::{Cell, Table};
use super::time::ago;
use crate::style::{Style, Tone};

/// `valetkey events`
pub(crate) fn list(list: &EventList, now: Timestamp, style: Style) -> String {
    if list.events.is_empty() {
        return "no events\n".to_owned();
    }
    let mut table = Table::new(&["ID", "WHEN", "WHAT", "ABOUT", "BY", "DETAIL"]);
    for event in &list.events {
        let about = event
            .connection
            .as_deref()
            .or(event.authenticator.as_deref());
        table.row([
            Cell::toned(&event.id.0.to_string(), Tone::Faint),
            ago(now, event.at).into(),
            event.kind.as_str().into(),
            about.unwrap_or("-").into(),
            event.actor.as_deref().unwrap_or("-").into(),
            detail(event).into(),
        ]);
    }
    table.render(style)
}

/// `name=value name=value`; what is null or empty is left out.
fn detail(event: &EventView) -> String {
    let Value::Object(facts) = &event.detail else {
        return String::new();
    };
    let mut text = String::new();
    for (name, value) in facts {
        let value = match value {
            Value::Null => continue,
            Value::String(word) if word.contains(' ') => format!("\"{word}\""),
            Value::String(word) => word.clone(),
            Value::Array(items) => {
                let words = items.iter().map(|item| {
                    item.as_str()
                        .map_or_else(|| item.to_string(), str::to_owned)
                });
                words.collect::<Vec<_>>().join(",")
            }
            other => other.to_string(),
        };
        if !value.is_empty() {
            let gap = if text.is_empty() { "" } else { " " };
            write!(text, "{gap}{name}={value}").expect("a String takes everything");
        }
    }
    text
}

#[cfg(test)]
mod tests;
