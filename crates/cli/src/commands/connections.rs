//! Commands about connections, but for signing in.

use jiff::Timestamp;
use valetkey_api::Patch;
use valetkey_api::connections::ConnectionPatch;

use crate::agent;
use crate::args::{Disconnect, Global, KeepWarm, Label, Named, StatusOf};
use crate::failure::Failure;
use crate::render::connections as render;
use crate::terminal::Terminal;

pub(super) fn status(terminal: Terminal, global: &Global, args: &StatusOf) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let now = Timestamp::now();
    if let Some(name) = &args.connection {
        let view = client.connection(name)?;
        let id = view.authenticator_id.to_string();
        let is_disabled = !client.authenticator(&id)?.is_active;
        return terminal.reply(&view, |view, style| {
            render::show(view, is_disabled, now, style)
        });
    }
    let authenticators = client.authenticators()?.authenticators.into_iter();
    let overview = render::Overview {
        agent: client.status()?,
        list: client.connections()?,
        disabled: authenticators
            .filter(|authenticator| !authenticator.is_active)
            .map(|authenticator| authenticator.id)
            .collect(),
    };
    if overview.list.connections.is_empty() && !terminal.json {
        terminal.say(|style| render::none(&overview.agent, style));
    }
    terminal.reply(&overview, |overview, style| {
        render::overview(overview, now, style)
    })
}

pub(super) fn disconnect(
    terminal: Terminal,
    global: &Global,
    args: &Disconnect,
) -> Result<(), Failure> {
    let gone = agent::connect(global)?.disconnect(&args.connection, args.force)?;
    terminal.done(&gone, render::disconnected)
}

pub(super) fn test(terminal: Terminal, global: &Global, args: &Named) -> Result<(), Failure> {
    let reply = agent::connect(global)?.test(&args.connection)?;
    terminal.done(&reply, render::tested)
}

pub(super) fn label(terminal: Terminal, global: &Global, args: Label) -> Result<(), Failure> {
    let patch = ConnectionPatch {
        account: args.account.map_or(Patch::Clear, Patch::Set),
        ..ConnectionPatch::default()
    };
    let view = agent::connect(global)?.update_connection(&args.connection, &patch)?;
    terminal.done(&view, |view, style| {
        render::labelled(&args.connection, view, style)
    })
}

pub(super) fn keep_warm(
    terminal: Terminal,
    global: &Global,
    args: &KeepWarm,
) -> Result<(), Failure> {
    let patch = ConnectionPatch {
        keep_warm: Some(args.policy.into()),
        ..ConnectionPatch::default()
    };
    let view = agent::connect(global)?.update_connection(&args.connection, &patch)?;
    terminal.done(&view, render::kept_warm)
}
