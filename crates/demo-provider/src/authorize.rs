//! `GET /authorize` and the decision of the consent page.
//!
//! The server keeps no state for an open page: the page carries the query of the request, and the
//! decision validates it again.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::Url;

use crate::form::{Form, Repeated};
use crate::grant::Approval;
use crate::pages::{self, ConsentPage};
use crate::pushed::{self, check_resource};
use crate::redirect_uri::is_allowed;
use crate::response::html_page;
use crate::settings::{Client, Consent, Dialect, Dpop, Pkce, Settings};
use crate::shared::Shared;
use crate::token::split_scopes;

/// A valid authorization request.
struct AuthorizationRequest<'s> {
    client: &'s Client,
    parameters: Parameters,
    redirect: RedirectTarget,
}

/// Where the response is redirected, and what every redirect carries.
struct RedirectTarget {
    redirect_uri: String,
    url: Url,
    state: Option<String>,
    iss: Option<String>,
}

impl RedirectTarget {
    /// 303, so that the browser follows with GET also after a form post.
    fn response(&self, params: &[(&str, &str)]) -> Response {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(params);
            if let Some(state) = &self.state {
                query.append_pair("state", state);
            }
            if let Some(iss) = &self.iss {
                query.append_pair("iss", iss);
            }
        }
        let headers = [
            (header::LOCATION, url.as_str()),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    }

    fn error(&self, error: &str, description: &str) -> Response {
        self.response(&[("error", error), ("error_description", description)])
    }
}

pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    let settings = shared.settings();
    let query = match pushed::resolve(&shared, &settings, query.unwrap_or_default()) {
        Ok(query) => query,
        Err(problem) => {
            let page = html_page(pages::problem(&problem));
            return (StatusCode::BAD_REQUEST, page).into_response();
        }
    };
    let request = match check(&shared, &settings, &Form::parse(query.as_bytes())) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    match &settings.consent {
        Consent::Ask => html_page(pages::consent(&ConsentPage {
            client_name: request.client.display_name(),
            query: &query,
            scopes: &request.parameters.scopes,
            login_hint: request.parameters.login_hint.as_deref(),
            accounts: &settings.accounts,
        })),
        Consent::Deny => deny(&request.redirect),
        Consent::Allow { account, scopes } => {
            let granted =
                |scope: &&String| scopes.as_ref().is_none_or(|scopes| scopes.contains(scope));
            let scopes = &request.parameters.scopes;
            let scopes = scopes.iter().filter(granted).cloned().collect();
            allow(&shared, &settings, request, account, scopes)
        }
    }
}

pub(crate) async fn decision(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let settings = shared.settings();
    let form = Form::parse(&body);
    let query = form.all("request").next().unwrap_or_default();
    let request = match check(&shared, &settings, &Form::parse(query.as_bytes())) {
        Ok(request) => request,
        Err(response) => return *response,
    };
    if form.all("decision").next() != Some("allow") {
        return deny(&request.redirect);
    }
    let ticked: Vec<&str> = form.all("scope").collect();
    let scopes = request
        .parameters
        .scopes
        .iter()
        .filter(|scope| ticked.contains(&scope.as_str()))
        .cloned()
        .collect();
    let account = form.all("account").next().unwrap_or_default().to_owned();
    allow(&shared, &settings, request, &account, scopes)
}

/// The error of a fault: a redirect if the request names a valid one.
pub(crate) fn error_redirect(
    shared: &Shared,
    form: &Form,
    error: &str,
    description: &str,
) -> Response {
    let settings = shared.settings();
    let nested = form
        .all("request")
        .next()
        .map(|query| Form::parse(query.as_bytes()));
    match check(shared, &settings, nested.as_ref().unwrap_or(form)) {
        Ok(request) => request.redirect.error(error, description),
        Err(response) => *response,
    }
}

fn deny(redirect: &RedirectTarget) -> Response {
    redirect.error("access_denied", "The user denied access.")
}

fn allow(
    shared: &Shared,
    settings: &Settings,
    request: AuthorizationRequest<'_>,
    account: &str,
    scopes: Vec<String>,
) -> Response {
    if settings.account(account).is_none() {
        return request
            .redirect
            .error("server_error", "There is no such account.");
    }
    let approval = Approval {
        client: request.client.id.clone(),
        account: account.to_owned(),
        scopes,
        redirect_uri: request.redirect.redirect_uri.clone(),
        challenge: request.parameters.challenge,
        nonce: request.parameters.nonce,
        jkt: request.parameters.jkt,
    };
    let code = shared.approve(settings, approval);
    request.redirect.response(&[("code", &code)])
}

/// Errors before the redirect URI is validated are a page, later ones a redirect (RFC 6749 section
/// 4.1.2.1).
fn check<'s>(
    shared: &Shared,
    settings: &'s Settings,
    form: &Form,
) -> Result<AuthorizationRequest<'s>, Box<Response>> {
    let (client, redirect) = check_redirect(shared, settings, form).map_err(|problem| {
        let page = html_page(pages::problem(&problem));
        Box::new((StatusCode::BAD_REQUEST, page).into_response())
    })?;
    match check_parameters(settings, form) {
        Ok(parameters) => Ok(AuthorizationRequest {
            client,
            parameters,
            redirect,
        }),
        Err((error, description)) => Err(Box::new(redirect.error(error, &description))),
    }
}

fn check_redirect<'s>(
    shared: &Shared,
    settings: &'s Settings,
    form: &Form,
) -> Result<(&'s Client, RedirectTarget), String> {
    let one = |name| {
        form.one(name)
            .map_err(|Repeated(name)| format!("{name} is repeated."))
    };
    let id = one("client_id")?.ok_or("The request names no client_id.")?;
    let client = settings
        .client(id)
        .ok_or("No client with this client_id is registered here.")?;
    let redirect_uri = one("redirect_uri")?.ok_or("The request names no redirect_uri.")?;
    let url = Url::parse(redirect_uri).map_err(|_| "The redirect_uri is not a URI.")?;
    if !is_allowed(client, redirect_uri, &url) {
        return Err("The redirect_uri is not registered for this client.".to_owned());
    }
    let redirect = RedirectTarget {
        redirect_uri: redirect_uri.to_owned(),
        url,
        state: one("state")?.map(ToOwned::to_owned),
        iss: settings.send_iss.then(|| shared.issuer.clone()),
    };
    Ok((client, redirect))
}

struct Parameters {
    scopes: Vec<String>,
    login_hint: Option<String>,
    challenge: Option<String>,
    nonce: Option<String>,
    jkt: Option<String>,
}

fn check_parameters(
    settings: &Settings,
    form: &Form,
) -> Result<Parameters, (&'static str, String)> {
    let one = |name| {
        form.one(name)
            .map_err(|Repeated(name)| ("invalid_request", format!("{name} is repeated.")))
    };
    let invalid = |text: &str| Err(("invalid_request", text.to_owned()));
    match one("response_type")? {
        Some("code") => {}
        Some(_) => {
            let text = "Only response_type=code is supported.".to_owned();
            return Err(("unsupported_response_type", text));
        }
        None => return invalid("response_type is missing."),
    }
    if check_resource(settings, form).is_err() {
        let text = "This resource is not served here.".to_owned();
        return Err(("invalid_target", text));
    }
    let challenge = one("code_challenge")?;
    let method = one("code_challenge_method")?;
    match (settings.pkce, challenge, method) {
        (Pkce::Required, None, _) => return invalid("code_challenge is missing."),
        (Pkce::Refused, Some(_), _) => return invalid("code_challenge is not supported."),
        (Pkce::Required | Pkce::Optional, Some(_), Some("S256"))
        | (Pkce::Optional | Pkce::Refused, None, _) => {}
        (Pkce::Required | Pkce::Optional, Some(_), _) => {
            return invalid("code_challenge_method must be S256.");
        }
    }
    let scope = match settings.dialect {
        Dialect::Standard | Dialect::Github => one("scope")?,
        Dialect::Slack => one("user_scope")?,
    };
    Ok(Parameters {
        scopes: scope
            .map(|text| split_scopes(settings.dialect, text))
            .unwrap_or_default(),
        login_hint: one("login_hint")?.map(ToOwned::to_owned),
        challenge: challenge.map(ToOwned::to_owned),
        nonce: one("nonce")?.map(ToOwned::to_owned),
        jkt: one("dpop_jkt")?
            .filter(|_| settings.dpop != Dpop::Ignored)
            .map(ToOwned::to_owned),
    })
}
