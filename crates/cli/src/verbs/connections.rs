//! Verbs about connections, but for signing in.

use jiff::Timestamp;

use crate::agent;
use crate::args::{Disconnect, Global, Named, StatusOf};
use crate::failure::Failure;
use crate::render::connections as render;
use crate::terminal::Terminal;

pub(super) fn status(terminal: Terminal, global: &Global, args: &StatusOf) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let now = Timestamp::now();
    if let Some(name) = &args.connection {
        let view = client.connection(name)?;
        return terminal.reply(&view, |view, style| render::show(view, now, style));
    }
    let overview = render::Overview {
        agent: client.status()?,
        list: client.connections()?,
    };
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
