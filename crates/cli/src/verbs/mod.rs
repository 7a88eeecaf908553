//! Each verb: arguments -> requests -> a reply, which [`crate::render`] puts into words.

mod authenticators;
mod connect;
mod connections;
mod doctor;
mod documents;
mod draft;
mod events;
mod export;
mod keys;
mod lifecycle;
mod paste;
mod run;
mod secret;
mod settings;
mod token;

use crate::agent;
use crate::args::{Global, Verb};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) use token::token;

/// Does it.
pub(crate) fn run(terminal: Terminal, global: &Global, verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Add(args) => authenticators::add(terminal, global, &args),
        Verb::List => authenticators::list(terminal, global),
        Verb::Show(args) => authenticators::show(terminal, global, &args),
        Verb::Update(args) => authenticators::update(terminal, global, &args),
        Verb::Enable(args) => authenticators::set_active(terminal, global, &args, true),
        Verb::Disable(args) => authenticators::set_active(terminal, global, &args, false),
        Verb::Remove(args) => authenticators::remove(terminal, global, &args),
        Verb::Providers(args) => authenticators::providers(terminal, &args),
        Verb::Connect(args) => connect::connect(terminal, global, args),
        Verb::Disconnect(args) => connections::disconnect(terminal, global, &args),
        Verb::Status(args) => connections::status(terminal, global, &args),
        Verb::Label(args) => connections::label(terminal, global, args),
        Verb::KeepWarm(args) => connections::keep_warm(terminal, global, &args),
        Verb::Test(args) => connections::test(terminal, global, &args),
        Verb::Token(args) => token(terminal, global, args),
        Verb::Run(args) => run::run(global, &args),
        Verb::Key(args) => keys::key(terminal, global, args),
        Verb::Events(args) => events::events(terminal, global, args),
        Verb::Settings(args) => settings::settings(terminal, global, args),
        Verb::Doctor => doctor::doctor(terminal, global),
        Verb::Serve(args) => agent::serve(&args, global.verbose),
        Verb::Pause => lifecycle::pause(terminal, global),
        Verb::Resume => lifecycle::resume(terminal, global),
        Verb::Stop => lifecycle::stop(terminal, global),
        Verb::Completions { shell } => documents::completions(terminal, shell),
        Verb::Man { folder } => documents::man(&folder),
        Verb::Detach => agent::detach(global.verbose),
    }
}
