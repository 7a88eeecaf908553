//! Revoking tokens, each provider's way (RFC 7009 and the catalogue's others).

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use serde::Serialize;
use valetkey_core::grant::Grant;
use valetkey_core::provider::{ClientAuth, RevocationMethod};
use valetkey_core::token_reply::Answer;

use super::{ProviderClient, Unreachable};
use crate::client::Client;

/// Nobody waits longer than this to be rid of a connection.
const LIMIT: Duration = Duration::from_secs(10);

/// Whether the provider knows that the tokens are to end. Honest: told to the person as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Revocation {
    /// It confirmed it, or the tokens were dead already (RFC 7009, section 2.2).
    Revoked,
    /// It has no way to do it.
    NotPossible(String),
    /// It could not be reached, or refused.
    Failed(String),
}

impl ProviderClient {
    /// Revokes the refresh token, then the access token if it still lives; within 10 s.
    pub async fn revoke(&self, client: &Client, grant: &Grant, now: Timestamp) -> Revocation {
        let Some(revocation) = &client.endpoints.revocation else {
            let note = client.provider.revocation_note.clone();
            let plain = || {
                format!(
                    "{} names no way to revoke tokens",
                    client.provider.display_name
                )
            };
            return Revocation::NotPossible(note.unwrap_or_else(plain));
        };
        let needs_secret = revocation.method == RevocationMethod::DeleteWithBasic;
        if needs_secret && client.secret.is_none() {
            let why = format!(
                "{} revokes only with the client secret, which Valet Key does not have",
                client.provider.display_name
            );
            return Revocation::NotPossible(why);
        }
        let all = async {
            for (token, hint) in tokens(revocation.method, grant, now) {
                let answer =
                    self.revoke_one(client, revocation.method, &revocation.url, token, hint);
                judge(revocation.method, &answer.await?)?;
            }
            Ok::<(), Unreachable>(())
        };
        match tokio::time::timeout(LIMIT, all).await {
            Ok(Ok(())) => Revocation::Revoked,
            Ok(Err(failed)) => Revocation::Failed(failed.reason),
            Err(_) => Revocation::Failed("the provider did not answer within 10 s".to_owned()),
        }
    }

    async fn revoke_one(
        &self,
        client: &Client,
        method: RevocationMethod,
        url: &str,
        token: &str,
        hint: &str,
    ) -> Result<Answer, Unreachable> {
        let id = client.authenticator.client_id.as_str();
        let secret = client
            .secret
            .as_ref()
            .map(valetkey_core::secret::ClientSecret::expose);
        let request = match method {
            RevocationMethod::Rfc7009 => {
                let mut form = vec![("token", token), ("token_type_hint", hint)];
                let basic = client.endpoints.client_auth == ClientAuth::ClientSecretBasic;
                let request = self.request(Method::POST, url)?;
                if let (true, Some(secret)) = (basic, secret) {
                    // RFC 6749, section 2.3.1: each half is form-encoded before it is joined.
                    request
                        .basic_auth(encoded(id), Some(encoded(secret)))
                        .form(&form)
                } else {
                    form.push(("client_id", id));
                    form.extend(secret.map(|secret| ("client_secret", secret)));
                    request.form(&form)
                }
            }
            RevocationMethod::TokenOnly => {
                self.request(Method::POST, url)?.form(&[("token", token)])
            }
            RevocationMethod::DeleteWithBasic => self
                .request(Method::DELETE, url)?
                .basic_auth(id, secret)
                .json(&serde_json::json!({ "access_token": token })),
            RevocationMethod::Bearer => self.request(Method::POST, url)?.bearer_auth(token),
        };
        let request = request
            .build()
            .map_err(|error| super::http::unreachable(&error))?;
        self.execute(request).await
    }
}

/// What is to be revoked, in order.
fn tokens(method: RevocationMethod, grant: &Grant, now: Timestamp) -> Vec<(&str, &str)> {
    let refresh = grant
        .refresh_token
        .as_ref()
        .map(|t| (t.expose(), "refresh_token"));
    let access = (grant.access_token.expose(), "access_token");
    match method {
        RevocationMethod::Rfc7009 => refresh
            .into_iter()
            .chain(grant.is_alive(now).then_some(access))
            .collect(),
        // Either ends the whole grant.
        RevocationMethod::TokenOnly => vec![refresh.unwrap_or(access)],
        RevocationMethod::DeleteWithBasic | RevocationMethod::Bearer => vec![access],
    }
}

/// Success, or "was dead already", or what went wrong.
fn judge(method: RevocationMethod, answer: &Answer) -> Result<(), Unreachable> {
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = said.get("error").and_then(serde_json::Value::as_str);
    let refused = said.get("ok") == Some(&serde_json::Value::Bool(false));
    let dead = matches!(
        error,
        Some(
            "invalid_token"
                | "token_revoked"
                | "token_expired"
                | "invalid_auth"
                | "account_inactive"
        )
    );
    let gone = method == RevocationMethod::DeleteWithBasic && matches!(answer.status, 404 | 422);
    if dead || gone || (answer.is_success() && !refused) {
        return Ok(());
    }
    let code: String = error
        .unwrap_or("")
        .chars()
        .filter(char::is_ascii_graphic)
        .take(60)
        .collect();
    let reason = format!("the provider answered HTTP {} {code}", answer.status);
    Err(Unreachable {
        reason: reason.trim_end().to_owned(),
        maybe_sent: true,
    })
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            body: body.as_bytes().to_vec().into(),
            ..Answer::default()
        }
    }

    #[test]
    fn a_dead_token_counts_as_revoked() {
        let rfc = RevocationMethod::Rfc7009;
        assert!(judge(rfc, &answer(200, "")).is_ok());
        assert!(judge(rfc, &answer(400, r#"{"error":"invalid_token"}"#)).is_ok());
        assert!(judge(RevocationMethod::DeleteWithBasic, &answer(404, "{}")).is_ok());
        let slack = RevocationMethod::Bearer;
        assert!(judge(slack, &answer(200, r#"{"ok":true,"revoked":true}"#)).is_ok());
        assert!(
            judge(
                slack,
                &answer(200, r#"{"ok":false,"error":"token_revoked"}"#)
            )
            .is_ok()
        );
    }

    #[test]
    fn a_refusal_is_no_revocation() {
        let rfc = RevocationMethod::Rfc7009;
        for refused in [
            answer(401, r#"{"error":"invalid_client"}"#),
            answer(503, ""),
            answer(302, ""),
            answer(200, r#"{"ok":false,"error":"fatal_error"}"#),
        ] {
            assert!(judge(rfc, &refused).is_err(), "{}", refused.status);
        }
    }
}
