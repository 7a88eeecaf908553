//! Which routes and fields may widen what programs can do.

use std::collections::BTreeSet;

use serde_json::Value;

/// Routes that change something, and those of them that may widen.
const WIDENING: &[(&str, &str)] = &[
    ("delete", "/api/v1/rules/{id}"),
    ("patch", "/api/v1/credentials/connections/{id}"),
    ("patch", "/api/v1/oauth/authenticators/{id}"),
    ("patch", "/api/v1/settings"),
    ("post", "/api/v1/clients"),
    ("post", "/api/v1/clients/{id}/confirm"),
    // A key may take the place of a login.
    ("post", "/api/v1/credentials/connections"),
    ("post", "/api/v1/oauth/export"),
    ("post", "/api/v1/resume"),
    ("post", "/api/v1/rules/{id}/confirm"),
    ("post", "/api/v1/shutdown"),
];

/// Those that widen nothing, and why.
const NOT_WIDENING: &[(&str, &str, &str)] = &[
    ("delete", "/api/v1/clients/{id}", "takes access away"),
    (
        "delete",
        "/api/v1/credentials/connections/{id}",
        "takes access away",
    ),
    (
        "delete",
        "/api/v1/credentials/sessions/{id}",
        "ends a sign-in",
    ),
    (
        "delete",
        "/api/v1/oauth/authenticators/{id}",
        "takes access away",
    ),
    (
        "post",
        "/api/v1/approvals/{id}/answer",
        "refused while the app runs",
    ),
    (
        "post",
        "/api/v1/approvals/{id}/show",
        "opens the app's own window",
    ),
    (
        "post",
        "/api/v1/credentials/connections/{id}/invalidate",
        "rules decide",
    ),
    (
        "post",
        "/api/v1/credentials/connections/{id}/refresh",
        "rules decide",
    ),
    (
        "post",
        "/api/v1/credentials/connections/{id}/test",
        "returns no token",
    ),
    (
        "post",
        "/api/v1/credentials/connections/{id}/token",
        "rules decide",
    ),
    (
        "post",
        "/api/v1/credentials/sessions/{id}/callback",
        "the person signed in at the provider",
    ),
    ("post", "/api/v1/doctor", "changes nothing"),
    ("post", "/api/v1/events/verify", "changes nothing"),
    (
        "post",
        "/api/v1/oauth/authenticators",
        "it has no login yet",
    ),
    ("post", "/api/v1/oauth/discover", "changes nothing"),
    ("post", "/api/v1/pause", "takes access away"),
    ("post", "/api/v1/window", "opens the app's own window"),
];

/// What patches change, and whether it may widen.
const FIELDS: &[(&str, &[&str], &[&str])] = &[
    (
        "SettingsPatch",
        &[
            "access_policy",
            "browser",
            "pause_on_idle",
            "pause_on_lock",
            "retention_days",
        ],
        // A port that keys are used at needs `force`.
        &["keep_warm", "log_level", "notifications", "port"],
    ),
    (
        "ConnectionPatch",
        &["allowed_methods", "proxy_only"],
        &["account", "keep_warm"],
    ),
    (
        "SignInRequest",
        // A key may take the place of a login.
        &["method", "replace", "secret"],
        // The person signs in at the provider; another client ends what came through the old one.
        &[
            "account",
            "authenticator",
            "expires_at",
            "moved_from",
            "only_scopes",
            "profile",
            "reason",
            "register_again",
            "scopes",
        ],
    ),
    (
        "AuthenticatorPatch",
        &[
            "accept_endpoints",
            "api_hosts",
            "api_key_header",
            "assertion_audience",
            "audience",
            "assume_pkce",
            "authorize_params",
            "authorize_url",
            "client_auth",
            "device_authorization_url",
            "dpop",
            "grant_type",
            "is_active",
            "issuer",
            "mcp_server",
            "placeholders",
            "pushed_authorization_url",
            "redirect_uri",
            "requested_token_type",
            "narrow_tokens",
            "resource",
            "revocation_url",
            "subject",
            "token_url",
            "userinfo_url",
        ],
        // The person sees client and scopes at the provider's sign-in.
        &[
            "api_keys_only",
            "app_id",
            "client_id",
            "client_secret",
            "name",
            "private_key",
            "scopes",
        ],
    ),
];

/// A new route or field fails here until somebody decides whether it widens.
#[test]
fn every_route_and_field_that_changes_something_is_decided_about() {
    let document: Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys();
        found.extend(
            methods
                .filter(|it| *it != "get")
                .map(|method| (method.as_str(), path.as_str())),
        );
    }
    let not_widening = NOT_WIDENING
        .iter()
        .map(|(method, path, _)| (*method, *path));
    let decided: Vec<_> = WIDENING.iter().copied().chain(not_widening).collect();
    assert_eq!(
        decided.len(),
        BTreeSet::from_iter(decided.clone()).len(),
        "one is in both"
    );
    assert_eq!(found, decided.into_iter().collect());

    for (name, widening, others) in FIELDS {
        let schema = &document["components"]["schemas"][*name]["properties"];
        let found: BTreeSet<&str> = schema
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let decided: BTreeSet<&str> = widening.iter().chain(*others).copied().collect();
        assert_eq!(found, decided, "{name}");
        assert_eq!(
            decided.len(),
            widening.len() + others.len(),
            "{name}: one is in both"
        );
    }
}
