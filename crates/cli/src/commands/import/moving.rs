//! Moves a login of another tool: a refresh token has one holder. The agent keeps the token first and uses it
//! when it is gone from the tool's file, so that a kill of either program loses nothing.

use std::fs::{self, File};
use std::path::Path;

use valetkey_api::client::Client;
use valetkey_api::core::id::AuthenticatorId;
use valetkey_api::core::printable::printable;
use valetkey_api::sign_in::{SignInMethod, SignInRequest, SignInState, SignInView};
use valetkey_transfer::{FoundLogin, mcp_remote};

use crate::args::Import;
use crate::commands::{connect, input_file};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Of one long poll, in seconds.
const POLL_TIMEOUT: u64 = 30;

/// Moves the login if the person says so.
pub(super) fn offer(
    terminal: Terminal,
    args: &Import,
    agent: &mut Client,
    login: &FoundLogin,
    authenticator: AuthenticatorId,
    origin: &str,
) -> Result<(), Failure> {
    let question = format!(
        "move the login of {} here? mcp-remote is signed out: `{}` is removed",
        printable(origin),
        login.path.display()
    );
    let is_asked = !args.yes && terminal.can_ask();
    if !(args.move_logins || is_asked && terminal.ask(&question)?) {
        return Ok(());
    }
    check_unchanged(login)?;
    let path = login.path.to_str().ok_or_else(|| {
        Failure::new(Exit::Usage, "the path of the file is no text").hint("move the folder")
    })?;
    let started = agent.begin_sign_in(&SignInRequest {
        authenticator: authenticator.to_string(),
        method: SignInMethod::RefreshToken,
        secret: Some(login.refresh_token.clone()),
        moved_from: Some(path.to_owned()),
        ..SignInRequest::default()
    })?;
    // mcp-remote may have refreshed it meanwhile: then it stays where it is.
    check_unchanged(login)?;
    remove(&login.path).map_err(|error| {
        let what = format!("`{}` cannot be removed", login.path.display());
        Failure::new(Exit::Failed, what)
            .why(error)
            .hint("the login stays with mcp-remote; nothing was moved")
    })?;
    let mut view = agent
        .watch_sign_in(started.session_id, POLL_TIMEOUT)?
        .finish()?;
    while !view.state.has_ended() {
        view = agent
            .watch_sign_in(started.session_id, POLL_TIMEOUT)?
            .finish()?;
    }
    said(terminal, view)
}

/// In JSON the outcome of the whole import is the answer.
fn said(terminal: Terminal, view: SignInView) -> Result<(), Failure> {
    if terminal.json && matches!(view.state, SignInState::Completed(_)) {
        return Ok(());
    }
    connect::conclude(terminal, view, None)
}

fn check_unchanged(login: &FoundLogin) -> Result<(), Failure> {
    let content = input_file::read(&login.path)?;
    if mcp_remote::refresh_token(&content).as_ref() == Some(&login.refresh_token) {
        return Ok(());
    }
    let what = format!("`{}` was changed after it was shown", login.path.display());
    Err(Failure::new(Exit::TryLater, what)
        .why("the login stays with mcp-remote")
        .hint("end the programs that use mcp-remote, and run the command again"))
}

/// Gone also after a power cut.
fn remove(path: &Path) -> std::io::Result<()> {
    fs::remove_file(path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
