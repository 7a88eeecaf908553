//! How the APIs of a provider say that a token lacks scopes.
//!
//! What they say is text from outside, and a person is asked to grant it: it is bounded, and only
//! scopes that can be asked for count.

use serde::Deserialize;
use serde_json::Value;

use super::Provider;
use crate::challenge::token_challenges;
use crate::scope::{Scopes, is_scope_token};

/// Scopes that one answer may name.
const MAX_SCOPES: usize = 16;
/// Longest scope, in bytes.
const MAX_SCOPE: usize = 200;

/// How an API says that a token lacks scopes. Each understands the standard's way too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeErrors {
    /// `WWW-Authenticate: Bearer error="insufficient_scope", scope="..."`, where all of these scopes
    /// are needed (RFC 6750, section 3.1).
    #[default]
    Standard,
    /// 403 with `X-Accepted-OAuth-Scopes`, of which one suffices, beside `X-OAuth-Scopes` (GitHub).
    AcceptedScopes,
    /// The standard's way, where one of the scopes suffices, or `ACCESS_TOKEN_SCOPE_INSUFFICIENT` in
    /// the body, which names none (Google).
    ErrorReason,
    /// `{"ok": false, "error": "missing_scope", "needed": "..."}` with status 200 (Slack).
    NeededField,
}

/// An answer of a host: what may say that scopes are missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostAnswer<'a> {
    pub status: u16,
    /// Each `WWW-Authenticate`.
    pub challenges: &'a [&'a str],
    /// `X-Accepted-OAuth-Scopes`.
    pub accepted: Option<&'a str>,
    /// `X-OAuth-Scopes`.
    pub held: Option<&'a str>,
    /// The body, if it was read.
    pub body: &'a [u8],
}

impl Provider {
    /// Whether an answer with this status can say in its body that scopes are missing.
    pub fn names_scopes_in_body(&self, status: u16) -> bool {
        match self.scope_errors {
            ScopeErrors::Standard | ScopeErrors::AcceptedScopes => false,
            ScopeErrors::ErrorReason => status == 403,
            ScopeErrors::NeededField => status == 200,
        }
    }

    /// The scopes for want of which a host refused a request; empty if it does not name them. None if
    /// it refused for another reason, or not at all. Of several that would suffice it is the one that
    /// gives least, as far as the catalogue knows.
    pub fn needed_scopes(&self, answer: &HostAnswer<'_>) -> Option<Scopes> {
        let standard = || challenged(answer);
        match self.scope_errors {
            ScopeErrors::Standard => standard(),
            ScopeErrors::AcceptedScopes => self.accepted(answer).or_else(standard),
            ScopeErrors::ErrorReason => match standard() {
                Some(scopes) => Some(self.least(&scopes)),
                None => has_reason(answer).then(Scopes::default),
            },
            ScopeErrors::NeededField => needed_field(answer).or_else(standard),
        }
    }

    fn accepted(&self, answer: &HostAnswer<'_>) -> Option<Scopes> {
        let accepted = Scopes::parse_any(answer.accepted?);
        let held = Scopes::parse_any(answer.held?);
        let lacks_all = accepted.iter().all(|scope| !held.contains(scope));
        let is_refused = answer.status == 403 && !accepted.is_empty() && lacks_all;
        is_refused.then(|| self.least(&bounded(accepted.iter())))
    }

    /// The scope among these that the catalogue lists first, or the first that is not marked as broad.
    fn least(&self, scopes: &Scopes) -> Scopes {
        let presets = self.scope_presets.iter().flat_map(|preset| &preset.scopes);
        let mut known = presets.map(String::as_str);
        let known = known.find(|scope| scopes.contains(scope) && !self.is_broad(scope));
        let narrow = || scopes.iter().find(|scope| !self.is_broad(scope));
        let least = known.or_else(narrow).or_else(|| scopes.iter().next());
        least.map(str::to_owned).into_iter().collect()
    }
}

fn challenged(answer: &HostAnswer<'_>) -> Option<Scopes> {
    if !matches!(answer.status, 401 | 403) {
        return None;
    }
    let mut challenges = answer.challenges.iter().flat_map(|it| token_challenges(it));
    let challenge = challenges
        .find(|params| params.get("error").map(String::as_str) == Some("insufficient_scope"))?;
    let scopes = challenge.get("scope").map_or("", String::as_str);
    Some(bounded(scopes.split_whitespace()))
}

fn has_reason(answer: &HostAnswer<'_>) -> bool {
    let details = json(answer.body)
        .filter(|_| answer.status == 403)
        .and_then(|json| json.pointer("/error/details")?.as_array().cloned());
    details.is_some_and(|details| {
        let mut reasons = details.iter().map(|detail| &detail["reason"]);
        reasons.any(|reason| reason == "ACCESS_TOKEN_SCOPE_INSUFFICIENT")
    })
}

fn needed_field(answer: &HostAnswer<'_>) -> Option<Scopes> {
    let json = json(answer.body).filter(|_| answer.status == 200)?;
    let lacks = json["ok"] == false && json["error"] == "missing_scope";
    let needed = json["needed"].as_str().unwrap_or_default();
    lacks.then(|| bounded(needed.split([',', ' '])))
}

fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

fn bounded<'a>(scopes: impl Iterator<Item = &'a str>) -> Scopes {
    let fit = scopes.filter(|scope| scope.len() <= MAX_SCOPE && is_scope_token(scope));
    fit.take(MAX_SCOPES).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::provider;

    fn needed(id: &str, answer: &HostAnswer<'_>) -> Option<String> {
        let scopes = provider(id).unwrap().needed_scopes(answer);
        scopes.map(|scopes| scopes.to_string())
    }

    fn challenge<'a>(status: u16, challenges: &'a [&'a str]) -> HostAnswer<'a> {
        HostAnswer {
            status,
            challenges,
            ..HostAnswer::default()
        }
    }

    #[test]
    fn the_standard_names_all_that_are_needed() {
        let header = [
            "Basic realm=\"x\"",
            "Bearer error=\"insufficient_scope\", scope=\"a b\"",
        ];
        for status in [401, 403] {
            let answer = challenge(status, &header);
            assert_eq!(needed("custom", &answer).as_deref(), Some("a b"));
        }
        assert_eq!(needed("custom", &challenge(200, &header)), None);
        let unnamed = ["Bearer error=\"insufficient_scope\""];
        assert_eq!(
            needed("custom", &challenge(403, &unnamed)).as_deref(),
            Some("")
        );
        for other in [
            "Bearer error=\"invalid_token\", scope=\"a\"",
            "Bearer scope=\"a\"",
        ] {
            assert_eq!(needed("custom", &challenge(401, &[other])), None);
        }
    }

    #[test]
    fn github_accepts_one_of_several() {
        let answer = |status, accepted, held| HostAnswer {
            status,
            accepted: Some(accepted),
            held: Some(held),
            ..HostAnswer::default()
        };
        let lacks = answer(403, "repo, public_repo", "gist, read:user");
        assert_eq!(needed("github", &lacks).as_deref(), Some("public_repo"));
        let admin = answer(403, "admin:org", "");
        assert_eq!(needed("github", &admin).as_deref(), Some("admin:org"));
        for other in [
            // A rate limit, a missing page, a request that needs no scope.
            answer(403, "repo, public_repo", "public_repo"),
            answer(404, "repo", "gist"),
            answer(403, "", "gist"),
        ] {
            assert_eq!(needed("github", &other), None);
        }
    }

    #[test]
    fn google_accepts_one_of_several_or_names_none() {
        let header = [
            "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\", \
             scope=\"https://mail.google.com/ https://www.googleapis.com/auth/gmail.modify \
             https://www.googleapis.com/auth/gmail.readonly\"",
        ];
        assert_eq!(
            needed("google", &challenge(403, &header)).as_deref(),
            Some("https://www.googleapis.com/auth/gmail.readonly")
        );
        let body = |reason: &str| {
            serde_json::json!({"error": {"code": 403, "status": "PERMISSION_DENIED",
                "details": [{"@type": "x"}, {"reason": reason}]}})
            .to_string()
        };
        let answer = |reason| {
            let body = body(reason);
            let answer = HostAnswer {
                status: 403,
                body: body.as_bytes(),
                ..HostAnswer::default()
            };
            needed("google", &answer)
        };
        assert_eq!(
            answer("ACCESS_TOKEN_SCOPE_INSUFFICIENT").as_deref(),
            Some("")
        );
        assert_eq!(answer("SERVICE_DISABLED"), None);
        assert!(provider("google").unwrap().names_scopes_in_body(403));
        assert!(!provider("google").unwrap().names_scopes_in_body(200));
    }

    #[test]
    fn slack_names_them_in_the_body() {
        let answer = |body: &'static str| HostAnswer {
            status: 200,
            body: body.as_bytes(),
            ..HostAnswer::default()
        };
        let lacks = r#"{"ok":false,"error":"missing_scope","needed":"chat:write,files:read","provided":"x"}"#;
        assert_eq!(
            needed("slack", &answer(lacks)).as_deref(),
            Some("chat:write files:read")
        );
        for other in [
            r#"{"ok":false,"error":"not_authed"}"#,
            r#"{"ok":true}"#,
            "",
            "x",
        ] {
            assert_eq!(needed("slack", &answer(other)), None);
        }
    }

    #[test]
    fn what_cannot_be_a_scope_is_left_out() {
        let long = "x".repeat(MAX_SCOPE + 1);
        let many: Vec<String> = (0..100).map(|n| format!("s{n}")).collect();
        let many = format!(" {}", many.join(" "));
        let header =
            format!("Bearer error=insufficient_scope, scope=\"a\u{202e}b {long} é{many}\"");
        let scopes = provider("custom")
            .unwrap()
            .needed_scopes(&challenge(403, &[&header]));
        let scopes = scopes.unwrap();
        assert_eq!(scopes.iter().count(), MAX_SCOPES);
        assert_eq!(scopes.iter().next(), Some("s0"));
    }
}
