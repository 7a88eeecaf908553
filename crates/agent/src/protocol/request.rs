//! Requests that carry secrets, built by `oauth2` and not sent by it.
//!
//! It knows the ways of client authentication (Basic is form-encoded before base64) and of PKCE; the
//! answers are read by `valetkey_core`. So it gets a client that hands the finished request back.

use ::http::{Request, Uri};
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, EndpointNotSet, EndpointSet, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, RevocationUrl, StandardRevocableToken, TokenUrl,
};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::ClientAuth;

use crate::client::Client;

/// `oauth2` refuses http where RFC 7009 does, even on loopback. Our URLs are checked already, and set
/// after it has built the request.
const PLACEHOLDER: &str = "https://endpoint.invalid/";

type Builder =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet>;

/// A request that could not be built; a matter of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no request can be sent to this URL")]
pub(super) struct NotBuilt;

/// The finished request, handed back as the "error" of a client that sends nothing.
#[derive(Debug, thiserror::Error)]
#[error("not sent")]
struct Built(Box<Request<Vec<u8>>>);

pub(super) fn exchange_code(
    client: &Client,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&PkceCodeVerifier>,
) -> Result<Request<Vec<u8>>, NotBuilt> {
    let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(|_| NotBuilt)?;
    let builder = builder(client, client.endpoints.client_auth).set_redirect_uri(redirect);
    let mut exchange = builder.exchange_code(AuthorizationCode::new(code.to_owned()));
    if let Some(verifier) = verifier {
        // Not `Clone` on purpose; the sign-in keeps its own until the exchange is over.
        exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().clone()));
    }
    aim(exchange.request(&hand_back), &client.endpoints.token_url)
}

pub(super) fn refresh(client: &Client, refresh_token: &str) -> Result<Request<Vec<u8>>, NotBuilt> {
    let token = RefreshToken::new(refresh_token.to_owned());
    let builder = builder(client, client.endpoints.client_auth);
    let refresh = builder.exchange_refresh_token(&token);
    aim(refresh.request(&hand_back), &client.endpoints.token_url)
}

/// RFC 7009; the client authenticates as `client_auth` says.
pub(super) fn revoke(
    client: &Client,
    client_auth: ClientAuth,
    url: &EndpointUrl,
    token: StandardRevocableToken,
) -> Result<Request<Vec<u8>>, NotBuilt> {
    let builder = builder(client, client_auth);
    let revocation = builder.revoke_token(token).map_err(|_| NotBuilt)?;
    aim(revocation.request(&hand_back), url)
}

fn builder(client: &Client, client_auth: ClientAuth) -> Builder {
    let placeholder = || PLACEHOLDER.to_owned();
    let auth_type = match client_auth {
        ClientAuth::ClientSecretBasic => AuthType::BasicAuth,
        ClientAuth::ClientSecretPost | ClientAuth::None => AuthType::RequestBody,
    };
    let builder = BasicClient::new(ClientId::new(client.authenticator.client_id.clone()))
        .set_auth_type(auth_type)
        .set_token_uri(TokenUrl::new(placeholder()).expect("a constant URL"))
        .set_revocation_url(RevocationUrl::new(placeholder()).expect("a constant URL"));
    match (&client.secret, client_auth) {
        (Some(secret), ClientAuth::ClientSecretBasic | ClientAuth::ClientSecretPost) => {
            builder.set_client_secret(oauth2::ClientSecret::new(secret.expose().to_owned()))
        }
        (Some(_) | None, _) => builder,
    }
}

fn hand_back(request: Request<Vec<u8>>) -> Result<oauth2::HttpResponse, Built> {
    Err(Built(Box::new(request)))
}

fn aim<T, E: oauth2::ErrorResponse>(
    built: Result<T, RequestTokenError<Built, E>>,
    url: &EndpointUrl,
) -> Result<Request<Vec<u8>>, NotBuilt> {
    let Err(RequestTokenError::Request(Built(mut request))) = built else {
        return Err(NotBuilt);
    };
    *request.uri_mut() = uri(url)?;
    Ok(*request)
}

/// The URL as a request target.
pub(super) fn uri(url: &EndpointUrl) -> Result<Uri, NotBuilt> {
    url.to_url().as_str().parse().map_err(|_| NotBuilt)
}
