//! What to do about an error.

use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::scope::Scopes;

use super::AgentError;

impl AgentError {
    /// The sign-in that mends it, with the scopes to be asked for.
    pub fn sign_in(&self) -> Option<(InProfile<ConnectionName>, Scopes)> {
        if let Self::AuthRequired {
            connection,
            by_key: false,
            ..
        } = self
        {
            return Some((connection.clone(), Scopes::default()));
        }
        let Self::InsufficientScope {
            connection,
            missing,
            by_key: false,
        } = self
        else {
            return None;
        };
        Some((connection.clone(), missing.clone()))
    }

    /// What to do about it, where the error itself knows.
    #[expect(clippy::too_many_lines, reason = "one arm for each error")]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::InvalidRequest { hint, .. }
            | Self::NotFound { hint, .. }
            | Self::Conflict { hint, .. } => hint.clone(),
            Self::AuthRequired {
                connection,
                by_key: true,
                ..
            } => Some(format!(
                "make one at the provider, and give it with `valetkey connect {} --api-key-stdin`",
                connection.argument()
            )),
            Self::NoClient {
                authenticator,
                console_url,
            } => {
                let name = authenticator.argument();
                let at = console_url.as_deref().unwrap_or("the provider");
                Some(format!(
                    "register one at {at}, then run `valetkey update {name} --client-id ID`; or give a key: \
                     `valetkey connect {name} --api-key-stdin`"
                ))
            }
            Self::AuthRequired { connection, .. } => {
                Some(format!("run `valetkey connect {}`", connection.argument()))
            }
            Self::Disabled(authenticator) => {
                Some(format!("run `valetkey enable {}`", authenticator.argument()))
            }
            Self::ProxyOnly(connection) => Some(format!(
                "`valetkey proxy-url {0}` prints the URL that takes its place; `valetkey proxy-only {0} off` \
                 hands the token out again",
                connection.argument()
            )),
            Self::Bound(connection) => Some(format!(
                "`valetkey proxy-url {0}` prints the URL that takes its place: requests that go there get the \
                 token and its proof",
                connection.argument()
            )),
            Self::NotRefreshable(connection) => Some(format!(
                "use the token that it has; if that one is refused, `valetkey connect {}` brings a new one",
                connection.argument()
            )),
            Self::InsufficientScope {
                connection,
                by_key: true,
                ..
            } => Some(format!(
                "make a key that has them at the provider, and give it with `valetkey connect {} --api-key-stdin`",
                connection.argument()
            )),
            Self::InsufficientScope {
                connection,
                missing,
                by_key: false,
            } => Some(format!(
                "run `valetkey connect {} --scopes {}`",
                connection.argument(),
                missing.join(",")
            )),
            Self::NotNarrowable { reason: None, .. } => Some(
                "leave `only_scopes` out; if the provider narrows tokens at a refresh, \
                 `valetkey update NAME --narrow-tokens true` says so"
                    .to_owned(),
            ),
            Self::NotNarrowable { reason: Some(_), .. } => Some(
                "leave `only_scopes` out, or allow the program all scopes under Access".to_owned(),
            ),
            Self::ClientMisconfigured {
                authenticator,
                is_forgotten: true,
                ..
            } => Some(format!(
                "run `valetkey connect {}` again: a client is then registered anew",
                authenticator.argument()
            )),
            Self::ClientMisconfigured {
                console_url,
                authenticator,
                ..
            } => {
                let at_provider = console_url.as_deref().unwrap_or("those at the provider");
                Some(format!(
                    "compare client ID and client secret with {at_provider}; `valetkey update {} \
                     --client-secret-stdin` sets another secret",
                    authenticator.argument()
                ))
            }
            Self::KeychainLocked(_) => Some(
                "unlock the keychain, or answer what it asks, and try again; nothing is lost"
                    .to_owned(),
            ),
            Self::KeychainUnavailable(_) => Some(
                "start a keychain (such as GNOME Keyring), or choose \
                 `valetkey serve --secret-store file` (encrypted) or `--secret-store memory` (a trial)"
                    .to_owned(),
            ),
            Self::KeychainDenied(_) => Some(
                "allow Valet Key in the keychain's settings, or say yes when it asks, and try again; \
                 nothing is lost"
                    .to_owned(),
            ),
            Self::KeychainBroken(_) => Some(
                "restart the keychain and Valet Key; if what it holds is damaged or gone, restore it \
                 from a backup"
                    .to_owned(),
            ),
            Self::DiskFull(_) => Some(
                "free some space and try again; nothing that was stored is lost".to_owned(),
            ),
            Self::NotAllowed(refused) => Some(refused.hint()),
            Self::NotConfirmed { denied: false, .. } => {
                Some("try again, and answer in the window that opens".to_owned())
            }
            Self::Paused => Some("run `valetkey resume`".to_owned()),
            Self::ProviderUnreachable {
                bad_certificate: true,
                ..
            } => Some(
                "check the date, and the proxy or login page of this network; an authority of your own goes into the system's trust store"
                    .to_owned(),
            ),
            Self::ProviderUnreachable { .. } => {
                Some("try again later; Valet Key retries automatically".to_owned())
            }
            Self::ServerUnreachable { .. } => {
                Some("check the address and the network, and try again; nothing was stored".to_owned())
            }
            Self::RegistrationLeft { error, .. } => error.hint(),
            Self::RateLimited { .. } => Some("finish or cancel one; each ends by itself after five minutes".to_owned()),
            Self::Stopping => Some("try again once it has started anew".to_owned()),
            Self::Internal(_) => Some(
                "the log file says more; if it is not the disk, please report it"
                    .to_owned(),
            ),
            // Each problem says its own; who declined knows what to do.
            Self::BadDraft(_) | Self::NotConfirmed { denied: true, .. } => None,
        }
    }
}
