//! `valetkey events`

use jiff::Timestamp;
use valetkey_api::core::event::EventId;
use valetkey_api::events::EventQuery;

use crate::agent;
use crate::args::{Events, Global};
use crate::failure::Failure;
use crate::render::events as render;
use crate::terminal::Terminal;

pub(super) fn events(terminal: Terminal, global: &Global, args: Events) -> Result<(), Failure> {
    let list = agent::connect(global)?.events(&EventQuery {
        after: args.after.map(EventId),
        limit: Some(args.limit),
        connection: args.connection,
        profile: None,
        kind: args.kind,
        follow: false,
    })?;
    let now = Timestamp::now();
    terminal.reply(&list, |list, style| render::list(list, now, style))
}
