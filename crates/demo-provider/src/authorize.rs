//! `GET /authorize` and the decision of the consent page.
//!
//! The page keeps no state here: it carries the query of the request, which the decision checks
//! again from the start.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use url::Url;

use crate::answer::page;
use crate::form::{Form, Repeated};
use crate::grant::Approval;
use crate::pages;
use crate::redirect_uri::is_allowed;
use crate::settings::{Client, Consent, Dialect, Pkce, Settings};
use crate::shared::Shared;
use crate::token::split_scopes;

/// A request that may be put before a person.
pub(crate) struct Asked<'s> {
    pub(crate) client: &'s Client,
    pub(crate) scopes: Vec<String>,
    pub(crate) login_hint: Option<String>,
    challenge: Option<String>,
    nonce: Option<String>,
    back: Back,
}

/// Where the answer goes, and what it must carry.
struct Back {
    redirect_uri: String,
    url: Url,
    state: Option<String>,
    iss: Option<String>,
}

impl Back {
    /// 303, so that the browser follows with GET also after a form.
    fn redirect(&self, params: &[(&str, &str)]) -> Response {
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

    fn refuse(&self, error: &str, description: &str) -> Response {
        self.redirect(&[("error", error), ("error_description", description)])
    }
}

pub(crate) async fn authorize(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
) -> Response {
    let settings = shared.settings();
    let query = query.unwrap_or_default();
    let asked = match check(&shared, &settings, &Form::parse(query.as_bytes())) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    match &settings.consent {
        Consent::Ask => page(pages::consent(&asked, &query, &settings.accounts)),
        Consent::Deny => deny(&asked),
        Consent::Allow { account, scopes } => {
            let granted =
                |scope: &&String| scopes.as_ref().is_none_or(|scopes| scopes.contains(scope));
            let scopes = asked.scopes.iter().filter(granted).cloned().collect();
            allow(&shared, &settings, asked, account, scopes)
        }
    }
}

pub(crate) async fn decision(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let settings = shared.settings();
    let form = Form::parse(&body);
    let query = form.all("request").next().unwrap_or_default();
    let asked = match check(&shared, &settings, &Form::parse(query.as_bytes())) {
        Ok(asked) => asked,
        Err(answer) => return *answer,
    };
    if form.all("decision").next() != Some("allow") {
        return deny(&asked);
    }
    let ticked: Vec<&str> = form.all("scope").collect();
    let scopes = asked
        .scopes
        .iter()
        .filter(|scope| ticked.contains(&scope.as_str()))
        .cloned()
        .collect();
    let account = form.all("account").next().unwrap_or_default().to_owned();
    allow(&shared, &settings, asked, &account, scopes)
}

/// A fault's refusal: as a redirect if the request is good enough for one.
pub(crate) fn refuse(shared: &Shared, form: &Form, error: &str, description: &str) -> Response {
    let settings = shared.settings();
    let nested = form
        .all("request")
        .next()
        .map(|query| Form::parse(query.as_bytes()));
    match check(shared, &settings, nested.as_ref().unwrap_or(form)) {
        Ok(asked) => asked.back.refuse(error, description),
        Err(answer) => *answer,
    }
}

fn deny(asked: &Asked<'_>) -> Response {
    asked.back.refuse("access_denied", "The person said no.")
}

fn allow(
    shared: &Shared,
    settings: &Settings,
    asked: Asked<'_>,
    account: &str,
    scopes: Vec<String>,
) -> Response {
    if settings.account(account).is_none() {
        return asked
            .back
            .refuse("server_error", "There is no such account.");
    }
    let approval = Approval {
        client: asked.client.id.clone(),
        account: account.to_owned(),
        scopes,
        redirect_uri: asked.back.redirect_uri.clone(),
        challenge: asked.challenge,
        nonce: asked.nonce,
    };
    let code = shared.approve(settings, approval);
    asked.back.redirect(&[("code", &code)])
}

/// Errors before the redirect address is trusted are a page; later ones a redirect (RFC 6749
/// section 4.1.2.1).
fn check<'s>(
    shared: &Shared,
    settings: &'s Settings,
    form: &Form,
) -> Result<Asked<'s>, Box<Response>> {
    let (client, back) = check_back(shared, settings, form).map_err(|problem| {
        let answer = (StatusCode::BAD_REQUEST, page(pages::problem(&problem))).into_response();
        Box::new(answer)
    })?;
    match check_rest(settings, form) {
        Ok(rest) => Ok(Asked {
            client,
            scopes: rest.scopes,
            login_hint: rest.login_hint,
            challenge: rest.challenge,
            nonce: rest.nonce,
            back,
        }),
        Err((error, description)) => Err(Box::new(back.refuse(error, &description))),
    }
}

fn check_back<'s>(
    shared: &Shared,
    settings: &'s Settings,
    form: &Form,
) -> Result<(&'s Client, Back), String> {
    let one = |name| {
        form.one(name)
            .map_err(|Repeated(name)| format!("{name} stands there twice."))
    };
    let id = one("client_id")?.ok_or("The request names no client_id.")?;
    let client = settings
        .client(id)
        .ok_or("No client with this client_id is registered here.")?;
    let redirect_uri = one("redirect_uri")?.ok_or("The request names no redirect_uri.")?;
    let url = Url::parse(redirect_uri).map_err(|_| "The redirect_uri is not an address.")?;
    if !is_allowed(client, redirect_uri, &url) {
        return Err("The redirect_uri is not registered for this client.".to_owned());
    }
    let back = Back {
        redirect_uri: redirect_uri.to_owned(),
        url,
        state: one("state")?.map(ToOwned::to_owned),
        iss: settings.send_iss.then(|| shared.issuer.clone()),
    };
    Ok((client, back))
}

struct Rest {
    scopes: Vec<String>,
    login_hint: Option<String>,
    challenge: Option<String>,
    nonce: Option<String>,
}

fn check_rest(settings: &Settings, form: &Form) -> Result<Rest, (&'static str, String)> {
    let one = |name| {
        form.one(name)
            .map_err(|Repeated(name)| ("invalid_request", format!("{name} stands there twice.")))
    };
    let invalid = |text: &str| Err(("invalid_request", text.to_owned()));
    match one("response_type")? {
        Some("code") => {}
        Some(_) => {
            let text = "Only response_type=code is spoken here.".to_owned();
            return Err(("unsupported_response_type", text));
        }
        None => return invalid("response_type is missing."),
    }
    let challenge = one("code_challenge")?;
    let method = one("code_challenge_method")?;
    match (settings.pkce, challenge, method) {
        (Pkce::Required, None, _) => return invalid("code_challenge is missing."),
        (Pkce::Refused, Some(_), _) => return invalid("code_challenge is not understood."),
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
    Ok(Rest {
        scopes: scope
            .map(|text| split_scopes(settings.dialect, text))
            .unwrap_or_default(),
        login_hint: one("login_hint")?.map(ToOwned::to_owned),
        challenge: challenge.map(ToOwned::to_owned),
        nonce: one("nonce")?.map(ToOwned::to_owned),
    })
}
