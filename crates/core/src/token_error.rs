//! What an answer of the token endpoint means for the login: a class, and from it one of five outcomes.
//!
//! | class | outcome of a refresh |
//! | --- | --- |
//! | dead grant, interaction, denied | sign in again: the record stays, nothing is sent any more |
//! | fix client, bug, retry once | fix client: the tokens stay, the console page is named |
//! | later | later: retried with back-off, the old token is served while it is valid |
//! | none of them | unclear: tried once more minutes later, then sign in again |
//!
//! A lost answer is no answer and has no class: the request is sent once more (the agent's `protocol`).
//!
//! The order of tests decides. Overload and outage first (their bodies say nothing reliable), then
//! the error in the body, whatever the status (GitHub and Slack refuse with HTTP 200), then the
//! status. When in doubt no login is ended: a hotel's login page must not log anybody out.
//!
//! The names of RFC 6749 and those that several providers share are in [`codes`]; what one provider
//! means by a name of its own is data, in its catalogue file (`errors`).

mod codes;
mod device;
mod error_fields;
mod pushed;
mod retry_after;

use jiff::{SignedDuration, Timestamp};

use crate::provider::{ErrorClass as Class, Provider};
use crate::token_response::{Answer, Content, NoGrant, TokenResponse};
use error_fields::ErrorFields;

pub use device::{DeviceAuthorization, DevicePoll, read_device_authorization, read_device_poll};
pub use error_fields::{clean, one_line};
pub use pushed::{PushedRequest, read_pushed_request};
pub use retry_after::http_date;

/// What came of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    /// A new grant.
    Refreshed(Box<TokenResponse>),
    /// Worth a retry: network, overload, outage, a page instead of an answer.
    Later {
        /// What the provider wishes, if it said so.
        after: Option<SignedDuration>,
        /// Technical, without secrets.
        reason: String,
    },
    /// The refresh token is not valid any more, or the provider wants to see the person.
    SignInAgain {
        /// Technical, without secrets.
        reason: String,
    },
    /// The client registration must be mended; the tokens stay valid.
    FixClient {
        /// Technical, without secrets.
        reason: String,
    },
    /// Not understood: worth one more try minutes later.
    Unclear {
        /// Technical, without secrets.
        reason: String,
    },
}

/// Why a sign-in ended without a grant, by what the person can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignInFailure {
    /// The person, or the provider on their behalf, said no.
    #[error("access was denied at the provider ({reason})")]
    Denied {
        /// Technical, without secrets.
        reason: String,
    },
    /// The code was refused: too old, used before, or not ours. A new sign-in gets a new one.
    #[error("the provider refused this sign-in ({reason})")]
    StartAgain {
        /// Technical, without secrets.
        reason: String,
    },
    /// The client registration must be mended.
    #[error("the provider rejects the registered client ({reason})")]
    FixClient {
        /// Technical, without secrets.
        reason: String,
    },
    /// A field of the authenticator has a value that cannot be right.
    #[error("{reason}")]
    WrongField {
        /// Its name, as in a draft.
        field: &'static str,
        /// What to set instead, where that is known.
        value: Option<String>,
        /// What was seen.
        reason: String,
    },
    /// Worth a retry.
    #[error("the provider could not be reached or is overloaded ({reason})")]
    TryLater {
        /// Technical, without secrets.
        reason: String,
    },
    /// The answer cannot be trusted: wrong issuer, signature, nonce or account.
    #[error("the answer cannot be trusted ({reason})")]
    Untrusted {
        /// Technical, without secrets.
        reason: String,
    },
    /// Not understood.
    #[error("the provider's answer was not understood ({reason})")]
    Unclear {
        /// Technical, without secrets.
        reason: String,
    },
}

/// Reads the answer to a refresh. `secrets` are the texts that were sent and must not be quoted back.
pub fn read_refresh(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> RefreshOutcome {
    let error = match read(provider, answer, secrets, now) {
        Ok(reply) => return RefreshOutcome::Refreshed(reply),
        Err(error) => error,
    };
    let TokenError {
        class,
        reason,
        after,
    } = error;
    match class {
        Some(Class::Later) => RefreshOutcome::Later { after, reason },
        Some(Class::DeadGrant | Class::Interaction | Class::Denied) => {
            RefreshOutcome::SignInAgain { reason }
        }
        Some(Class::FixClient | Class::Bug | Class::RetryOnce) => {
            RefreshOutcome::FixClient { reason }
        }
        None => RefreshOutcome::Unclear { reason },
    }
}

/// Reads the answer to a code exchange. `secrets` are the texts that were sent.
pub fn read_exchange(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> Result<Box<TokenResponse>, SignInFailure> {
    read(provider, answer, secrets, now).map_err(|TokenError { class, reason, .. }| {
        // A page that is not there, or one for people, is a mistyped URL: nobody is logged out by
        // saying so here.
        let not_there = matches!(answer.status, 404 | 405 | 410);
        let is_page = answer.is_success() && matches!(answer.content(), Content::Page);
        if (not_there || is_page) && matches!(class, Some(Class::Later) | None) {
            return SignInFailure::WrongField {
                field: "token_url",
                value: None,
                reason: format!("the token URL looks like a wrong address ({reason})"),
            };
        }
        failure(class, reason)
    })
}

/// What an authorization server has against the proof of a request, if it has anything (RFC 9449,
/// sections 5 and 8).
pub fn proof_error(answer: &Answer) -> Option<ProofError> {
    let Content::Members(members) = answer.content() else {
        return None;
    };
    let fields = ErrorFields::of_members(&members);
    let says = |name: &str| fields.codes.iter().any(|code| codes::same(name, code));
    if !matches!(answer.status, 400 | 401) {
        None
    } else if says("use_dpop_nonce") {
        Some(ProofError::Nonce)
    } else {
        says("invalid_dpop_proof").then_some(ProofError::Invalid)
    }
}

/// Why a proof of possession was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProofError {
    /// The server wants another nonce in it.
    Nonce,
    /// It is wrong; its time may be.
    Invalid,
}

/// Reads an error that came back with the browser (RFC 6749, section 4.1.2.1).
pub fn read_authorize_error(
    provider: &Provider,
    code: &str,
    description: Option<&str>,
) -> SignInFailure {
    let fields = ErrorFields::of_redirect(code, description);
    let class = own_class(provider, &fields)
        .or_else(|| fields.codes.iter().find_map(|code| codes::class(code)));
    failure(class, fields.reason(None, &[]))
}

/// An answer that brought no grant.
struct TokenError {
    /// None: not understood.
    class: Option<Class>,
    reason: String,
    after: Option<SignedDuration>,
}

fn failure(class: Option<Class>, reason: String) -> SignInFailure {
    match class {
        Some(Class::Later) => SignInFailure::TryLater { reason },
        Some(Class::DeadGrant | Class::Interaction) => SignInFailure::StartAgain { reason },
        Some(Class::FixClient | Class::Bug | Class::RetryOnce) => {
            SignInFailure::FixClient { reason }
        }
        Some(Class::Denied) => SignInFailure::Denied { reason },
        None => SignInFailure::Unclear { reason },
    }
}

fn read(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> Result<Box<TokenResponse>, TokenError> {
    let status = answer.status;
    let content = answer.content();
    let fields = match &content {
        Content::Members(members) => ErrorFields::of_members(members),
        Content::Page | Content::Empty | Content::Garbled => ErrorFields::default(),
    };
    let after = answer
        .retry_after
        .as_deref()
        .and_then(|text| retry_after::parse(text, now))
        .or(fields.retry_after);
    let refuse = |class, words: Option<&str>| {
        let reason = match words {
            Some(words) => format!("HTTP {status}: {words}"),
            None => fields.reason(Some(status), secrets),
        };
        Err(TokenError {
            class,
            reason,
            after,
        })
    };

    let overloaded = matches!(status, 408 | 425 | 429 | 500..=599);
    if overloaded || (!answer.is_success() && after.is_some()) {
        return refuse(Some(Class::Later), None);
    }
    // Redirects of a token endpoint are never followed: they would carry the secrets along.
    if (300..400).contains(&status) {
        return refuse(Some(Class::Later), Some("a redirect instead of an answer"));
    }
    // A reverse proxy answers so while the provider behind it is redeployed.
    let is_missing = matches!(status, 404 | 405 | 410);
    let members = match content {
        Content::Members(members) => members,
        Content::Page => {
            return refuse(Some(Class::Later), Some("a web page instead of an answer"));
        }
        Content::Empty if is_missing => {
            return refuse(Some(Class::Later), Some("nothing is there"));
        }
        Content::Empty => return refuse(None, Some("an empty answer")),
        // Only an OAuth error ends a login: this is a proxy's text, or half an answer.
        Content::Garbled => return refuse(Some(Class::Later), Some("an unreadable answer")),
    };
    if answer.is_success() && !fields.refuses {
        let missing = match TokenResponse::from_members(members, provider.token_shape) {
            Ok(reply) => return Ok(Box::new(reply)),
            Err(missing) => missing,
        };
        let class = match missing {
            NoGrant::TokenType(_) | NoGrant::NotBound => Some(Class::FixClient),
            NoGrant::NoToken | NoGrant::BadToken => None,
        };
        // A 2xx that names an error and holds no token is that error.
        if fields.codes.is_empty() {
            return refuse(class, Some(&missing.to_string()));
        }
    }
    match class_of(provider, &fields) {
        None if is_missing => refuse(Some(Class::Later), None),
        class => refuse(class, None),
    }
}

fn class_of(provider: &Provider, fields: &ErrorFields) -> Option<Class> {
    if fields.transient {
        return Some(Class::Later);
    }
    if let Some(own) = own_class(provider, fields) {
        return Some(own);
    }
    let named = fields.codes.iter().find_map(|code| codes::class(code));
    // X and Atlassian call an invalid refresh token `invalid_request` and `unauthorized_client`; Twitch
    // gives no code at all.
    let vague = named.is_none() || fields.codes.iter().any(|code| codes::is_vague(code));
    if vague
        && fields
            .words
            .as_deref()
            .is_some_and(codes::says_token_is_invalid)
    {
        return Some(Class::DeadGrant);
    }
    named
}

fn own_class(provider: &Provider, fields: &ErrorFields) -> Option<Class> {
    fields
        .codes
        .iter()
        .find_map(|code| provider.errors.get(code))
        .copied()
}

#[cfg(test)]
mod tests;
