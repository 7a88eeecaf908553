//! Whose an API key is, and whether the provider takes it: asked where the provider can say, without a
//! client.

use serde_json::Value;
use valetkey_core::account::Subject;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::{Provider, Userinfo, UserinfoMethod};
use valetkey_core::secret::AccessToken;

use super::ProviderClient;
use super::account::{self, Identity, Told};

/// What a provider says about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCheck {
    /// It takes it.
    Accepted {
        /// The host that was asked.
        host: Option<String>,
        /// Whose it is.
        identity: Identity,
    },
    /// It does not.
    Refused,
    /// It did not say: not reached, or the key may not ask that.
    Unknown {
        /// Why.
        reason: String,
    },
    /// It has no endpoint that takes a key and says whose it is.
    NotAsked,
}

impl ProviderClient {
    /// Asks the provider whose this key is. Only a clear refusal counts as one: a key without the
    /// permission to ask that is answered with 403, and is as good as any.
    pub async fn check_key(
        &self,
        authenticator: &Authenticator,
        provider: &Provider,
        key: &AccessToken,
    ) -> KeyCheck {
        let userinfo = authenticator.userinfo(provider);
        let own = authenticator.overrides.userinfo_url.is_some();
        let userinfo = userinfo.filter(|it| {
            (provider.api_keys.userinfo || own) && it.method != UserinfoMethod::Introspect
        });
        let Some(userinfo) = userinfo else {
            return KeyCheck::NotAsked;
        };
        let auth = authenticator
            .key_auth(provider)
            .or(userinfo.auth.as_ref())
            .unwrap_or(&provider.api_auth);
        let Some(request) = account::as_api_request(&userinfo, auth, key) else {
            let reason = "no request can be sent to the userinfo URL".to_owned();
            return KeyCheck::Unknown { reason };
        };
        let answer = match self.send(request).await {
            Ok(answer) => answer,
            Err(error) => {
                let reason = error.reason;
                return KeyCheck::Unknown { reason };
            }
        };
        match account::told(&answer) {
            Told::Account(members) => KeyCheck::Accepted {
                host: EndpointUrl::parse(&userinfo.url).ok().map(|url| url.host()),
                identity: identity(authenticator, provider, &userinfo, &members),
            },
            Told::Refused => KeyCheck::Refused,
            Told::Nothing(reason) => KeyCheck::Unknown { reason },
        }
    }
}

fn identity(
    authenticator: &Authenticator,
    provider: &Provider,
    userinfo: &Userinfo,
    members: &Value,
) -> Identity {
    Identity {
        display_name: account::name(userinfo, members),
        subject: account::sub(userinfo, members).map(|sub| Subject {
            issuer: namespace(authenticator, provider, userinfo),
            sub,
        }),
    }
}

/// Who vouches for a `sub`: as for a sign-in, so that both name one account.
fn namespace(authenticator: &Authenticator, provider: &Provider, userinfo: &Userinfo) -> String {
    if let Ok(endpoints) = authenticator.endpoints(provider) {
        return account::namespace(provider, &endpoints);
    }
    let own = authenticator.overrides.issuer.as_ref();
    own.map(ToString::to_string)
        .or_else(|| EndpointUrl::parse(&userinfo.url).ok().map(|url| url.host()))
        .unwrap_or_else(|| provider.id.clone())
}
