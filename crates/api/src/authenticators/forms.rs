//! The shapes of the two bodies that [`DraftInput`](valetkey_core::draft::DraftInput) reads: for the
//! OpenAPI document only, never made.

use std::collections::BTreeMap;

use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// Body of `POST oauth/authenticators` (`?profile=`).
#[derive(ToSchema)]
pub struct NewAuthenticator {
    /// `google`, or a display name such as `Google` from which the name is made; absent: the
    /// provider's.
    pub name: Option<String>,
    /// Catalogue id.
    pub authenticator_type: String,
    /// OAuth client id.
    #[schema(schema_with = client_id)]
    pub client_id: Option<String>,
    /// Another name of `client_id`.
    #[schema(schema_with = app_id)]
    pub app_id: Option<String>,
    /// OAuth client secret.
    #[schema(write_only)]
    pub client_secret: Option<String>,
    /// Private key of the client (RFC 7523) instead of a secret: a PEM (PKCS#8), or a JWK as JSON.
    #[schema(write_only)]
    pub private_key: Option<String>,
    /// `authorization_code` (absent), `client_credentials` or `token_exchange`.
    pub grant_type: Option<String>,
    /// With `token_exchange`: the connection whose token is exchanged, such as `github/work`.
    pub subject: Option<String>,
    /// With `client_credentials` and `token_exchange`: for whom the token is.
    pub audience: Option<String>,
    /// With `token_exchange`: what it shall bring.
    pub requested_token_type: Option<String>,
    /// Scopes to ask for; absent: the provider's default ones.
    pub scopes: Option<Vec<String>>,
    /// Redirect URI; absent: the provider's default one.
    pub redirect_uri: Option<String>,
    /// Authorization endpoint, if the catalogue's does not fit.
    pub authorize_url: Option<String>,
    /// Token endpoint.
    pub token_url: Option<String>,
    /// Device authorization endpoint (RFC 8628).
    pub device_authorization_url: Option<String>,
    /// Pushed authorization request endpoint (RFC 9126); named, it is used at each sign-in.
    pub pushed_authorization_url: Option<String>,
    /// RFC 7009 endpoint.
    pub revocation_url: Option<String>,
    /// OpenID userinfo endpoint.
    pub userinfo_url: Option<String>,
    /// Issuer identifier.
    pub issuer: Option<String>,
    /// The service that tokens are for: an absolute URI without a fragment, sent as it is (RFC 8707).
    pub resource: Option<String>,
    /// Whether its provider issues tokens with fewer scopes at a refresh; absent: as the catalogue says.
    pub narrow_tokens: Option<bool>,
    /// `none`, `client_secret_basic`, `client_secret_post`, `secret_as_user`, `private_key_jwt` or
    /// `client_secret_jwt`.
    pub client_auth: Option<String>,
    /// To whom the client's assertions are addressed; absent: the issuer, or the token endpoint.
    pub assertion_audience: Option<String>,
    /// `required` or `preferred`: tokens are bound to a key of the connection (RFC 9449), which is then
    /// used through the proxy alone.
    pub dpop: Option<String>,
    /// Further authorize parameters.
    pub authorize_params: Option<BTreeMap<String, String>>,
    /// Values for the provider's placeholders (`{"tenant": "contoso.com"}`).
    pub placeholders: Option<BTreeMap<String, String>>,
    /// Hosts that the proxy may send tokens to (`api.example.com`); absent: the provider's.
    pub api_hosts: Option<Vec<String>>,
    /// The MCP server that tokens are for.
    pub mcp_server: Option<String>,
    /// PKCE counts as supported although the server does not say so.
    pub assume_pkce: Option<bool>,
    /// The URL that `oauth/discover` was asked about. Without a client id, a client is registered at
    /// the server, if it still says what the draft does. With a client secret and no `client_auth`,
    /// the server is asked how it takes the secret.
    pub discovered_from: Option<String>,
    /// True: no client is registered, and connections are made from API keys alone. A client id can
    /// complete it later.
    pub api_keys_only: Option<bool>,
    /// How API requests carry a key: `X-Api-Key`, or `Authorization: Token`; absent: as the provider's
    /// entry says.
    pub api_key_header: Option<String>,
}

/// Body of `PATCH oauth/authenticators/{id}`: absent keeps, null goes back to the provider's
/// default, a value sets. Connections stay signed in; a new client secret is used from the next
/// refresh on. With `?force=true` what is stored may go to other servers than before.
#[derive(ToSchema)]
pub struct AuthenticatorPatch {
    /// Enables or disables it.
    pub is_active: Option<bool>,
    /// True: uses the endpoints that the person's own file of its provider names now. Needs the same
    /// confirmation as other endpoints.
    pub accept_endpoints: Option<bool>,
    /// A new name; its connections take part.
    pub name: Option<String>,
    /// OAuth client id.
    #[schema(schema_with = client_id)]
    pub client_id: Option<String>,
    /// Another name of `client_id`.
    #[schema(schema_with = app_id)]
    pub app_id: Option<String>,
    /// A new client secret; null removes it.
    #[schema(write_only)]
    pub client_secret: Option<String>,
    /// A new private key; null removes it.
    #[schema(write_only)]
    pub private_key: Option<String>,
    /// `authorization_code`, `client_credentials` or `token_exchange`.
    pub grant_type: Option<String>,
    /// With `token_exchange`: the connection whose token is exchanged, such as `github/work`.
    pub subject: Option<String>,
    /// With `client_credentials` and `token_exchange`: for whom the token is.
    pub audience: Option<String>,
    /// With `token_exchange`: what it shall bring.
    pub requested_token_type: Option<String>,
    /// Scopes of the next sign-in.
    pub scopes: Option<Vec<String>>,
    /// Redirect URI.
    pub redirect_uri: Option<String>,
    /// Authorization endpoint.
    pub authorize_url: Option<String>,
    /// Token endpoint.
    pub token_url: Option<String>,
    /// Device authorization endpoint (RFC 8628).
    pub device_authorization_url: Option<String>,
    /// Pushed authorization request endpoint (RFC 9126); named, it is used at each sign-in.
    pub pushed_authorization_url: Option<String>,
    /// RFC 7009 endpoint.
    pub revocation_url: Option<String>,
    /// OpenID userinfo endpoint.
    pub userinfo_url: Option<String>,
    /// Issuer identifier.
    pub issuer: Option<String>,
    /// The service that tokens are for: an absolute URI without a fragment, sent as it is (RFC 8707).
    pub resource: Option<String>,
    /// Whether its provider issues tokens with fewer scopes at a refresh; absent: as the catalogue says.
    pub narrow_tokens: Option<bool>,
    /// `none`, `client_secret_basic`, `client_secret_post`, `secret_as_user`, `private_key_jwt` or
    /// `client_secret_jwt`.
    pub client_auth: Option<String>,
    /// To whom the client's assertions are addressed; absent: the issuer, or the token endpoint.
    pub assertion_audience: Option<String>,
    /// `required` or `preferred`: tokens are bound to a key of the connection (RFC 9449), which is then
    /// used through the proxy alone.
    pub dpop: Option<String>,
    /// Further authorize parameters; a null value takes one away.
    pub authorize_params: Option<BTreeMap<String, Option<String>>>,
    /// Values for the provider's placeholders; a null value takes one away.
    pub placeholders: Option<BTreeMap<String, Option<String>>>,
    /// Hosts that the proxy may send tokens to, instead of those before.
    pub api_hosts: Option<Vec<String>>,
    /// The MCP server that tokens are for.
    pub mcp_server: Option<String>,
    /// PKCE counts as supported although the server does not say so.
    pub assume_pkce: Option<bool>,
    /// True of an authenticator without a client; a client id ends it.
    pub api_keys_only: Option<bool>,
    /// How API requests carry a key.
    pub api_key_header: Option<String>,
}

fn client_id() -> Object {
    text_or_number("OAuth client id, which every client has; a number is read as its digits.")
}

fn app_id() -> Object {
    text_or_number("Another name of `client_id`.")
}

/// Client ids are often numbers, and written as such.
fn text_or_number(description: &str) -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Number]))
        .description(Some(description))
        .build()
}
