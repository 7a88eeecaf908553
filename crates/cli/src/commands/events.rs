//! `valetkey events`

mod export;

use std::os::fd::AsFd as _;
use std::time::Duration;

use jiff::Timestamp;
use valetkey_api::client::Client;
use valetkey_api::core::event::EventId;
use valetkey_api::events::{EventQuery, EventView};

use crate::agent;
use crate::args::{EventSelection, Events, EventsAction, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::events as render;
use crate::terminal::Terminal;
use crate::wait::{Interrupt, readable};

/// The agent sends something at least every 30 seconds.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(90);

pub(super) fn events(terminal: Terminal, global: &Global, args: Events) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    match args.action {
        Some(EventsAction::Verify) => return verify(terminal, &mut client),
        Some(EventsAction::Export(args)) => {
            let query = query(args.selection);
            return export::export(terminal, &mut client, query, args.format);
        }
        None => {}
    }
    let query = EventQuery {
        after: args.after.map(EventId),
        before: args.before.map(EventId),
        limit: (!args.follow).then_some(args.limit),
        ..query(args.selection)
    };
    if args.follow {
        return follow(terminal, &client, &query);
    }
    let list = client.events(&query)?;
    let now = Timestamp::now();
    let none = |_| "no events\n".to_owned();
    terminal.list(&list, list.events.is_empty(), none, |list, style| {
        render::list(list, now, style)
    })
}

fn query(selection: EventSelection) -> EventQuery {
    EventQuery {
        connection: selection.connection,
        kind: selection.kind,
        actor: selection.by,
        since: selection.since,
        ..EventQuery::default()
    }
}

fn verify(terminal: Terminal, client: &mut Client) -> Result<(), Failure> {
    let found = client.verify_events()?;
    terminal.reply(&found, render::verified::verified)?;
    if found.intact {
        return Ok(());
    }
    let what = "the audit log is not as Valet Key wrote it";
    Err(Failure::new(Exit::Failed, what))
}

/// Prints events as they come, until Ctrl-C or until nobody reads them.
fn follow(terminal: Terminal, client: &Client, query: &EventQuery) -> Result<(), Failure> {
    let interrupt = Interrupt::catch()?;
    let mut log = client.follow_events(query)?;
    loop {
        for event in log.take_events()? {
            if !print(terminal, &event)? {
                return Ok(());
            }
        }
        if log.has_ended() {
            break;
        }
        let [news, interrupted] =
            readable([log.as_fd(), interrupt.as_fd()], Some(SILENCE_TIMEOUT))?;
        if interrupted {
            return Ok(());
        }
        if !news {
            return Err(Failure::new(Exit::TryLater, "the agent has fallen silent")
                .hint("`valetkey doctor` shows what hangs"));
        }
        log.read()?;
    }
    Err(Failure::new(Exit::Unavailable, "the agent has ended")
        .hint("run `valetkey events --follow` again: it starts a new one"))
}

/// False once nobody reads.
fn print(terminal: Terminal, event: &EventView) -> Result<bool, Failure> {
    let line = if terminal.json {
        serde_json::to_string(event).expect("replies are plain structs") + "\n"
    } else {
        render::line(event)
    };
    terminal.stream(&line)
}
