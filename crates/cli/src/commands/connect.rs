//! `valetkey connect`: asks the agent to begin, opens the browser, waits, says who it is.
//!
//! It waits for three things at once, without threads: the agent's answer, Ctrl-C, and the address
//! that the person pastes where the browser cannot reach the agent.

use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;

use jiff::Timestamp;
use valetkey_api::browser;
use valetkey_api::client::Client;
use valetkey_api::core::id::SignInId;
use valetkey_api::core::name::{AccountLabel, InProfile};
use valetkey_api::error::ErrorCode;
use valetkey_api::sign_in::{
    DevicePrompt, PastedCallback, SignInCompleted, SignInError, SignInMethod, SignInRequest,
    SignInStarted, SignInState, SignInView,
};

use super::paste::Paste;
use super::secret;
use crate::agent;
use crate::args::{Connect, Global};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::sign_in as words;
use crate::terminal::Terminal;
use crate::wait::{Interrupt, readable};

/// Of one long poll, in seconds.
const POLL_TIMEOUT: u64 = 30;

pub(super) fn connect(terminal: Terminal, global: &Global, args: Connect) -> Result<(), Failure> {
    let (method, secret) = if args.api_key_stdin {
        (SignInMethod::ApiKey, Some(secret::pasted("API key")?))
    } else if args.token_stdin {
        let token = secret::pasted("refresh token")?;
        (SignInMethod::RefreshToken, Some(token))
    } else if args.device {
        (SignInMethod::Device, None)
    } else {
        (SignInMethod::Browser, None)
    };
    let by_secret = secret.is_some();
    let mut client = agent::connect(global)?;
    let name = args.authenticator.clone();
    let asked = asked_label(&args);
    let started = client.begin_sign_in(&SignInRequest {
        authenticator: args.authenticator,
        profile: global.profile.clone(),
        account: args.account,
        replace: args.replace,
        scopes: args.scopes,
        only_scopes: args.only_scopes,
        register_again: args.register_again,
        method,
        reason: args.reason,
        secret,
        expires_at: args.expires,
        moved_from: None,
    })?;
    if !terminal.json {
        terminal.say(|style| words::scope_change(&started, style));
    }
    let interrupt = Interrupt::catch()?;
    let url = started.authorize_url.as_deref();
    let shown = match (&started.device, url) {
        (Some(device), Some(url)) => {
            show_code(terminal, &started, device, url)?;
            None
        }
        (None, Some(url)) if args.no_browser => {
            offer(terminal, &started, url)?;
            Some(url.to_owned())
        }
        (None, Some(url)) => {
            let opened = open_browser(terminal, &mut client, url)?;
            (!opened).then(|| url.to_owned())
        }
        // It needs no person.
        (_, None) => None,
    };
    let in_browser = started.device.is_none() && url.is_some();
    // Without `--no-browser`, stdin may be meant for another program.
    let takes_paste = in_browser && (args.no_browser || io::stdin().is_terminal());
    let paste = takes_paste.then(Paste::begin).transpose()?;
    if takes_paste && !terminal.json {
        terminal.say(|style| words::way_back(&started, style));
    }
    if !terminal.json && !by_secret {
        terminal.say(|style| words::waiting(&name, &started, Timestamp::now(), style));
    }
    let mut waiting = Waiting {
        terminal,
        client,
        id: started.session_id,
        interrupt,
        paste,
        address: shown.filter(|_| !terminal.json),
    };
    let view = waiting.wait()?;
    conclude(terminal, view, asked.as_ref())
}

/// `--no-browser`: the address is data, so that it can be piped.
fn offer(terminal: Terminal, started: &SignInStarted, url: &str) -> Result<(), Failure> {
    if terminal.json {
        return terminal.json(started);
    }
    terminal.data(&format!("{url}\n"))
}

/// `--device`: the code, and a QR code of its page for a telephone.
fn show_code(
    terminal: Terminal,
    started: &SignInStarted,
    device: &DevicePrompt,
    url: &str,
) -> Result<(), Failure> {
    if terminal.json {
        return terminal.json(started);
    }
    terminal.say(|style| words::enter_code(device, style));
    if io::stderr().is_terminal() {
        terminal.say(|style| words::qr_code(url, style));
    }
    Ok(())
}

/// Opens the browser, or shows the address where that is not possible; true if it was opened.
fn open_browser(terminal: Terminal, client: &mut Client, url: &str) -> Result<bool, Failure> {
    let setting = client.settings()?.browser;
    if let Err(why) = browser::open(url, setting.as_deref()) {
        terminal.say(|style| words::no_browser(&why, style) + &words::by_hand(url));
        return Ok(false);
    }
    Ok(true)
}

struct Waiting {
    terminal: Terminal,
    client: Client,
    id: SignInId,
    interrupt: Interrupt,
    /// Where an address is pasted, if one is expected.
    paste: Option<Paste>,
    /// The address that was shown, if one was.
    address: Option<String>,
}

impl Waiting {
    /// Waits until the sign-in has ended, one way or another.
    fn wait(&mut self) -> Result<SignInView, Failure> {
        loop {
            let watch = self.client.watch_sign_in(self.id, POLL_TIMEOUT)?;
            loop {
                let input = self.paste.as_ref().and_then(Paste::source);
                let fds = [
                    watch.as_fd(),
                    self.interrupt.as_fd(),
                    input.unwrap_or(watch.as_fd()),
                ];
                let [answered, interrupted, typed] = readable(fds, None)?;
                if interrupted {
                    // What has gone too far ends by itself, in a moment.
                    let view = self.client.cancel_sign_in(self.id)?;
                    if !matches!(view.state, SignInState::Cancelled) {
                        return self.end(view);
                    }
                    return Err(Failure::new(Exit::Interrupted, "the sign-in was cancelled"));
                }
                if typed
                    && input.is_some()
                    && let Some(view) = self.read_paste()?
                {
                    return Ok(view);
                }
                if answered {
                    break;
                }
            }
            let view = watch.finish()?;
            if view.state.has_ended() {
                return Ok(view);
            }
            self.follow_address(&view);
        }
    }

    /// A pushed request expires, and then another address takes its place.
    fn follow_address(&mut self, view: &SignInView) {
        if let Some(shown) = &mut self.address
            && view.state == SignInState::Started
            && let Some(newer) = &view.pushed_url
            && shown != newer
        {
            shown.clone_from(newer);
            self.terminal
                .say(|style| words::newer_address(shown, style));
        }
    }

    /// How it ended, or will in a moment.
    fn end(&mut self, mut view: SignInView) -> Result<SignInView, Failure> {
        while !view.state.has_ended() {
            view = self.client.watch_sign_in(self.id, POLL_TIMEOUT)?.finish()?;
        }
        Ok(view)
    }

    /// Takes what was typed; an address in it may end the sign-in.
    fn read_paste(&mut self) -> Result<Option<SignInView>, Failure> {
        let Some(paste) = &mut self.paste else {
            return Ok(None);
        };
        for url in paste.read()? {
            match self
                .client
                .finish_sign_in(self.id, &PastedCallback { url })
                .map_err(Failure::from)
            {
                Ok(view) if view.state.has_ended() => return Ok(Some(view)),
                Ok(_) => {}
                Err(Failure::Api(error)) if error.code == ErrorCode::InvalidRequest => {
                    self.terminal
                        .say(|style| words::bad_paste(&error.message, style));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }
}

/// The account that was named: `--account work`, or `github/work`.
fn asked_label(args: &Connect) -> Option<AccountLabel> {
    let named = args.authenticator.split_once('/').map(|(_, label)| label);
    args.account.as_deref().or(named)?.parse().ok()
}

/// `asked`: the account that was named, if one was.
pub(super) fn conclude(
    terminal: Terminal,
    view: SignInView,
    asked: Option<&AccountLabel>,
) -> Result<(), Failure> {
    let name = InProfile::new(view.profile.clone(), view.authenticator.clone());
    match view.state {
        SignInState::Completed(_) if terminal.json => terminal.json(&view),
        SignInState::Completed(done) => {
            let SignInCompleted {
                connection,
                renewed,
                instead_of,
                ..
            } = &done;
            let renewed = *renewed;
            let other = asked.filter(|asked| connection.account.label.as_ref() != Some(asked));
            terminal.say(|style| match other {
                Some(asked) if renewed => words::same_account(connection, asked, style),
                _ => words::completed(connection, renewed, instead_of.as_ref(), style),
            });
            terminal.say(|style| words::about_keys(&done, style));
            Ok(())
        }
        SignInState::Denied(SignInError { error }) | SignInState::Failed(SignInError { error }) => {
            Err(Failure::Api(error))
        }
        SignInState::TimedOut => {
            let mut hint = format!("run `valetkey connect {}` again", name.argument());
            if view.client_may_be_unknown {
                hint.push_str(
                    "; if the page in the browser says that it does not know the client, add                      `--register-again`",
                );
            }
            let message = format!("nobody signed in to `{name}` in time");
            Err(Failure::new(Exit::NotAllowed, message).hint(hint))
        }
        SignInState::Cancelled => Err(Failure::new(Exit::Failed, "the sign-in was cancelled")),
        SignInState::Started | SignInState::Authorized => {
            Err(Failure::new(Exit::Failed, "the sign-in has not ended"))
        }
    }
}
