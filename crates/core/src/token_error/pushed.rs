//! What the endpoint for pushed authorization requests says (RFC 9126).

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::{Class, SignInFailure, TokenError, failure, read};
use crate::provider::Provider;
use crate::token_response::{Answer, Content, number};

/// Longest `request_uri`, in bytes.
const MAX_REQUEST_URI: usize = 2048;
/// A pushed request that lives longer than this is read as this, in seconds.
const MAX_LIFETIME: f64 = 600.0;

/// A pushed authorization response (RFC 9126, section 2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedRequest {
    /// Stands for the parameters in the authorize URL.
    pub request_uri: String,
    /// How long it does; more than nothing, at most ten minutes.
    pub expires_in: SignedDuration,
}

/// Reads the answer of the endpoint. `secrets` are the texts that were sent.
pub fn read_pushed_request(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> Result<PushedRequest, SignInFailure> {
    if answer.is_success()
        && let Content::Members(members) = answer.content()
        && members.contains_key("request_uri")
    {
        return pushed(&members).map_err(|reason| SignInFailure::Unclear { reason });
    }
    let not_there = matches!(answer.status, 404 | 405 | 410);
    match read(provider, answer, secrets, now) {
        // A token where none was asked for.
        Ok(_) => Err(SignInFailure::Unclear {
            reason: "the answer holds no `request_uri`".to_owned(),
        }),
        Err(TokenError {
            class: Some(Class::Later) | None,
            reason,
            ..
        }) if not_there => Err(SignInFailure::WrongField {
            field: "pushed_authorization_url",
            value: None,
            reason: format!("the pushed authorization URL looks like a wrong address ({reason})"),
        }),
        Err(TokenError { class, reason, .. }) => Err(failure(class, reason)),
    }
}

fn pushed(members: &Map<String, Value>) -> Result<PushedRequest, String> {
    let uri = members.get("request_uri").and_then(Value::as_str);
    let uri = uri.filter(|uri| {
        !uri.is_empty()
            && uri.len() <= MAX_REQUEST_URI
            && uri.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let lifetime = members.get("expires_in").and_then(number);
    match (uri, lifetime) {
        (None, _) => Err("the `request_uri` is no URI, or too long".to_owned()),
        (Some(_), None) => Err("the `request_uri` has no `expires_in`".to_owned()),
        (Some(_), Some(seconds)) if seconds <= 0.0 => {
            Err("the `request_uri` has expired already".to_owned())
        }
        (Some(uri), Some(seconds)) => Ok(PushedRequest {
            request_uri: uri.to_owned(),
            expires_in: SignedDuration::from_secs_f64(seconds.min(MAX_LIFETIME)),
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;
    use crate::catalogue;

    fn answered(status: u16, body: &str) -> Result<PushedRequest, SignInFailure> {
        let answer = Answer {
            status,
            body: Zeroizing::new(body.as_bytes().to_vec()),
            ..Answer::default()
        };
        let provider = catalogue::provider("custom").unwrap();
        read_pushed_request(provider, &answer, &["s3cret"], Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_request_uri_and_its_lifetime_are_read() {
        for (expires_in, seconds) in [
            (json!(60), 60),
            (json!("60"), 60),
            (json!(1), 1),
            (json!(86_400), 600),
        ] {
            let body = json!({"request_uri": "urn:x:1", "expires_in": expires_in});
            let pushed = PushedRequest {
                request_uri: "urn:x:1".to_owned(),
                expires_in: SignedDuration::from_secs(seconds),
            };
            assert_eq!(answered(201, &body.to_string()), Ok(pushed));
        }
    }

    #[test]
    fn a_request_uri_that_cannot_be_used_is_refused() {
        let long = "x".repeat(2049);
        for body in [
            json!({"request_uri": "", "expires_in": 60}),
            json!({"request_uri": long, "expires_in": 60}),
            json!({"request_uri": "urn:x y", "expires_in": 60}),
            json!({"request_uri": "urn:x\n", "expires_in": 60}),
            json!({"request_uri": 7, "expires_in": 60}),
            json!({"request_uri": "urn:x:1"}),
            json!({"request_uri": "urn:x:1", "expires_in": 0}),
            json!({"request_uri": "urn:x:1", "expires_in": -5}),
            json!({"request_uri": "urn:x:1", "expires_in": "soon"}),
            json!({"access_token": "t"}),
        ] {
            let refused = answered(201, &body.to_string());
            assert!(
                matches!(refused, Err(SignInFailure::Unclear { .. })),
                "{body}: {refused:?}"
            );
        }
    }

    #[test]
    fn errors_have_their_usual_classes() {
        let class = |status, body: &str| match answered(status, body) {
            Ok(_) => "pushed",
            Err(SignInFailure::Denied { .. }) => "denied",
            Err(SignInFailure::StartAgain { .. }) => "start again",
            Err(SignInFailure::FixClient { .. }) => "fix client",
            Err(SignInFailure::WrongField { field, .. }) => field,
            Err(SignInFailure::TryLater { .. }) => "later",
            Err(SignInFailure::Untrusted { .. }) => "untrusted",
            Err(SignInFailure::Unclear { .. }) => "unclear",
        };
        for (status, body, expected) in [
            (401, r#"{"error": "invalid_client"}"#, "fix client"),
            (400, r#"{"error": "invalid_target"}"#, "fix client"),
            (400, r#"{"error": "invalid_request"}"#, "fix client"),
            (429, "", "later"),
            (503, "<html>", "later"),
            (307, "", "later"),
            (404, "<html>", "pushed_authorization_url"),
            (405, "", "pushed_authorization_url"),
            (200, "<html>", "later"),
            (400, "", "unclear"),
        ] {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
        let quoted = answered(
            400,
            r#"{"error": "invalid_request", "error_description": "s3cret"}"#,
        );
        assert!(!format!("{quoted:?}").contains("s3cret"), "{quoted:?}");
    }
}
