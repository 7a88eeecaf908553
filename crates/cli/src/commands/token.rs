//! `valetkey token`: the hot path. One connection, one request, one line.

use valetkey_api::token::{TokenRequest, TokenResponse};

use crate::agent;
use crate::args::{Global, Token};
use crate::failure::Failure;
use crate::render::connections as words;
use crate::terminal::Terminal;

/// Prints a token.
pub(crate) fn token(terminal: Terminal, global: &Global, args: Token) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let request = TokenRequest {
        min_valid_seconds: args.min_ttl,
        scopes: args.scopes,
        only_scopes: args.only_scopes,
        resource: None,
        wait_seconds: args.wait,
    };
    let reply = if args.refresh {
        client.refresh(&args.connection, &request)
    } else {
        client.token(&args.connection, &request)
    }?;
    warn_if_short(terminal, &reply, args.min_ttl);
    if terminal.json {
        return terminal.json(&reply);
    }
    let token = reply.access_token.expose();
    if let (true, Some(auth)) = (args.header, &reply.api_auth) {
        let value = auth.value(&reply.access_token);
        terminal.data(&format!("{}: {}\n", auth.header, *value))
    } else if args.header {
        terminal.data(&format!(
            "Authorization: {} {token}\n",
            scheme(&reply.token_type)
        ))
    } else {
        terminal.data(&format!("{token}\n"))
    }
}

/// The agent gives the best that the provider has; that may be less than was asked for.
pub(super) fn warn_if_short(terminal: Terminal, token: &TokenResponse, min_ttl: Option<u64>) {
    let Some(asked) = min_ttl else {
        return;
    };
    let ends_sooner = |left: i64| u64::try_from(left).map_or(true, |left| left < asked);
    if let Some(left) = token.expires_in.filter(|left| ends_sooner(*left)) {
        terminal.say(|style| words::ends_sooner(&token.connection, left, asked, style));
    }
}

/// Providers spell it in any case (RFC 6749, section 5.1), some APIs take only this one.
fn scheme(token_type: &str) -> &str {
    if token_type.eq_ignore_ascii_case("bearer") {
        "Bearer"
    } else {
        token_type
    }
}
