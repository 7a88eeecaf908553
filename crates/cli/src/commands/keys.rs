//! Commands about client keys.

use jiff::Timestamp;
use valetkey_api::agent::PORT_REMEDY;
use valetkey_api::client::Client;
use valetkey_api::clients::NewClient;

use crate::agent;
use crate::args::{Global, Key};
use crate::failure::Failure;
use crate::render::{keys as render, warning};
use crate::terminal::Terminal;

pub(super) fn key(terminal: Terminal, global: &Global, args: Key) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    match args {
        Key::Create(args) => {
            let port_before = client.settings()?.port.unwrap_or_default();
            let created = client.create_client(&NewClient {
                name: args.name,
                connections: args.connections,
                profile: global.profile.clone(),
                manage: args.manage,
                expires_in: args.expires,
            })?;
            if terminal.json {
                return terminal.json(&created);
            }
            terminal.say(|style| render::created(&created, port_before, style));
            warn_if_closed(terminal, &mut client)?;
            terminal.data(&format!("{}\n", created.key.expose()))
        }
        Key::List => {
            let now = Timestamp::now();
            let list = client.clients()?;
            if !list.clients.is_empty() {
                warn_if_closed(terminal, &mut client)?;
            }
            terminal.list(
                &list,
                list.clients.is_empty(),
                render::none,
                |list, style| render::list(list, now, style),
            )
        }
        Key::Revoke { key } => {
            let revoked = client.revoke_client(&key)?;
            terminal.done(&revoked, |key, _| format!("revoked key `{}`\n", key.name))
        }
    }
}

/// Says why no key works now, if that is so.
fn warn_if_closed(terminal: Terminal, client: &mut Client) -> Result<(), Failure> {
    if let Some(problem) = client.status()?.port_problem {
        terminal.say(|style| warning(&problem, PORT_REMEDY, style));
    }
    Ok(())
}
