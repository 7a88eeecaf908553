//! Commands about authenticators and the catalogue.

use jiff::Timestamp;
use valetkey_api::authenticators::{ProviderList, ProviderView};
use valetkey_api::core::catalogue;
use valetkey_api::core::draft::{DraftInput, Warning};
use valetkey_api::own_providers;

use super::{discover, draft, import};
use crate::agent;
use crate::args::{Add, Global, One, Provider, Removal, Update};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{self, authenticators as words};
use crate::terminal::Terminal;

pub(super) fn list(terminal: Terminal, global: &Global) -> Result<(), Failure> {
    let list = agent::connect(global)?.authenticators()?;
    let is_empty = list.authenticators.is_empty();
    terminal.list(&list, is_empty, words::none, words::list)
}

pub(super) fn show(terminal: Terminal, global: &Global, args: &One) -> Result<(), Failure> {
    let view = agent::connect(global)?.authenticator(&args.authenticator)?;
    let now = Timestamp::now();
    terminal.reply(&view, |view, style| words::show(view, now, style))
}

/// Checks the whole draft before the agent is asked, so that a warning's offer can be taken.
pub(super) fn add(terminal: Terminal, global: &Global, args: &Add) -> Result<(), Failure> {
    if args.provider.is_none() && args.fields.config.is_none() {
        return Err(Failure::new(Exit::Usage, "no provider is named").hint(
            "run `valetkey add PROVIDER --client-id ID`; `valetkey providers` lists the providers",
        ));
    }
    read_own_providers();
    if let Some(url) = args.provider.as_deref().filter(|it| discover::is_url(it)) {
        return discover::add(terminal, global, args, url);
    }
    if args.yes || args.client_metadata_url.is_some() {
        let what = "`--yes` and `--client-metadata-url` go with the URL of a server";
        return Err(Failure::new(Exit::Usage, what).hint("run `valetkey add URL`"));
    }
    let config = draft::config(&args.fields, &args.secret)?;
    if let Some(found) = config.as_deref().and_then(valetkey_transfer::file::export) {
        let found =
            found.map_err(|error| Failure::new(Exit::Usage, error.message).hint(error.hint))?;
        return import::store::add_all(terminal, global, args, found);
    }
    let mut input = draft::input(config, &args.fields, &args.secret)?;
    if let Some(provider) = &args.provider {
        input.set("authenticator_type", provider.as_str());
    }
    let (_, warnings) = input.clone().check().map_err(Failure::Problems)?;
    let mut left = Vec::new();
    for warning in warnings {
        match &warning.offer {
            Some(offer) if terminal.can_ask() && accepts(terminal, &warning, offer)? => {
                input.set(&warning.field, offer.as_str());
            }
            _ => left.push(warning),
        }
    }
    warn(terminal, &left);
    let saved = agent::connect(global)?.add_authenticator(&input)?;
    terminal.done(&saved, words::added)
}

fn accepts(terminal: Terminal, warning: &Warning, offer: &str) -> Result<bool, Failure> {
    terminal.say(|style| render::warning(&warning.message, &warning.hint, style));
    terminal.ask(&format!("use `{offer}` instead?"))
}

fn warn(terminal: Terminal, warnings: &[Warning]) {
    if !terminal.json {
        for warning in warnings {
            terminal.say(|style| render::warning(&warning.message, &warning.hint, style));
        }
    }
}

pub(super) fn update(terminal: Terminal, global: &Global, args: &Update) -> Result<(), Failure> {
    if !args.changes_something() {
        return Err(Failure::new(Exit::Usage, "there is nothing to change")
            .hint("`valetkey update --help` lists what can be changed"));
    }
    let config = draft::config(&args.fields, &args.secret)?;
    let mut input = draft::input(config, &args.fields, &args.secret)?;
    let unset = input.unresolved();
    if !unset.is_empty() {
        return Err(Failure::Problems(unset));
    }
    if args.no_client_secret {
        input.set("client_secret", None::<String>);
    }
    if args.accept_endpoints {
        input.set("accept_endpoints", true);
    }
    let mut agent = agent::connect(global)?;
    let saved = agent.update_authenticator(&args.authenticator, &input, args.force)?;
    warn(terminal, &saved.warnings);
    terminal.done(&saved, |saved, _| words::updated(&saved.authenticator))
}

pub(super) fn set_active(
    terminal: Terminal,
    global: &Global,
    args: &One,
    is_active: bool,
) -> Result<(), Failure> {
    let mut input = DraftInput::default();
    input.set("is_active", is_active);
    let saved = agent::connect(global)?.update_authenticator(&args.authenticator, &input, false)?;
    terminal.done(&saved, |saved, _| words::updated(&saved.authenticator))
}

pub(super) fn remove(terminal: Terminal, global: &Global, args: &Removal) -> Result<(), Failure> {
    let removed = agent::connect(global)?.remove_authenticator(&args.authenticator, args.force)?;
    terminal.done(&removed, words::removed)
}

/// The catalogue is part of this program, and the person's own files are read by it: no agent is needed to
/// find out how to begin. A word that is no id is searched for.
pub(super) fn providers(terminal: Terminal, args: &Provider) -> Result<(), Failure> {
    read_own_providers();
    let searched = args.words.join(" ");
    if let [id] = args.words.as_slice()
        && let Some(provider) = catalogue::provider(&id.to_lowercase())
    {
        return terminal.reply(&ProviderView::from(provider), words::provider);
    }
    let list = ProviderList::of_catalogue(&searched);
    if list.providers.is_empty() {
        let message = format!("nothing in the catalogue matches `{searched}`");
        return Err(Failure::new(Exit::NotFound, message)
            .hint("`valetkey providers` lists it; `custom` fits any OAuth provider"));
    }
    for wrong in &list.wrong_files {
        let message = format!("`{}` is not used: {}", wrong.file, wrong.message);
        if !terminal.json {
            terminal.say(|style| render::warning(&message, "mend the file", style));
        }
    }
    terminal.reply(&list, words::providers)
}

/// Adds the person's own files to the catalogue. Without a home there are none.
pub(super) fn read_own_providers() {
    if let Ok(home) = agent::home() {
        own_providers::install(&home);
    }
}
