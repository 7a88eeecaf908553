//! How the client becomes known at an authorization server: dynamic registration (RFC 7591, RFC 7592),
//! or a document about the client whose URL is the client id.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::failure::DiscoveryFailure;
use super::server::ServerMetadata;
use super::shown;
use crate::endpoint_url::EndpointUrl;
use crate::provider::ClientAuth;
use crate::redirect::{CALLBACK_PORT, LoopbackHost, RedirectUri};
use crate::secret::{ClientSecret, RegistrationToken};
use crate::token_error::one_line;

/// As servers show it to the person who consents.
const CLIENT_NAME: &str = "Valet Key";

/// A dynamic registration, as it is stored beside the client id that it brought. Its secrets are in the
/// keychain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Where the client is known; its id and secret are for no other server.
    pub issuer: String,
    /// Where it is deleted with the registration token, if the server has given both (RFC 7592).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub management_url: Option<EndpointUrl>,
    /// When the client secret ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_expires_at: Option<Timestamp>,
    /// When it was made.
    pub registered_at: Timestamp,
}

impl Registration {
    /// Whether the client secret has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.secret_expires_at.is_some_and(|end| end <= now)
    }
}

/// Whether a token endpoint's refusal says that the client is not known there (any more). Its reason
/// begins with the error code (RFC 6749, section 5.2).
pub fn is_unknown_client(reason: &str) -> bool {
    reason.split([' ', ':']).next() == Some("invalid_client")
}

/// The redirect URIs to register, in the order of the attempts: a server that refuses one set is asked
/// with the next. Of each set the last one is used.
///
/// Servers that follow RFC 8252 take any port for the one without; the others compare exactly, so the
/// one with the port is the one that is used.
pub fn redirect_attempts(given: Option<&RedirectUri>) -> Vec<Vec<RedirectUri>> {
    let fixed = |host| RedirectUri::Loopback {
        host,
        port: Some(CALLBACK_PORT),
        path: "/callback".to_owned(),
    };
    let Some(given) = given else {
        let usual = fixed(LoopbackHost::V4);
        return vec![
            vec![RedirectUri::ephemeral(), usual.clone()],
            vec![usual],
            vec![fixed(LoopbackHost::Localhost)],
        ];
    };
    match given {
        RedirectUri::Loopback {
            host,
            port: Some(_),
            path,
        } => {
            let without = RedirectUri::Loopback {
                host: *host,
                port: None,
                path: path.clone(),
            };
            vec![vec![without, given.clone()], vec![given.clone()]]
        }
        RedirectUri::Loopback { port: None, .. } | RedirectUri::Web(_) => {
            vec![vec![given.clone()]]
        }
    }
}

/// The body of a registration (RFC 7591, section 2). Public unless the server takes no public clients;
/// `with_codes`: also for the device grant.
pub fn registration_request(
    server: &ServerMetadata,
    redirect_uris: &[RedirectUri],
    with_codes: bool,
) -> Value {
    let offered = |method: &&str| server.auth_methods.iter().any(|own| own == *method);
    let auth_method = if server.takes_public_clients {
        "none"
    } else {
        // Servers built with the Python MCP SDK look for the client id in the body alone.
        let secrets = ["client_secret_post", "client_secret_basic"];
        secrets.into_iter().find(offered).unwrap_or("none")
    };
    let mut grant_types = vec!["authorization_code", "refresh_token"];
    if with_codes {
        grant_types.push("urn:ietf:params:oauth:grant-type:device_code");
    }
    json!({
        "client_name": CLIENT_NAME,
        "application_type": "native",
        "redirect_uris": redirect_uris.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "grant_types": grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": auth_method,
    })
}

/// A client that a server has registered. What it answered counts, whatever was asked for (RFC 7591,
/// section 3.2.1).
#[derive(Debug, PartialEq, Eq)]
pub struct Registered {
    /// The client id.
    pub client_id: String,
    /// Its secret, if it has to send one.
    pub client_secret: Option<ClientSecret>,
    /// How it authenticates.
    pub client_auth: ClientAuth,
    /// The redirect URI to use.
    pub redirect_uri: RedirectUri,
    /// False if the server has taken the refresh token from the grant types.
    pub may_refresh: bool,
    /// When the secret ends.
    pub secret_expires_at: Option<Timestamp>,
    /// Where it is deleted, and with what.
    pub management: Option<(EndpointUrl, RegistrationToken)>,
}

/// Why there is no registration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationRefused {
    /// Others may be taken.
    #[error("it refuses the redirect URIs{}", .reason.as_ref().map(|why| format!(" ({why})")).unwrap_or_default())]
    RedirectUris {
        /// What the server said.
        reason: Option<String>,
    },
    /// Another wish may be granted.
    #[error("{reason}")]
    Metadata {
        /// What the server said.
        reason: String,
    },
    /// It registers nobody, or not us.
    #[error("{reason}")]
    Refused {
        /// What the server said.
        reason: String,
    },
    /// What it registered cannot be used.
    #[error("{why}")]
    Unusable {
        /// What is wrong with it.
        why: String,
    },
}

impl Registered {
    /// Reads the answer to a registration of `asked`. What a server has registered, but in a way that
    /// cannot be used, comes with `Unusable` and where it is deleted.
    pub fn read(
        status: u16,
        body: &[u8],
        asked: &[RedirectUri],
        network: super::Network,
    ) -> Answer {
        let members: Option<Map<String, Value>> = serde_json::from_slice(body).ok();
        let text = |name: &str| {
            let value = members.as_ref()?.get(name)?.as_str()?;
            (!value.is_empty()).then(|| value.to_owned())
        };
        if !matches!(status, 200 | 201) {
            return Answer::refused(refusal(status, text("error"), text("error_description")));
        }
        let management = text("registration_client_uri")
            .and_then(|url| network.check(&url).ok())
            .zip(text("registration_access_token").map(RegistrationToken::new));
        let result = Self::from_members(members.as_ref(), &text, asked);
        match result {
            Ok(registered) => Answer {
                result: Ok(Self {
                    management,
                    ..registered
                }),
                unused: None,
            },
            Err(why) => Answer {
                result: Err(RegistrationRefused::Unusable { why }),
                unused: management,
            },
        }
    }

    fn from_members(
        members: Option<&Map<String, Value>>,
        text: &impl Fn(&str) -> Option<String>,
        asked: &[RedirectUri],
    ) -> Result<Self, String> {
        let members = members.ok_or("its answer is no JSON object")?;
        let client_id = text("client_id").ok_or("its answer holds no client id")?;
        if client_id
            .chars()
            .any(|c| c.is_control() || c.is_whitespace())
        {
            return Err("its answer holds no usable client id".to_owned());
        }
        let secret = text("client_secret").map(ClientSecret::new);
        let method = text("token_endpoint_auth_method");
        // RFC 7591, section 2: what an absent member means.
        let default = if secret.is_some() {
            "client_secret_basic"
        } else {
            "none"
        };
        let client_auth = match method.as_deref().unwrap_or(default) {
            "none" => ClientAuth::None,
            "client_secret_basic" => ClientAuth::ClientSecretBasic,
            "client_secret_post" => ClientAuth::ClientSecretPost,
            other => {
                return Err(format!(
                    "it wants client authentication by `{}`",
                    shown(other)
                ));
            }
        };
        let client_secret = match (client_auth, secret) {
            (ClientAuth::None, _) => None,
            (_, Some(secret)) if !secret.expose().chars().any(char::is_control) => Some(secret),
            (_, _) => return Err("it gave no usable client secret, but wants one".to_owned()),
        };
        let list = |name: &str| {
            let items = members.get(name)?.as_array()?.iter();
            Some(items.filter_map(Value::as_str).collect::<Vec<_>>())
                .filter(|list| !list.is_empty())
        };
        let taken = list("redirect_uris");
        let mut usable = asked.iter().rev();
        let redirect_uri = usable.find(|uri| {
            let uri = uri.to_string();
            taken
                .as_ref()
                .is_none_or(|taken| taken.contains(&uri.as_str()))
        });
        let redirect_uri = redirect_uri
            .ok_or("it registered other redirect URIs than those that were asked for")?;
        let grants = list("grant_types");
        let may = |grant: &str| grants.as_ref().is_none_or(|grants| grants.contains(&grant));
        if !may("authorization_code") {
            return Err("it registered a client that may not sign in with a browser".to_owned());
        }
        let expires = members
            .get("client_secret_expires_at")
            .and_then(Value::as_i64);
        let secret_expires_at = expires
            .filter(|seconds| *seconds > 0 && client_secret.is_some())
            .and_then(|seconds| Timestamp::from_second(seconds).ok());
        Ok(Self {
            client_id,
            client_secret,
            client_auth,
            redirect_uri: redirect_uri.clone(),
            may_refresh: may("refresh_token"),
            secret_expires_at,
            management: None,
        })
    }

    /// What is stored of it beside its secrets.
    pub fn registration(&self, issuer: &str, now: Timestamp) -> Registration {
        Registration {
            issuer: issuer.to_owned(),
            management_url: self.management.as_ref().map(|(url, _)| url.clone()),
            secret_expires_at: self.secret_expires_at,
            registered_at: now,
        }
    }
}

/// What a registration has brought.
#[derive(Debug)]
pub struct Answer {
    /// The client.
    pub result: Result<Registered, RegistrationRefused>,
    /// Where one is deleted that cannot be used.
    pub unused: Option<(EndpointUrl, RegistrationToken)>,
}

impl Answer {
    fn refused(refused: RegistrationRefused) -> Self {
        Self {
            result: Err(refused),
            unused: None,
        }
    }
}

fn refusal(status: u16, error: Option<String>, description: Option<String>) -> RegistrationRefused {
    let description = description.map(|text| shown(&one_line(&text)));
    if error.as_deref() == Some("invalid_redirect_uri") {
        return RegistrationRefused::RedirectUris {
            reason: description,
        };
    }
    let is_metadata = error.as_deref() == Some("invalid_client_metadata");
    let error = error.map_or_else(
        || format!("HTTP {status}"),
        |error| shown(&one_line(&error)),
    );
    let reason = match description {
        Some(description) => format!("{error}: {description}"),
        None => error,
    };
    if is_metadata {
        RegistrationRefused::Metadata { reason }
    } else {
        RegistrationRefused::Refused { reason }
    }
}

/// A document about the client, at the URL that is its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientMetadata {
    /// The redirect URI of it that we serve.
    pub redirect_uri: RedirectUri,
}

impl ClientMetadata {
    /// Checks the URL: https with a path.
    pub fn check_url(url: &str) -> Result<EndpointUrl, DiscoveryFailure> {
        let bad = |why: &str| DiscoveryFailure::BadClientMetadata {
            url: url.to_owned(),
            why: why.to_owned(),
        };
        let parsed = EndpointUrl::parse(url).map_err(|_| bad("it is no https URL"))?;
        let (_, path) = super::well_known::split(url);
        if matches!(path, "" | "/") || path.starts_with('?') {
            return Err(bad("the URL has no path"));
        }
        if path
            .split(['/', '?'])
            .any(|part| matches!(part, "." | ".."))
        {
            return Err(bad("the URL has `.` or `..` in its path"));
        }
        Ok(parsed)
    }

    /// Reads the document that was found at `url`.
    pub fn read(url: &EndpointUrl, body: &[u8]) -> Result<Self, DiscoveryFailure> {
        #[derive(Deserialize)]
        struct Document {
            client_id: String,
            client_name: Option<String>,
            #[serde(default)]
            redirect_uris: Vec<String>,
            token_endpoint_auth_method: Option<String>,
        }
        let bad = |why: String| DiscoveryFailure::BadClientMetadata {
            url: url.to_string(),
            why,
        };
        let document: Document = serde_json::from_slice(body)
            .map_err(|_| bad("it is no JSON document with a `client_id`".to_owned()))?;
        if document.client_id != url.as_str() {
            return Err(bad(format!(
                "its `client_id` is `{}`, not its own URL",
                shown(&document.client_id)
            )));
        }
        if document
            .client_name
            .is_none_or(|name| name.trim().is_empty())
        {
            return Err(bad("it has no `client_name`".to_owned()));
        }
        if let Some(method) = document
            .token_endpoint_auth_method
            .filter(|method| method != "none")
        {
            return Err(bad(format!(
                "its client authentication is `{}`, and a client of many people has no secret",
                shown(&method)
            )));
        }
        let mut ours = document
            .redirect_uris
            .iter()
            .filter_map(|uri| RedirectUri::parse(uri).ok());
        let redirect_uri = ours.find(|uri| matches!(uri, RedirectUri::Loopback { .. }));
        let redirect_uri = redirect_uri.ok_or_else(|| {
            bad("none of its `redirect_uris` is on this machine, such as `http://127.0.0.1/callback`".to_owned())
        })?;
        Ok(Self { redirect_uri })
    }
}

#[cfg(test)]
mod tests;
