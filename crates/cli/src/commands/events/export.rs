//! `valetkey events export`: the log page by page, so that its size does not matter.

use valetkey_api::client::Client;
use valetkey_api::core::event::EventId;
use valetkey_api::events::EventQuery;

use crate::args::EventFormat;
use crate::failure::Failure;
use crate::render::events::export as render;
use crate::terminal::Terminal;

/// Events that are asked for at once.
const PAGE: u32 = 1000;

pub(super) fn export(
    terminal: Terminal,
    client: &mut Client,
    mut query: EventQuery,
    format: EventFormat,
) -> Result<(), Failure> {
    query.after = Some(EventId::default());
    query.limit = Some(PAGE);
    let mut is_first = true;
    loop {
        let page = client.events(&query)?.events;
        let mut text = match format {
            EventFormat::Json => render::json(&page, is_first),
            EventFormat::Csv => render::csv(&page, is_first),
        };
        let newest = page.last().map(|event| event.id);
        if newest.is_none() && format == EventFormat::Json {
            text.push_str(render::JSON_END);
        }
        // A reader that has gone away wants no more.
        let is_read = terminal.stream(&text)?;
        if newest.is_none() || !is_read {
            return Ok(());
        }
        query.after = newest;
        is_first = false;
    }
}
