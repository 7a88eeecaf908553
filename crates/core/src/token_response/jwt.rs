//! The end of an access token that happens to be a JWT. Read without trust: it only plans a refresh.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::number;

/// The `exp` of a JWT (RFC 7519, section 4.1.4), or None for any other token.
pub(super) fn expiry(token: &str) -> Option<Timestamp> {
    let mut parts = token.split('.');
    let (_header, payload, _signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&payload).ok()?;
    let seconds = number(claims.get("exp")?)?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the cast saturates, as wanted"
    )]
    Timestamp::from_second(seconds as i64).ok()
}
