//! Client keys.

use jiff::Timestamp;
use valetkey_api::clients::{ClientCreated, ClientList, ClientView};
use valetkey_api::core::settings::ApiPort;

use super::failure::{hint, warning};
use super::table::{Cell, Table};
use super::time::{ago, until};
use crate::style::{Style, Tone};

/// `valetkey key list` where there are none.
pub(crate) fn none(style: Style) -> String {
    format!(
        "no keys yet\n{}",
        hint("make one with `valetkey key create`", style)
    )
}

/// `valetkey key list`
pub(crate) fn list(list: &ClientList, now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["NAME", "CONNECTIONS", "MANAGE", "ENDS", "LAST USED"]);
    for key in &list.clients {
        let ends = match key.expires_at {
            None => "never".to_owned(),
            Some(end) if end <= now => format!("ended {}", ago(now, end)),
            Some(end) => format!("in {}", until(now, end)),
        };
        let manages = if key.manage { "yes" } else { "no" };
        table.row([
            Cell::toned(&key.name, Tone::Heading),
            opens(key).into(),
            manages.into(),
            ends.into(),
            key.used_at
                .map_or_else(|| "never".to_owned(), |at| ago(now, at))
                .into(),
        ]);
    }
    table.render(style)
}

fn opens(key: &ClientView) -> String {
    let connections = connections(key);
    if key.is_active {
        connections
    } else {
        format!("{connections} once confirmed in the app")
    }
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

/// `valetkey key create`: the words beside the key, which is data. `port_before` was in the settings
/// until then.
pub(crate) fn created(created: &ClientCreated, port_before: ApiPort, style: Style) -> String {
    let mut text = format!(
        "created key `{}`; it is shown only now\n",
        created.client.name
    );
    let Some(url) = &created.base_url else {
        return text;
    };
    text.push_str(&hint(
        &format!("send it as `Authorization: Bearer vk_...` to {url}"),
        style,
    ));
    let port = url.rsplit(':').next().unwrap_or_default();
    if port != port_before.to_string() {
        let what = format!(
            "port {port_before} is taken by another program, so this key is for port {port}, which is \
             now in the settings"
        );
        let todo = format!(
            "to use {port_before}: end that program, then `valetkey settings port {port_before} --force` \
             and `valetkey stop`"
        );
        text.push_str(&warning(&what, &todo, style));
    }
    text
}

#[cfg(test)]
mod tests;
