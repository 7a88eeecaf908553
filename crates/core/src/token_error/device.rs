//! What the device authorization endpoint and the token endpoint say in a device grant (RFC 8628).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::error_fields::ErrorFields;
use super::{Class, SignInFailure, TokenError, clean, codes, failure, read};
use crate::endpoint_url::EndpointUrl;
use crate::provider::Provider;
use crate::secret::DeviceCode;
use crate::token_response::{Answer, Content, TokenResponse, number};

/// Between two polls, if the provider does not say (RFC 8628, section 3.2).
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// A wish to wait longer than this between polls is cut to it.
const MAX_INTERVAL: Duration = Duration::from_mins(2);
/// A code that lives longer than this is read as this.
const MAX_LIFETIME: f64 = 1800.0;
/// Longest user code, in characters.
const MAX_USER_CODE: usize = 64;

/// A device authorization response (RFC 8628, section 3.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// For polling.
    pub device_code: DeviceCode,
    /// What the person enters.
    pub user_code: String,
    /// Where they enter it.
    pub verification_uri: EndpointUrl,
    /// The same with the code in it, if the provider has that.
    pub verification_uri_complete: Option<EndpointUrl>,
    /// Lifetime of the codes; at most 30 minutes.
    pub expires_in: SignedDuration,
    /// Between two polls; at least one second.
    pub interval: Duration,
}

/// What came of a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevicePoll {
    /// The person agreed.
    Granted(Box<TokenResponse>),
    /// The person has not decided.
    Pending,
    /// As [`Self::Pending`], and polls must be further apart: by five seconds, or this far.
    SlowDown(Option<Duration>),
    /// Worth a retry: overload, outage, a page instead of an answer.
    Later {
        /// What the provider wishes, if it said so.
        after: Option<SignedDuration>,
        /// Technical, without secrets.
        reason: String,
    },
    /// The codes have expired.
    Expired,
    /// It will not be granted.
    Failed(SignInFailure),
}

/// Reads the answer of a device authorization endpoint. `secrets` are the texts that were sent.
pub fn read_device_authorization(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> Result<DeviceAuthorization, SignInFailure> {
    if answer.is_success()
        && let Content::Members(members) = answer.content()
        && members.contains_key("device_code")
    {
        return authorization(&members).map_err(|reason| SignInFailure::Unclear { reason });
    }
    let not_there = matches!(answer.status, 404 | 405 | 410);
    match read(provider, answer, secrets, now) {
        // A token where a code was asked for.
        Ok(_) => Err(SignInFailure::Unclear {
            reason: "the answer holds no device code".to_owned(),
        }),
        Err(TokenError {
            class: Some(Class::Later) | None,
            reason,
            ..
        }) if not_there => Err(SignInFailure::WrongField {
            field: "device_authorization_url",
            value: None,
            reason: format!("the device authorization URL looks like a wrong address ({reason})"),
        }),
        Err(TokenError { class, reason, .. }) => Err(failure(class, reason)),
    }
}

/// Reads the answer to a poll (RFC 8628, section 3.5). `secrets` are the texts that were sent.
pub fn read_device_poll(
    provider: &Provider,
    answer: &Answer,
    secrets: &[&str],
    now: Timestamp,
) -> DevicePoll {
    // The codes first: GitHub answers 200 with them, Google 428 and 403, Twitch in `message`.
    if let Content::Members(members) = answer.content() {
        let fields = ErrorFields::of_members(&members);
        let says = |name: &str| fields.codes.iter().any(|code| codes::same(name, code));
        if says("authorization_pending") {
            return DevicePoll::Pending;
        }
        if says("slow_down") {
            return DevicePoll::SlowDown(interval(&members));
        }
        if says("expired_token") {
            return DevicePoll::Expired;
        }
    }
    match read(provider, answer, secrets, now) {
        Ok(reply) => DevicePoll::Granted(reply),
        Err(TokenError {
            class: Some(Class::Later),
            reason,
            after,
        }) => DevicePoll::Later { after, reason },
        Err(TokenError { class, reason, .. }) => DevicePoll::Failed(failure(class, reason)),
    }
}

fn authorization(members: &Map<String, Value>) -> Result<DeviceAuthorization, String> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let missing = |name: &str| format!("the answer holds no `{name}`");
    let device_code = text("device_code").ok_or_else(|| missing("device_code"))?;
    let user_code = text("user_code").ok_or_else(|| missing("user_code"))?;
    let is_plain = |c: char| c.is_ascii_graphic() || c == ' ';
    if user_code.trim().is_empty()
        || user_code.len() > MAX_USER_CODE
        || !user_code.chars().all(is_plain)
    {
        return Err("the `user_code` is no code that a person can enter".to_owned());
    }
    let url = |text: &str| {
        EndpointUrl::parse(text).map_err(|error| {
            format!(
                "the verification URL is not safe: {}",
                clean(&error.to_string(), &[])
            )
        })
    };
    // Google's name, from before the RFC.
    let verification_uri = text("verification_uri").or_else(|| text("verification_url"));
    let verification_uri = verification_uri.ok_or_else(|| missing("verification_uri"))?;
    let complete = text("verification_uri_complete").or_else(|| text("verification_url_complete"));
    let lifetime = members.get("expires_in").and_then(number);
    let lifetime = lifetime.filter(|seconds| *seconds > 0.0);
    let lifetime = lifetime.unwrap_or(MAX_LIFETIME).min(MAX_LIFETIME);
    Ok(DeviceAuthorization {
        device_code: DeviceCode::new(device_code),
        user_code: user_code.trim().to_owned(),
        verification_uri: url(verification_uri)?,
        verification_uri_complete: complete.map(url).transpose()?,
        expires_in: SignedDuration::from_secs_f64(lifetime),
        interval: interval(members).unwrap_or(DEFAULT_INTERVAL),
    })
}

fn interval(members: &Map<String, Value>) -> Option<Duration> {
    let seconds = members.get("interval").and_then(number)?;
    let interval = Duration::try_from_secs_f64(seconds).ok()?;
    Some(interval.clamp(Duration::from_secs(1), MAX_INTERVAL))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer {
            status,
            body: body.to_string().into_bytes().into(),
            ..Answer::default()
        }
    }

    fn poll(provider: &str, status: u16, body: &Value) -> DevicePoll {
        let provider = catalogue::provider(provider).unwrap();
        read_device_poll(
            provider,
            &answer(status, body),
            &["dc"],
            Timestamp::UNIX_EPOCH,
        )
    }

    fn begun(body: &Value) -> Result<DeviceAuthorization, SignInFailure> {
        let provider = catalogue::provider("custom").unwrap();
        read_device_authorization(provider, &answer(200, body), &[], Timestamp::UNIX_EPOCH)
    }

    fn example() -> Value {
        json!({
            "device_code": "dc", "user_code": "WDJB-MJHT",
            "verification_uri": "https://example.com/device",
            "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
            "expires_in": 1800, "interval": 7,
        })
    }

    #[test]
    fn the_response_of_the_rfc_is_read() {
        let begun = begun(&example()).unwrap();
        assert_eq!(begun.device_code.expose(), "dc");
        assert_eq!(begun.user_code, "WDJB-MJHT");
        assert_eq!(
            begun.verification_uri.as_str(),
            "https://example.com/device"
        );
        assert!(begun.verification_uri_complete.is_some());
        assert_eq!(begun.expires_in, SignedDuration::from_mins(30));
        assert_eq!(begun.interval, Duration::from_secs(7));
    }

    #[test]
    fn what_is_absent_has_a_default_and_what_is_too_much_is_cut() {
        let mut body = example();
        let members = body.as_object_mut().unwrap();
        members.remove("interval");
        members.remove("verification_uri_complete");
        let url = members.remove("verification_uri").unwrap();
        members.insert("verification_url".to_owned(), url);
        members.insert("expires_in".to_owned(), json!("99999999"));
        let read = begun(&body).unwrap();
        assert_eq!(read.interval, DEFAULT_INTERVAL);
        assert_eq!(read.expires_in, SignedDuration::from_mins(30));
        for (given, expected) in [(0.0, 1), (1e9, 120)] {
            body["interval"] = json!(given);
            assert_eq!(
                begun(&body).unwrap().interval,
                Duration::from_secs(expected)
            );
        }
    }

    #[test]
    fn an_unsafe_page_or_code_is_refused() {
        for (member, value) in [
            ("verification_uri", "javascript:alert(1)"),
            ("verification_uri", "http://example.com/device"),
            ("verification_uri_complete", "file:///etc/passwd"),
            ("user_code", "\u{1b}[2J"),
            ("user_code", ""),
        ] {
            let mut body = example();
            body[member] = json!(value);
            let refused = begun(&body).unwrap_err();
            assert!(matches!(refused, SignInFailure::Unclear { .. }), "{value}");
        }
    }

    #[test]
    fn the_dialects_of_waiting_are_understood() {
        for (provider, status, body, expected) in [
            (
                "custom",
                400,
                json!({"error": "authorization_pending"}),
                DevicePoll::Pending,
            ),
            (
                "github",
                200,
                json!({"error": "authorization_pending"}),
                DevicePoll::Pending,
            ),
            (
                "google",
                428,
                json!({"error": "authorization_pending"}),
                DevicePoll::Pending,
            ),
            (
                "custom",
                400,
                json!({"status": 400, "message": "authorization_pending"}),
                DevicePoll::Pending,
            ),
            (
                "google",
                403,
                json!({"error": "slow_down"}),
                DevicePoll::SlowDown(None),
            ),
            (
                "github",
                200,
                json!({"error": "slow_down", "interval": 10}),
                DevicePoll::SlowDown(Some(Duration::from_secs(10))),
            ),
            (
                "custom",
                400,
                json!({"error": "expired_token"}),
                DevicePoll::Expired,
            ),
        ] {
            assert_eq!(poll(provider, status, &body), expected, "{provider} {body}");
        }
    }

    #[test]
    fn all_else_ends_it_but_an_outage() {
        let denied = poll("custom", 400, &json!({"error": "access_denied"}));
        assert!(matches!(
            denied,
            DevicePoll::Failed(SignInFailure::Denied { .. })
        ));
        let unknown = poll("custom", 400, &json!({"error": "something_else"}));
        assert!(matches!(unknown, DevicePoll::Failed(_)));
        let client = poll(
            "github",
            200,
            &json!({"error": "incorrect_client_credentials"}),
        );
        assert!(matches!(
            client,
            DevicePoll::Failed(SignInFailure::FixClient { .. })
        ));
        let outage = poll("custom", 503, &json!({}));
        assert!(matches!(outage, DevicePoll::Later { .. }));
        let token = json!({"access_token": "t", "token_type": "bearer"});
        assert!(matches!(
            poll("github", 200, &token),
            DevicePoll::Granted(_)
        ));
    }
}
