//! Device grant (RFC 8628): `POST /device_authorization`, the page `/device`, and what polls get.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::client_auth::authenticate;
use crate::form::Form;
use crate::oauth_error::OAuthError;
use crate::pages::{self, DevicePage};
use crate::pushed::check_resource;
use crate::response::{html_page, json_response, prefers_json};
use crate::settings::{Client, Consent, Dialect, Settings};
use crate::shared::{self, Shared};
use crate::token::{require_form, split_scopes};

const LIFETIME: Duration = Duration::from_mins(10);
/// No vowels, so that no code is a word (RFC 8628, section 6.1).
const LETTERS: &[u8] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The device codes that wait for a decision or a poll.
#[derive(Debug, Default)]
pub(crate) struct DeviceCodes(HashMap<String, DeviceGrant>);

#[derive(Debug)]
struct DeviceGrant {
    client: String,
    user_code: String,
    scopes: Vec<String>,
    decision: Option<Decision>,
    expires_at: Instant,
    interval: Duration,
    last_poll: Instant,
}

#[derive(Debug, Clone)]
enum Decision {
    Denied,
    Allowed(Allowed),
}

/// What the person allowed.
#[derive(Debug, Clone)]
pub(crate) struct Allowed {
    pub(crate) account: String,
    pub(crate) scopes: Vec<String>,
}

impl DeviceCodes {
    /// What a poll with this code gets (RFC 8628, section 3.5). An allowed one is spent.
    pub(crate) fn poll(
        &mut self,
        code: &str,
        client: &str,
        settings: &Settings,
        now: Instant,
    ) -> Result<Allowed, OAuthError> {
        let found = self.0.get_mut(code).filter(|grant| grant.client == client);
        let Some(grant) = found else {
            return Err(OAuthError::InvalidCode("The device code is unknown."));
        };
        if now >= grant.expires_at {
            self.0.remove(code);
            return Err(OAuthError::ExpiredDeviceCode);
        }
        let since = now.duration_since(grant.last_poll);
        grant.last_poll = now;
        if since < grant.interval {
            grant.interval += Duration::from_secs(5);
            return Err(OAuthError::SlowDown);
        }
        let automatic = match &settings.consent {
            Consent::Ask => None,
            Consent::Deny => Some(Decision::Denied),
            Consent::Allow { account, scopes } => {
                let asked = grant.scopes.iter();
                let granted = asked
                    .filter(|scope| scopes.as_ref().is_none_or(|scopes| scopes.contains(scope)));
                Some(Decision::Allowed(Allowed {
                    account: account.clone(),
                    scopes: granted.cloned().collect(),
                }))
            }
        };
        match grant.decision.take().or(automatic) {
            None => Err(OAuthError::AuthorizationPending),
            Some(decision) => {
                self.0.remove(code);
                match decision {
                    Decision::Denied => Err(OAuthError::AccessDenied),
                    Decision::Allowed(allowed) => Ok(allowed),
                }
            }
        }
    }

    fn of_person(&mut self, user_code: &str, now: Instant) -> Option<&mut DeviceGrant> {
        let letters = |text: &str| text.replace('-', "").trim().to_ascii_uppercase();
        let entered = letters(user_code);
        let mut grants = self.0.values_mut();
        grants.find(|grant| {
            letters(&grant.user_code) == entered
                && now < grant.expires_at
                && grant.decision.is_none()
        })
    }
}

/// Begins a device grant (RFC 8628, section 3.1).
pub(crate) async fn authorization(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = shared.settings();
    match begin(&shared, &settings, &headers, &body) {
        Ok(body) => {
            let as_form = settings.dialect == Dialect::Github && !prefers_json(&headers);
            json_response(&body, as_form)
        }
        Err(error) => error.response(settings.dialect, &headers),
    }
}

fn begin(
    shared: &Shared,
    settings: &Settings,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, OAuthError> {
    require_form(headers)?;
    let form = Form::parse(body);
    let client = authenticate(shared, settings, headers, &form)?;
    check_resource(settings, &form)?;
    let scope = match settings.dialect {
        Dialect::Standard | Dialect::Github => form.one("scope")?,
        Dialect::Slack => form.one("user_scope")?,
    };
    let scopes = scope.map(|text| split_scopes(settings.dialect, text));
    let device_code = shared.mint(settings, "device");
    let user_code = user_code();
    let now = Instant::now();
    let grant = DeviceGrant {
        client: client.id.clone(),
        user_code: user_code.clone(),
        scopes: scopes.unwrap_or_default(),
        decision: None,
        expires_at: now + LIFETIME,
        interval: settings.device_interval(),
        last_poll: now,
    };
    shared.device_codes().0.insert(device_code.clone(), grant);
    let page = format!("{}/device", shared.issuer);
    Ok(json!({
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={user_code}"),
        "expires_in": LIFETIME.as_secs(),
        "interval": settings.device_interval().as_secs(),
    }))
}

/// The page on which the person enters the code.
pub(crate) async fn page(State(shared): State<Arc<Shared>>, RawQuery(query): RawQuery) -> Response {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let user_code = form.all("user_code").next().unwrap_or_default();
    let settings = shared.settings();
    let mut codes = shared.device_codes();
    let grant = codes.of_person(user_code, Instant::now());
    let client = grant.and_then(|grant| settings.client(&grant.client));
    html_page(pages::device(&DevicePage {
        client_name: client.map(Client::display_name),
        user_code,
        accounts: &settings.accounts,
    }))
}

/// What the person decided on the page.
pub(crate) async fn decision(State(shared): State<Arc<Shared>>, body: Bytes) -> Response {
    let form = Form::parse(&body);
    let field = |name| form.all(name).next().unwrap_or_default();
    let settings = shared.settings();
    let mut codes = shared.device_codes();
    let Some(grant) = codes.of_person(field("user_code"), Instant::now()) else {
        let page = html_page(pages::problem("This code is wrong or has expired."));
        return (StatusCode::BAD_REQUEST, page).into_response();
    };
    let account = field("account");
    let allows = field("decision") == "allow" && settings.account(account).is_some();
    grant.decision = Some(if allows {
        Decision::Allowed(Allowed {
            account: account.to_owned(),
            scopes: grant.scopes.clone(),
        })
    } else {
        Decision::Denied
    });
    html_page(pages::device_done(allows))
}

/// Eight letters with a dash in the middle.
fn user_code() -> String {
    let random = shared::random();
    let mut letters = random
        .bytes()
        .map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let mut half = || -> String { letters.by_ref().take(4).collect() };
    format!("{}-{}", half(), half())
}
