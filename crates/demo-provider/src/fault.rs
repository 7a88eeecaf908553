//! Faults: what goes wrong, at which requests and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, GrantType};

/// One fault, which applies to the requests that match it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub endpoint: Endpoint,
    /// Applies only to token requests with this grant.
    #[serde(default)]
    pub grant: Option<GrantType>,
    /// How many requests it applies to.
    #[serde(default)]
    pub times: Times,
    /// Whether the request is processed first (codes spent, tokens rotated), so that only its
    /// response is lost or changed. `Edit` and `IdToken` always process it.
    #[serde(default)]
    pub after_processing: bool,
    pub fault: FaultKind,
}

impl Fault {
    /// `kind` applies to the next request at `endpoint`, which is not processed.
    pub fn at(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self {
            endpoint,
            grant: None,
            times: Times::Count(1),
            after_processing: false,
            fault: kind,
        }
    }

    /// `kind` applies to the next refresh.
    pub fn refresh(kind: FaultKind) -> Self {
        Self {
            grant: Some(GrantType::RefreshToken),
            ..Self::at(Endpoint::Token, kind)
        }
    }

    /// `kind` applies to the next code exchange.
    pub fn exchange(kind: FaultKind) -> Self {
        Self {
            grant: Some(GrantType::AuthorizationCode),
            ..Self::at(Endpoint::Token, kind)
        }
    }

    /// Applies to this many requests instead of one.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self {
            times: Times::Count(count),
            ..self
        }
    }

    /// Applies until the faults are cleared.
    #[must_use]
    pub fn forever(self) -> Self {
        Self {
            times: Times::Always(Always::Forever),
            ..self
        }
    }

    /// The request is processed before the fault applies.
    #[must_use]
    pub fn after_processing(self) -> Self {
        Self {
            after_processing: true,
            ..self
        }
    }
}

/// How many requests a fault applies to: a number, or `"forever"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// This many.
    Count(u32),
    /// All, until the faults are cleared.
    Always(Always),
}

/// The word `"forever"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Always {
    /// Until the faults are cleared.
    Forever,
}

impl Default for Times {
    fn default() -> Self {
        Self::Count(1)
    }
}

/// What goes wrong. The first three hold the request, the others change the response.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The request is held this long.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is held until the latch of this name is released.
    Latch {
        /// The name to release it by.
        name: String,
    },
    /// The request is held until the client disconnects.
    Hang,
    /// The connection closes without a response. With `after_processing`: the lost response.
    Close,
    /// A bare status with a line of text, as from a gateway.
    Status {
        /// The HTTP status.
        status: u16,
        /// The value of `Retry-After`, sent verbatim.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// An OAuth error in the shape of the dialect; at `authorize` and `decision` in the redirect.
    OauthError {
        /// The code, for instance `invalid_grant`.
        error: String,
        /// The text beside it.
        #[serde(default)]
        description: Option<String>,
        /// The status, if not that of the dialect; 200 makes an error with a success status.
        #[serde(default)]
        status: Option<u16>,
    },
    /// An HTML page in place of JSON, as from a captive portal (200) or a proxy (502).
    Html {
        /// The HTTP status.
        #[serde(default = "status_ok")]
        status: u16,
    },
    /// A redirect.
    Redirect {
        /// The HTTP status.
        #[serde(default = "status_found")]
        status: u16,
        /// The `Location`.
        location: String,
    },
    /// Half of the body that `Content-Length` announces, then the connection closes.
    Truncated,
    /// A body with this much padding in its first member.
    Huge {
        /// Bytes of padding.
        #[serde(default = "default_padding")]
        bytes: u64,
    },
    /// A status with an empty body.
    Empty {
        /// The HTTP status.
        #[serde(default = "status_bad_request")]
        status: u16,
    },
    /// Any response.
    Raw {
        /// The HTTP status.
        status: u16,
        /// The headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// The body.
        #[serde(default)]
        body: String,
    },
    /// The real response, changed by a JSON merge patch (RFC 7396): `null` removes a member. On a
    /// redirect it changes the query of the `Location`. Errors stay unchanged.
    Edit {
        /// The merge patch.
        patch: Value,
    },
    /// The real response with an invalid `id_token`.
    IdToken {
        /// Its flaw.
        flaw: IdTokenFlaw,
    },
}

impl FaultKind {
    /// The real response with `member` set to `value`.
    pub fn set(member: &str, value: impl Into<Value>) -> Self {
        Self::Edit {
            patch: json!({ member: value.into() }),
        }
    }

    /// The real response without `member`.
    pub fn without(member: &str) -> Self {
        Self::set(member, Value::Null)
    }

    /// A bare status, as from a gateway.
    pub fn status(status: u16) -> Self {
        Self::Status {
            status,
            retry_after: None,
        }
    }

    /// An OAuth error with the status of the dialect.
    pub fn oauth_error(error: &str) -> Self {
        Self::OauthError {
            error: error.to_owned(),
            description: None,
            status: None,
        }
    }

    /// Its name in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Latch { .. } => "latch",
            Self::Hang => "hang",
            Self::Close => "close",
            Self::Status { .. } => "status",
            Self::OauthError { .. } => "oauth_error",
            Self::Html { .. } => "html",
            Self::Redirect { .. } => "redirect",
            Self::Truncated => "truncated",
            Self::Huge { .. } => "huge",
            Self::Empty { .. } => "empty",
            Self::Raw { .. } => "raw",
            Self::Edit { .. } => "edit",
            Self::IdToken { .. } => "id_token",
        }
    }

    /// Whether it changes the real response, whatever `after_processing` says.
    pub(crate) fn needs_real_response(&self) -> bool {
        matches!(self, Self::Edit { .. } | Self::IdToken { .. })
    }

    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Latch { .. } | Self::Hang)
    }
}

fn status_ok() -> u16 {
    200
}

fn status_found() -> u16 {
    302
}

fn status_bad_request() -> u16 {
    400
}

fn default_padding() -> u64 {
    8 * 1024 * 1024
}

/// What is invalid about an `id_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenFlaw {
    /// Another nonce than that of the request.
    WrongNonce,
    /// No nonce although the request had one.
    MissingNonce,
    /// The audience is another client.
    WrongAudience,
    /// The issuer is another one.
    WrongIssuer,
    /// The subject differs from that of userinfo.
    WrongSubject,
    /// Expired an hour ago.
    Expired,
    /// The signature is by another key.
    BadSignature,
    /// `alg: none` and no signature.
    Unsigned,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_a_fault_is_short() {
        let fault: Fault = serde_json::from_value(json!({
            "endpoint": "token", "grant": "refresh_token", "times": "forever",
            "fault": {"kind": "html"},
        }))
        .unwrap();
        assert_eq!(
            fault,
            Fault::refresh(FaultKind::Html { status: 200 }).forever()
        );
        let wrong = json!({"endpoint": "token", "fault": {"kind": "latency", "ms": 1, "s": 1}});
        assert!(serde_json::from_value::<Fault>(wrong).is_err());
    }
}
