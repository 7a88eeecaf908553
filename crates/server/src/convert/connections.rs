//! `AuthenticatorView`, `ConnectionView` and `Disconnected`; names and labels in requests.

use valetkey_agent as agent;
use valetkey_agent::AuthenticatorKey;
use valetkey_agent::protocol;
use valetkey_api::authenticators::AuthenticatorView;
use valetkey_api::connections::{
    AccountView, ApiKeyView, ConnectionView, Disconnected, NeededScopes, OAuthOffer, Revocation,
};
use valetkey_api::core::name::{AccountLabel, InProfile, ProfileName};
use valetkey_api::core::provider::broad_scopes;
use valetkey_api::core::proxy_settings::Methods;
use valetkey_api::{ApiError, ErrorCode};

use crate::error_response::ErrorResponse;

/// A connection, without its secrets.
pub(crate) fn connection(view: agent::ConnectionView) -> ConnectionView {
    let row = view.row;
    ConnectionView {
        id: row.id,
        authenticator: view.name.authenticator.clone(),
        name: view.name,
        profile: view.profile,
        authenticator_id: row.authenticator,
        provider: view.provider.id.clone(),
        provider_name: view.provider_name,
        account: AccountView {
            label: row.account.label,
            display_name: row.account.display_name,
            subject: row.account.subject,
        },
        status: row.state.status,
        missing_scopes: row.asked_scopes.missing_from(&row.scopes),
        broad_scopes: broad_scopes(&view.provider.broad_scopes, &row.scopes),
        needed_scopes: row.needed.map(|needed| NeededScopes {
            is_offered: needed.is_offered(),
            scopes: needed.scopes,
            host: needed.host,
            at: needed.at,
            tries: needed.tries,
        }),
        asked_scopes: row.asked_scopes,
        scopes: row.scopes,
        issued_at: row.issued_at,
        expires_at: row.expires_at,
        refresh_due_at: view.refreshes_at,
        refresh_expires_at: row.refresh_expires_at,
        refreshable: row.refreshable,
        unsaved: view.unsaved,
        keep_warm: row.keep_warm,
        proxy_only: row.proxy.only || view.is_bound,
        allowed_methods: row.proxy.methods,
        api_hosts: view.api_hosts,
        api_key: view.api_key.map(api_key),
        refresh_error: row.refresh_error,
        failed_sign_in: view.failed_sign_in.map(super::sign_in::failed),
        generation: row.state.generation,
        created_at: row.created_at,
        used_at: row.used_at,
    }
}

fn api_key(key: agent::ApiKeyView) -> ApiKeyView {
    ApiKeyView {
        name: key.name,
        page: key.page,
        oauth: key.oauth.map(|offer| match offer {
            agent::OAuthOffer::Ready => OAuthOffer::Ready,
            agent::OAuthOffer::NeedsClient => OAuthOffer::NeedsClient,
        }),
    }
}

/// An authenticator, with those of `connections` that are its own.
pub(crate) fn authenticator(
    view: &agent::AuthenticatorView,
    connections: &[agent::ConnectionView],
) -> AuthenticatorView {
    let own = connections
        .iter()
        .filter(|connection| connection.row.authenticator == view.authenticator.id)
        .map(|connection| connection.name.clone());
    AuthenticatorView {
        failed_sign_in: view.failed_sign_in.clone().map(super::sign_in::failed),
        ..AuthenticatorView::new(&view.authenticator, own.collect())
    }
}

/// What is gone, and whether the provider knows.
pub(crate) fn disconnected(gone: agent::Disconnected) -> Disconnected {
    Disconnected {
        id: gone.id,
        name: gone.connection,
        profile: gone.profile,
        revocation: match gone.revocation {
            protocol::Revocation::Revoked => Revocation::Revoked,
            protocol::Revocation::NotPossible(reason) => Revocation::NotPossible { reason },
            protocol::Revocation::Failed(reason) => Revocation::Failed { reason },
        },
    }
}

/// The provider was asked and does not take the token.
pub(crate) fn token_refused(view: &agent::ConnectionView, refreshed: bool) -> ErrorResponse {
    let (name, provider) = (&view.name, &view.provider_name);
    let command = InProfile::new(view.profile.clone(), name).argument();
    if let Some(key) = &view.api_key {
        let message = format!("{provider} does not take the {} of `{name}`", key.name);
        return ApiError::new(ErrorCode::AuthRequired, message)
            .reason("the userinfo endpoint refused it")
            .hint(format!(
                "run `valetkey connect {command} --api-key-stdin` with another one"
            ))
            .into();
    }
    let message = format!("{provider} does not take the token of `{name}`");
    ApiError::new(ErrorCode::AuthRequired, message)
        .reason(if refreshed {
            "the userinfo endpoint refused it, also after a refresh"
        } else {
            "the userinfo endpoint refused it, and there is no refresh token"
        })
        .hint(format!("run `valetkey connect {command}`"))
        .into()
}

/// The provider could not be asked.
pub(crate) fn test_unreachable(view: &agent::ConnectionView, reason: String) -> ErrorResponse {
    let message = format!("{} cannot be reached now", view.provider_name);
    ApiError::new(ErrorCode::ProviderUnreachable, message)
        .reason(reason)
        .hint("try again later; the login is kept")
        .into()
}

/// Reads an account label.
pub(crate) fn label(text: &str) -> Result<AccountLabel, ErrorResponse> {
    text.parse::<AccountLabel>().map_err(|error| {
        ErrorResponse::invalid(error.to_string(), "use a short word, such as `work`")
    })
}

/// Reads the methods that the proxy passes on.
pub(crate) fn methods(words: &[String]) -> Result<Methods, ErrorResponse> {
    Methods::parse(words).map_err(|error| {
        ErrorResponse::invalid(error.to_string(), "name some, such as `GET` and `HEAD`")
    })
}

/// Reads the name or id of an authenticator.
pub(crate) fn authenticator_key(
    name: &str,
    profile: Option<ProfileName>,
) -> Result<AuthenticatorKey, ErrorResponse> {
    AuthenticatorKey::parse(name, profile.unwrap_or_default())
        .map_err(|error| ErrorResponse::invalid(error.to_string(), "`valetkey list` lists them"))
}
