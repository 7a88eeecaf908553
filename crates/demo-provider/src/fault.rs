//! Faults: what shall go wrong, where and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, GrantType};

/// One fault, waiting for requests that it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where it strikes.
    pub endpoint: Endpoint,
    /// Strikes only token requests with this grant.
    #[serde(default)]
    pub grant: Option<GrantType>,
    /// How many requests it strikes.
    #[serde(default)]
    pub times: Times,
    /// Whether the request is carried out first (codes spent, tokens rotated) and only its answer
    /// is lost or spoilt. `Edit` and `IdToken` always carry it out.
    #[serde(default)]
    pub after_processing: bool,
    /// What goes wrong.
    pub fault: FaultKind,
}

impl Fault {
    /// `kind` strikes the next request at `endpoint`, which is not carried out.
    pub fn at(endpoint: Endpoint, kind: FaultKind) -> Self {
        Self {
            endpoint,
            grant: None,
            times: Times::Count(1),
            after_processing: false,
            fault: kind,
        }
    }

    /// `kind` strikes the next refresh.
    pub fn refresh(kind: FaultKind) -> Self {
        Self {
            grant: Some(GrantType::RefreshToken),
            ..Self::at(Endpoint::Token, kind)
        }
    }

    /// `kind` strikes the next exchange of a code.
    pub fn exchange(kind: FaultKind) -> Self {
        Self {
            grant: Some(GrantType::AuthorizationCode),
            ..Self::at(Endpoint::Token, kind)
        }
    }

    /// Strikes this many requests instead of one.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self {
            times: Times::Count(count),
            ..self
        }
    }

    /// Strikes until the faults are cleared.
    #[must_use]
    pub fn forever(self) -> Self {
        Self {
            times: Times::Always(Always::Forever),
            ..self
        }
    }

    /// The request is carried out before the fault strikes.
    #[must_use]
    pub fn after_processing(self) -> Self {
        Self {
            after_processing: true,
            ..self
        }
    }
}

/// How many requests a fault strikes: a number, or `"forever"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So many.
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

/// What goes wrong. The first three hold the request, the others spoil the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// The request is held this long.
    Latency {
        /// Milliseconds.
        ms: u64,
    },
    /// The request is held until the gate of this name is released.
    Gate {
        /// The name to release it by.
        name: String,
    },
    /// The request is held until the client gives up.
    Hang,
    /// The connection ends without an answer. With `after_processing`: the lost answer.
    Close,
    /// A bare status with a line of text, as from a gateway.
    Status {
        /// The HTTP status.
        status: u16,
        /// The value of `Retry-After`, as it stands.
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
        /// The status, if not that of the dialect: 200 makes the error body that looks like luck.
        #[serde(default)]
        status: Option<u16>,
    },
    /// A page where JSON was due: a captive portal (200) or a proxy (502).
    Html {
        /// The HTTP status.
        #[serde(default = "ok")]
        status: u16,
    },
    /// A redirect to elsewhere.
    Redirect {
        /// The HTTP status.
        #[serde(default = "found")]
        status: u16,
        /// Where to.
        location: String,
    },
    /// Half of the body, then the connection ends, although the header promised all of it.
    Truncated,
    /// A body with this much padding in its first member.
    Huge {
        /// Bytes of padding.
        #[serde(default = "huge")]
        bytes: u64,
    },
    /// A status with an empty body.
    Empty {
        /// The HTTP status.
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// Any answer at all.
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
    /// The right answer, falsified by a JSON merge patch (RFC 7396): `null` removes a member. On a
    /// redirect it changes the query of the `Location`. Refusals stay as they are.
    Edit {
        /// The merge patch.
        patch: Value,
    },
    /// The right answer with a bad `id_token`.
    IdToken {
        /// What is bad about it.
        flaw: IdTokenFlaw,
    },
}

impl FaultKind {
    /// The right answer with `member` set to `value`.
    pub fn set(member: &str, value: impl Into<Value>) -> Self {
        Self::Edit {
            patch: json!({ member: value.into() }),
        }
    }

    /// The right answer without `member`.
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

    /// The word that stands for it in JSON.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Gate { .. } => "gate",
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

    /// These need the right answer to falsify, whatever `after_processing` says.
    pub(crate) fn builds_on_the_right_answer(&self) -> bool {
        matches!(self, Self::Edit { .. } | Self::IdToken { .. })
    }

    pub(crate) fn holds(&self) -> bool {
        matches!(self, Self::Latency { .. } | Self::Gate { .. } | Self::Hang)
    }
}

fn ok() -> u16 {
    200
}

fn found() -> u16 {
    302
}

fn bad_request() -> u16 {
    400
}

fn huge() -> u64 {
    8 * 1024 * 1024
}

/// What is bad about an `id_token`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdTokenFlaw {
    /// Another nonce than the one asked with.
    WrongNonce,
    /// No nonce although one was asked with.
    MissingNonce,
    /// Made for another client.
    WrongAudience,
    /// Made by another issuer.
    WrongIssuer,
    /// About another account than userinfo.
    WrongSubject,
    /// Ended an hour ago.
    Expired,
    /// The signature does not fit.
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
