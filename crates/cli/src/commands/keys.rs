//! Commands about client keys.

use jiff::Timestamp;
use valetkey_api::clients::NewClient;

use crate::agent;
use crate::args::{Global, Key};
use crate::failure::Failure;
use crate::render::keys as render;
use crate::terminal::Terminal;

pub(super) fn key(terminal: Terminal, global: &Global, args: Key) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    match args {
        Key::Create(args) => {
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
            terminal.say(|style| render::created(&created, style));
            terminal.data(&format!("{}\n", created.key.expose()))
        }
        Key::List => {
            let now = Timestamp::now();
            terminal.reply(&client.clients()?, |list, style| {
                render::list(list, now, style)
            })
        }
        Key::Revoke { key } => {
            let revoked = client.revoke_client(&key)?;
            terminal.done(&revoked, |key, _| format!("revoked key `{}`\n", key.name))
        }
    }
}
