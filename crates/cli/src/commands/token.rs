//! `valetkey token`: the hot path. One connection, one request, one line.

use valetkey_api::token::TokenRequest;

use crate::agent;
use crate::args::{Global, Token};
use crate::failure::Failure;
use crate::terminal::Terminal;

/// Prints a token.
pub(crate) fn token(terminal: Terminal, global: &Global, args: Token) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    let request = TokenRequest {
        min_valid_seconds: args.min_ttl,
        scopes: args.scopes,
        resource: None,
    };
    let reply = if args.refresh {
        client.refresh(&args.connection, &request)
    } else {
        client.token(&args.connection, &request)
    }?;
    if terminal.json {
        return terminal.json(&reply);
    }
    let token = reply.access_token.expose();
    if args.header {
        terminal.data(&format!(
            "Authorization: {} {token}\n",
            scheme(&reply.token_type)
        ))
    } else {
        terminal.data(&format!("{token}\n"))
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
