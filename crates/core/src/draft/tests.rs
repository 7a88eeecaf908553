use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::id::AuthenticatorId;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn input(fields: &Value) -> DraftInput {
    DraftInput::from_json(&fields.to_string()).unwrap()
}

fn variables(name: &str) -> Option<String> {
    match name {
        "GOOGLE_CLIENT_SECRET" => Some("GOCSPX-${not_looked_into}".to_owned()),
        "HOST" => Some("login.example.com".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

#[test]
fn a_field_that_is_set_later_hangs_on_no_variable() {
    let fields = json!({"client_id": "${ABSENT}", "client_secret": "${ABSENT}"});
    let mut input = input(&fields).resolve(&variables);
    input.set("client_secret", "${as it is}");
    let unset: Vec<String> = input
        .unresolved()
        .into_iter()
        .map(|problem| problem.field)
        .collect();
    assert_eq!(unset, ["client_id"]);
}

/// As a person would read it.
fn words(input: DraftInput) -> String {
    let mut text = String::new();
    match input.check() {
        Ok((draft, warnings)) => {
            let overrides = serde_json::to_string(&draft.overrides).unwrap();
            writeln!(
                text,
                "added {} ({}) at {}\n  client {} secret {:?}\n  scopes {}\n  redirect {}\n  overrides {overrides}",
                draft.name, draft.display_name, draft.provider, draft.client_id, draft.client_secret,
                draft.scopes, draft.redirect_uri,
            )
            .unwrap();
            for Warning {
                message,
                hint,
                offer,
                ..
            } in warnings
            {
                writeln!(text, "warning: {message}\n  hint: {hint}").unwrap();
                if let Some(offer) = offer {
                    writeln!(text, "  offer: {offer}").unwrap();
                }
            }
        }
        Err(problems) => {
            for Problem { message, hint, .. } in problems {
                writeln!(text, "error: {message}\n  hint: {hint}").unwrap();
            }
        }
    }
    text
}

fn google() -> Value {
    json!({
        "name": "Google", "authenticator_type": "google", "client_id": "1.apps.googleusercontent.com",
        "client_secret": "${GOOGLE_CLIENT_SECRET}", "scopes": ["openid", "email"],
        "redirect_uri": "http://127.0.0.1/callback",
        "authorize_url": "https://accounts.google.com/o/oauth2/v2/auth",
        "token_url": "https://${HOST}/token",
    })
}

fn added(fields: &Value) -> Authenticator {
    let (draft, _) = input(fields).resolve(&variables).check().unwrap();
    let id = AuthenticatorId::new(uuid::Uuid::nil());
    draft
        .into_authenticator(id, ProfileName::default(), now())
        .0
}

/// `google()` with one field changed.
fn with(field: &str, value: impl Into<Value>) -> String {
    let mut fields = google();
    fields[field] = value.into();
    words(input(&fields).resolve(&variables))
}

#[test]
fn a_resource_is_kept_as_written_or_refused_with_the_reason() {
    let mut fields = google();
    fields["resource"] = "https://MCP.example.com".into();
    let kept = added(&fields).overrides.resource.map(String::from);
    assert_eq!(kept.as_deref(), Some("https://MCP.example.com"));
    let refused = with("resource", "https://mcp.example.com/#tools");
    assert_eq!(
        refused,
        "error: `https://mcp.example.com/#tools` is no resource: a resource has no fragment\n  \
         hint: write the URI exactly as the service names it, such as `https://mcp.example.com/mcp`\n"
    );
    let elsewhere = with("authorize_params", json!({"resource": "https://a.test"}));
    assert_eq!(
        elsewhere,
        "error: `resource` cannot be set here\n  hint: write it in `resource`\n"
    );
}

#[test]
fn the_documented_file_is_accepted_with_its_references_resolved() {
    insta::assert_snapshot!(words(input(&google()).resolve(&variables)));
}

#[test]
fn a_resolved_value_is_taken_literally_and_never_printed() {
    let (draft, _) = input(&google()).resolve(&variables).check().unwrap();
    assert_eq!(
        draft.client_secret.unwrap().expose(),
        "GOCSPX-${not_looked_into}"
    );
    assert!(!format!("{:?}", input(&google()).resolve(&variables)).contains("GOCSPX"));
}

#[test]
fn a_reference_that_does_not_end_is_no_value() {
    for secret in [
        "${GOOGLE_SECRET",
        "${",
        "${}",
        "x${A B}",
        "${GOOGLE_SECRET}${",
    ] {
        let told = "`client_secret` has `${` without a name and `}`";
        let text = with("client_secret", secret);
        assert!(text.contains(told), "{secret}: {text}");
        let mut resolved = input(&google()).resolve(&variables);
        resolved.set("client_secret", secret);
        assert!(words(resolved).contains("added google"), "{secret}");
    }
    assert!(with("client_secret", "pa$$w{o}rd").contains("added google"));
}

#[test]
fn the_least_that_each_provider_needs_is_enough() {
    insta::assert_snapshot!([
        json!({"authenticator_type": "github", "client_id": "Iv1.x", "client_secret": "s"}),
        json!({"authenticator_type": "microsoft", "client_id": "x", "tenant": "contoso.onmicrosoft.com"}),
        json!({"authenticator_type": "slack", "client_id": 12.5}),
        json!({"authenticator_type": "custom", "name": "My Login!", "client_id": "x",
               "authorize_url": "https://a.test/authorize", "token_url": "http://127.0.0.1:9000/token"}),
    ].iter().map(|fields| words(input(fields))).collect::<Vec<_>>().join("\n"));
}

#[test]
fn everything_missing_is_named_at_once() {
    insta::assert_snapshot!(
        [
            json!({}),
            json!({"authenticator_type": "google"}),
            json!({"authenticator_type": "custom", "issuer": "https://login.example.com"}),
        ]
        .iter()
        .map(|fields| words(input(fields)))
        .collect::<Vec<_>>()
        .join("\n")
    );
}

#[test]
fn everything_wrong_is_named_at_once() {
    let fields = json!({
        "name": "a/b", "authenticator_type": "google", "client_id": "GOCSPX-planted", "client_secret": "ghp_planted",
        "scopes": ["openid email", "bad\"quote"], "redirect_uri": "https://127.0.0.1/cb",
        "authorize_url": "http://accounts.example.com/auth", "token_url": "login.example.com",
        "revocation_url": "https://u:p@h/", "client_auth": "basic", "authorize_params": {"state": "x", "scope": "y"},
        "tenant": "x", "clientId": "x", "scope": "openid", "colour": "red",
    });
    let text = words(input(&fields));
    assert!(!text.contains("planted"), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn mistyped_values_are_named() {
    let fields = json!({
        "name": 5, "authenticator_type": "custom", "client_id": ["x"], "client_secret": {"a": 1},
        "scopes": "openid email", "redirect_uri": false, "authorize_params": ["x"],
        "authorize_url": "https://a.test/a", "token_url": 7,
    });
    insta::assert_snapshot!(words(input(&fields)));
}

#[test]
fn an_unset_or_empty_variable_is_named_and_nothing_else_is_said_of_its_field() {
    insta::assert_snapshot!(
        with("client_secret", "${NOT_SET}")
            + &with("token_url", "https://${EMPTY}/token")
            + &with("scopes", json!(["${A}", "b"]))
    );
}

#[test]
fn the_api_refuses_references_instead_of_storing_them() {
    insta::assert_snapshot!(words(input(&google())));
}

#[test]
fn a_mistyped_provider_is_not_also_told_that_its_name_is_missing() {
    let problems = words(input(
        &json!({ "authenticator_type": "gogle", "client_id": "x" }),
    ));
    insta::assert_snapshot!(problems, @r"
    error: `gogle` is not in the catalogue
      hint: did you mean `google`?
    ");
}

#[test]
fn an_unknown_provider_is_answered_with_the_known_ones() {
    insta::assert_snapshot!(
        with("authenticator_type", "gogle") + &with("authenticator_type", "myspace")
    );
}

#[test]
fn an_address_without_its_scheme_is_told_so() {
    let problems = with("authenticator_type", "mcp.example.com/mcp");
    assert!(problems.contains("with `https://`"), "{problems}");
}

#[test]
fn redirect_uris_that_nobody_here_can_serve_are_refused() {
    insta::assert_snapshot!(
        [
            "urn:ietf:wg:oauth:2.0:oob",
            "myapp://cb",
            "http://example.com/cb",
            "http://127.0.0.1:80/cb",
            "http://127.0.0.1:4315/cb",
            "http://127.0.0.1/cb?x=1"
        ]
        .map(|uri| with("redirect_uri", uri))
        .join("")
    );
}

#[test]
fn a_page_of_ones_own_and_app_id_are_accepted_with_a_warning() {
    let mut fields = google();
    fields["redirect_uri"] = "https://www.example.com/oauth/callback".into();
    fields["app_id"] = fields["client_id"].take();
    insta::assert_snapshot!(words(input(&fields).resolve(&variables)));
}

#[test]
fn a_redirect_that_the_provider_is_not_known_to_take_is_warned_about() {
    let slack = |uri: &str| {
        words(input(
            &json!({"authenticator_type": "slack", "client_id": "1", "redirect_uri": uri}),
        ))
    };
    insta::assert_snapshot!(
        slack("http://127.0.0.1:4316/callback") + &slack("http://localhost/callback")
    );
}

#[test]
fn what_is_no_json_object_says_where() {
    for text in [
        "",
        "[]",
        "{\"name\": }",
        "{\"client_secret\": \"planted\" x",
    ] {
        let problems = DraftInput::from_json(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{text}");
        assert!(!problems[0].message.contains("planted"));
    }
}

#[test]
fn a_change_keeps_what_it_does_not_name() {
    let old = added(&google());
    let change = input(&json!({"client_secret": "GOCSPX-new"}))
        .check_change(&old, now())
        .unwrap();
    assert_eq!(
        change.secret,
        Some(SecretChange::Set(ClientSecret::new("GOCSPX-new")))
    );
    assert_eq!(change.authenticator, old);
    assert_eq!(change.warnings, []);

    let change = input(&json!({"scopes": ["openid"], "token_url": null}))
        .check_change(&old, now())
        .unwrap();
    assert_eq!(change.secret, None);
    assert!(change.authenticator.has_secret);
    assert_eq!(change.authenticator.scopes, Scopes::parse_any("openid"));
    assert_eq!(change.authenticator.overrides.token_url, None);
    assert_eq!(
        change.authenticator.overrides.authorize_url,
        old.overrides.authorize_url
    );
    assert_eq!(change.authenticator.name, old.name);
}

#[test]
fn a_change_is_checked_like_a_new_one() {
    let old = added(&google());
    let message = |fields: &Value| {
        input(fields).check_change(&old, now()).unwrap_err()[0]
            .message
            .clone()
    };
    assert_eq!(
        message(&json!({"client_secret": null})),
        "`client_secret` is missing"
    );
    assert_eq!(
        message(&json!({"authenticator_type": "github"})),
        "`google` is at `google` and stays there"
    );
    assert_eq!(
        message(&json!({"colour": "red"})),
        "`colour` is not a field"
    );
}

#[test]
fn a_secret_can_be_taken_away_where_none_is_needed() {
    let old =
        added(&json!({"authenticator_type": "microsoft", "client_id": "x", "client_secret": "s"}));
    let change = input(&json!({"client_secret": null}))
        .check_change(&old, now())
        .unwrap();
    assert_eq!(change.secret, Some(SecretChange::Remove));
    assert!(!change.authenticator.has_secret);
}

#[test]
fn another_client_id_warns_about_the_logins_of_the_old_one() {
    let change = input(&json!({"app_id": 77}))
        .check_change(&added(&google()), now())
        .unwrap();
    assert_eq!(change.authenticator.client_id, "77");
    assert_eq!(change.warnings[0].hint, "connect `google` again");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in ".{0,200}") {
        let _ = DraftInput::from_json(&text).map(|input| input.resolve(&variables).check());
    }

    #[test]
    fn no_values_break_the_check(
        texts in prop::collection::vec(".{0,40}|\\$\\{[A-Z]{0,4}\\}?|https?://.{0,20}", 9),
        id in prop_oneof![Just("google"), Just("microsoft"), Just("slack"), Just("custom")],
    ) {
        let [name, client_id, secret, scope, redirect, url, auth, param, tenant] = &texts[..] else { unreachable!() };
        let fields = json!({
            "name": name, "authenticator_type": id, "client_id": client_id, "client_secret": secret, "scopes": [scope],
            "redirect_uri": redirect, "authorize_url": url, "token_url": url, "client_auth": auth,
            "authorize_params": {param: param}, "tenant": tenant, param: scope,
        });
        let checked = input(&fields).resolve(&|name| (name.len() > 1).then(|| "${x".to_owned())).check();
        match checked {
            Err(problems) => prop_assert!(!problems.is_empty()),
            Ok((draft, _)) => {
                let id = AuthenticatorId::new(uuid::Uuid::nil());
                let (authenticator, _) = draft.into_authenticator(id, ProfileName::default(), now());
                let provider = crate::catalogue::provider(&authenticator.provider).unwrap();
                prop_assert!(authenticator.endpoints(provider).is_ok());
            }
        }
    }
}

#[test]
fn without_a_client_neither_secret_nor_endpoints_are_needed_and_a_client_completes_it() {
    let fields = json!({
        "authenticator_type": "custom", "name": "acme", "api_keys_only": true,
        "api_hosts": ["api.acme.example"], "api_key_header": "X-Api-Key",
    });
    let (draft, _) = input(&fields).check().unwrap();
    let id = AuthenticatorId::new(uuid::Uuid::nil());
    let (old, secret) = draft.into_authenticator(id, "default".parse().unwrap(), now());
    assert!(!old.has_client() && secret.is_none());
    let patch = |fields: Value| input(&fields).check_change(&old, now());
    let kept = patch(json!({"api_hosts": ["other.acme.example"]})).unwrap();
    assert!(!kept.authenticator.has_client(), "it stays without one");
    let fields = |change: Result<Change, Vec<Problem>>| -> Vec<String> {
        let problems = change.unwrap_err();
        problems.into_iter().map(|problem| problem.field).collect()
    };
    let client = json!({"client_id": "acme"});
    assert_eq!(fields(patch(client)), ["authorize_url", "token_url"]);
    let complete = json!({
        "client_id": "acme", "authorize_url": "https://acme.example/a",
        "token_url": "https://acme.example/t",
    });
    let new = patch(complete).unwrap().authenticator;
    assert!(new.has_client());
    let header = new.overrides.api_key_header.as_ref().unwrap();
    assert_eq!(header.to_string(), "X-Api-Key");
    let back = input(&json!({"client_id": null, "api_keys_only": true}));
    assert_eq!(fields(back.check_change(&new, now())), ["api_keys_only"]);
    let secret = json!({"client_secret": "s3cret"});
    assert_eq!(fields(patch(secret)), ["client_secret"]);
    let both = input(&json!({
        "authenticator_type": "github", "client_id": "x", "api_keys_only": true,
        "api_key_header": "Host",
    }));
    let problems = both.check().unwrap_err();
    let named: Vec<&str> = problems
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(named, ["api_keys_only", "api_key_header"]);
}
