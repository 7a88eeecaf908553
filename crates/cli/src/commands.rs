//! Each command: arguments -> requests -> a response, which [`crate::render`] formats.

mod access;
mod authenticators;
mod connect;
mod connections;
mod discover;
mod doctor;
mod documents;
mod draft;
mod events;
mod export;
mod hidden;
mod import;
mod input_file;
mod keys;
mod lifecycle;
mod output_file;
mod passphrase;
mod paste;
mod proxy;
mod run;
mod secret;
mod settings;
mod token;

use crate::agent;
use crate::args::{Command, Global};
use crate::failure::Failure;
use crate::terminal::Terminal;

pub(crate) use token::token;

pub(crate) fn run(terminal: Terminal, global: &Global, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(args) => authenticators::add(terminal, global, &args),
        Command::List => authenticators::list(terminal, global),
        Command::Show(args) => authenticators::show(terminal, global, &args),
        Command::Update(args) => authenticators::update(terminal, global, &args),
        Command::Enable(args) => authenticators::set_active(terminal, global, &args, true),
        Command::Disable(args) => authenticators::set_active(terminal, global, &args, false),
        Command::Remove(args) => authenticators::remove(terminal, global, &args),
        Command::Export(args) => export::export(terminal, global, &args),
        Command::Import(args) => import::import(terminal, global, &args),
        Command::Providers(args) => authenticators::providers(terminal, &args),
        Command::Connect(args) => connect::connect(terminal, global, args),
        Command::Disconnect(args) => connections::disconnect(terminal, global, &args),
        Command::Status(args) => connections::status(terminal, global, &args),
        Command::Label(args) => connections::label(terminal, global, args),
        Command::KeepWarm(args) => connections::keep_warm(terminal, global, &args),
        Command::ProxyUrl(args) => proxy::url(terminal, global, &args),
        Command::ProxyOnly(args) => proxy::only(terminal, global, &args),
        Command::ProxyMethods(args) => proxy::methods(terminal, global, &args),
        Command::Test(args) => connections::test(terminal, global, &args),
        Command::Token(args) => token(terminal, global, args),
        Command::Run(args) => run::run(terminal, global, &args),
        Command::Access(args) => access::access(terminal, global, args),
        Command::Key(args) => keys::key(terminal, global, args),
        Command::Events(args) => events::events(terminal, global, args),
        Command::Settings(args) => settings::settings(terminal, global, args),
        Command::Doctor => doctor::doctor(terminal, global),
        Command::Serve(args) => agent::serve(&args, global.verbose),
        Command::Pause => lifecycle::pause(terminal, global),
        Command::Resume => lifecycle::resume(terminal, global),
        Command::Stop => lifecycle::stop(terminal, global),
        Command::Completions { shell } => documents::completions(terminal, shell),
        Command::Man { folder } => documents::man(&folder),
        Command::Detach => agent::detach(global.verbose),
    }
}
