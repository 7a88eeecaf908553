//! Client keys.

use jiff::Timestamp;
use valetkey_api::clients::{ClientCreated, ClientList, ClientView};

use super::failure::hint;
use super::table::{Cell, Table};
use super::time::{ago, until};
use crate::style::{Style, Tone};

/// `valetkey key list`
pub(crate) fn list(list: &ClientList, now: Timestamp, style: Style) -> String {
    if list.clients.is_empty() {
        return format!(
            "no keys\n{}",
            hint("make one with `valetkey key create`", style)
        );
    }
    let mut table = Table::new(&["NAME", "CONNECTIONS", "MANAGE", "ENDS", "LAST USED"]);
    for key in &list.clients {
        let ends = match key.expires_at {
            None => "never".to_owned(),
            Some(end) if end <= now => format!("ended {}", ago(now, end)),
            Some(end) => format!("in {}", until(now, end)),
        };
        table.row([
            Cell::toned(&key.name, Tone::Heading),
            connections(key).into(),
            if key.manage { "yes" } else { "no" }.into(),
            ends.into(),
            key.used_at
                .map_or_else(|| "never".to_owned(), |at| ago(now, at))
                .into(),
        ]);
    }
    table.render(style)
}

fn connections(key: &ClientView) -> String {
    let Some(connections) = &key.connections else {
        return "all".to_owned();
    };
    let names = connections.iter().map(|connection| {
        if connection.profile.as_str() == "default" {
            connection.name.to_string()
        } else {
            format!("{} ({})", connection.name, connection.profile)
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

/// `valetkey key create`: the words beside the key, which is data.
pub(crate) fn created(created: &ClientCreated, style: Style) -> String {
    let mut text = format!(
        "created key `{}`; it is shown only now\n",
        created.client.name
    );
    text.push_str(&match &created.base_url {
        Some(url) => hint(
            &format!("send it as `Authorization: Bearer vk_...` to {url}"),
            style,
        ),
        None => hint(
            "the loopback listener is closed; `valetkey status` says why",
            style,
        ),
    });
    text
}

#[cfg(test)]
mod tests;
