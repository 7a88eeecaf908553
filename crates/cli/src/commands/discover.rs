//! `valetkey add URL`: an issuer or an MCP server, which say themselves how tokens are got. What was
//! found is shown, and added after a yes.

use valetkey_api::client::Client;
use valetkey_api::core::draft::DraftInput;
use valetkey_api::discovery::{DiscoverRequest, Discovered};

use super::draft;
use crate::agent;
use crate::args::{Add, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{authenticators, discovery as words};
use crate::terminal::Terminal;

/// Whether this names no provider but a server.
pub(super) fn is_url(text: &str) -> bool {
    text.contains("://")
}

pub(super) fn add(
    terminal: Terminal,
    global: &Global,
    args: &Add,
    url: &str,
) -> Result<(), Failure> {
    let config = draft::config(&args.fields, &args.secret)?;
    let given = draft::input(config, &args.fields, &args.secret)?;
    let unset = given.unresolved();
    if !unset.is_empty() {
        return Err(Failure::Problems(unset));
    }
    let mut agent = agent::connect(global)?;
    let request = DiscoverRequest {
        url: url.to_owned(),
        issuer: args.fields.issuer.clone(),
        client_metadata_url: args.client_metadata_url.clone(),
        has_client_id: given.has("client_id"),
        assume_pkce: args.fields.assume_pkce,
    };
    let found = discover(terminal, &mut agent, request)?;
    if !found.needs.is_empty() {
        return Err(Failure::Problems(found.needs));
    }
    if !terminal.json {
        terminal.say(|style| words::found(&found, style));
    }
    if !args.yes && !confirms(terminal)? {
        return Err(Failure::new(Exit::Failed, "nothing was added"));
    }
    let draft = found.draft.unwrap_or_default();
    let input = DraftInput::from_members(draft).overridden(given);
    let saved = agent.add_authenticator(&input)?;
    terminal.done(&saved, authenticators::added)
}

/// Asks again with the issuer that the person chooses of several.
fn discover(
    terminal: Terminal,
    agent: &mut Client,
    mut request: DiscoverRequest,
) -> Result<Discovered, Failure> {
    let found = agent.discover(&request)?;
    if found.draft.is_some() {
        return Ok(found);
    }
    if !terminal.can_ask() {
        let what = format!("`{}` names several authorization servers", found.url);
        return Err(Failure::new(Exit::Usage, what)
            .why(found.issuers.join(", "))
            .hint("choose one with `--issuer`"));
    }
    terminal.say(|style| words::issuers(&found, style));
    let count = found.issuers.len();
    let answer = terminal.ask_text(&format!("which one shall issue the tokens? [1-{count}]"))?;
    let number: Option<usize> = answer.parse().ok();
    let chosen = number.and_then(|number| found.issuers.get(number.checked_sub(1)?));
    let chosen = chosen.ok_or_else(|| Failure::new(Exit::Failed, "nothing was added"))?;
    request.issuer = Some(chosen.clone());
    Ok(agent.discover(&request)?)
}

fn confirms(terminal: Terminal) -> Result<bool, Failure> {
    if terminal.can_ask() {
        return terminal.ask("add it?");
    }
    Err(
        Failure::new(Exit::Usage, "nobody can be asked whether to add it")
            .hint("repeat it with `--yes`"),
    )
}
