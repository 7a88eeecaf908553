//! Error names that mean the same at every provider that uses them.

use super::Class;

const DEAD_GRANT: &[&str] = &[
    // RFC 6749, section 5.2, and its look-alikes.
    "invalid_grant",
    "bad_refresh_token",
    "bad_verification_code",
    "invalid_refresh_token",
    "invalid_code",
    "code_already_used",
    "invalid_token",
    "expired_token",
    "token_expired",
    "token_revoked",
    "token_inactive",
    "account_inactive",
    "invalid_auth",
    "not_authed",
];

/// The refresh token may be valid, but the provider wants to see the person.
const INTERACTION: &[&str] = &[
    "interaction_required",
    "login_required",
    "consent_required",
    "account_selection_required",
    "mfa_required",
    "insufficient_scope",
    "invalid_rapt",
    "rapt_required",
];

const FIX_CLIENT: &[&str] = &[
    // RFC 6749, sections 4.1.2.1 and 5.2; RFC 7591; RFC 8707.
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_target",
    "invalid_client_metadata",
    "invalid_redirect_uri",
    "redirect_uri_mismatch",
    "bad_redirect_uri",
    "incorrect_client_credentials",
    "invalid_client_id",
    "bad_client_id",
    "bad_client_secret",
    "invalid_client_secret",
    "invalid_grant_type",
    "deleted_client",
    "disabled_client",
    "application_suspended",
];

/// RFC 6749, section 4.1.2.1; RFC 9449, section 5.
const BUG: &[&str] = &[
    "invalid_request",
    "unsupported_response_type",
    "invalid_dpop_proof",
];

/// RFC 9449, section 8.
const RETRY_ONCE: &[&str] = &["use_dpop_nonce"];

const LATER: &[&str] = &[
    "server_error",
    "temporarily_unavailable",
    "slow_down",
    "rate_limited",
    "rate_limit_exceeded",
    "user_rate_limit_exceeded",
    "quota_exceeded",
    "too_many_requests",
    "resource_exhausted",
    "internal_error",
    "internal_server_error",
    "internal_failure",
    "fatal_error",
    "service_unavailable",
    "request_timeout",
    "timeout",
];

const DENIED: &[&str] = &[
    "access_denied",
    "user_denied",
    "user_cancelled",
    "consent_denied",
];

/// The class of a name, spelled in any of the usual ways (`rateLimitExceeded`, `BAD_CLIENT_SECRET`).
pub(super) fn class(code: &str) -> Option<Class> {
    let lists = [
        (DEAD_GRANT, Class::DeadGrant),
        (INTERACTION, Class::Interaction),
        (FIX_CLIENT, Class::FixClient),
        (BUG, Class::Bug),
        (RETRY_ONCE, Class::RetryOnce),
        (LATER, Class::Later),
        (DENIED, Class::Denied),
    ];
    let listed = |list: &[&str]| list.iter().any(|name| same(name, code));
    lists
        .into_iter()
        .find_map(|(list, class)| listed(list).then_some(class))
}

/// Names that some providers also give to a token that is not valid any more, so that the words beside it must be read.
pub(super) fn is_vague(code: &str) -> bool {
    ["invalid_request", "unauthorized_client"]
        .iter()
        .any(|name| same(name, code))
}

/// Whether a description speaks of a token that is no longer good.
pub(super) fn says_token_is_invalid(words: &str) -> bool {
    let words = words.to_ascii_lowercase();
    let about = |list: &[&str]| list.iter().any(|word| words.contains(word));
    about(&["token", "grant"])
        && about(&[
            "invalid",
            "expired",
            "revoked",
            "unknown",
            "not found",
            "inactive",
        ])
        && !about(&[
            "client", "secret", "missing", "redirect", "type", "required",
        ])
}

/// Whether two spellings are of one name.
pub(super) fn same(name: &str, code: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes()
            .filter(u8::is_ascii_alphanumeric)
            .map(|byte| byte.to_ascii_lowercase())
            .collect()
    };
    letters(name) == letters(code)
}
