//! Commands about the proxy of a connection.

use valetkey_api::Patch;
use valetkey_api::connections::ConnectionPatch;
use valetkey_api::core::name::ProfileName;

use crate::agent;
use crate::args::{Global, Named, ProxyMethods, ProxyOnly, Switch};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::proxy as render;
use crate::terminal::Terminal;

pub(super) fn url(terminal: Terminal, global: &Global, args: &Named) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let view = client.connection(&args.connection)?;
    if view.api_hosts.is_empty() {
        let what = format!("no host is known that `{}` may be used with", view.name);
        let hint = format!(
            "`valetkey update {} --api-host api.example.com` names one",
            view.authenticator
        );
        return Err(Failure::new(Exit::NotConfigured, what).hint(hint));
    }
    let status = client.status()?;
    // A name stands for a connection of the default profile there.
    let name = if view.profile == ProfileName::default() {
        view.name.to_string().replace('/', "%2F")
    } else {
        view.id.to_string()
    };
    let urls = render::Urls::new(&name, &view.api_hosts, status.port, &status.socket);
    terminal.reply(&urls, render::urls)
}

pub(super) fn only(terminal: Terminal, global: &Global, args: &ProxyOnly) -> Result<(), Failure> {
    let patch = ConnectionPatch {
        proxy_only: Some(args.state == Switch::On),
        ..ConnectionPatch::default()
    };
    let view = agent::connect(global)?.update_connection(&args.connection, &patch)?;
    terminal.done(&view, render::changed)
}

pub(super) fn methods(
    terminal: Terminal,
    global: &Global,
    args: &ProxyMethods,
) -> Result<(), Failure> {
    let is_any = args
        .methods
        .iter()
        .any(|word| word.eq_ignore_ascii_case("any"));
    let patch = ConnectionPatch {
        allowed_methods: if is_any {
            Patch::Clear
        } else {
            Patch::Set(args.methods.clone())
        },
        ..ConnectionPatch::default()
    };
    let view = agent::connect(global)?.update_connection(&args.connection, &patch)?;
    terminal.done(&view, render::changed)
}
