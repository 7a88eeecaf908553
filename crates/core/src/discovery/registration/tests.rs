use super::*;
use crate::discovery::Network;

fn asked() -> Vec<RedirectUri> {
    redirect_attempts(None).remove(0)
}

fn read(body: &Value) -> Result<Registered, RegistrationRefused> {
    Registered::read(201, body.to_string().as_bytes(), &asked(), Network::Public).result
}

#[test]
fn the_redirect_uri_is_registered_without_and_with_its_port() {
    let uris: Vec<Vec<String>> = redirect_attempts(None)
        .into_iter()
        .map(|set| set.iter().map(ToString::to_string).collect())
        .collect();
    assert_eq!(
        uris,
        [
            vec![
                "http://127.0.0.1/callback",
                "http://127.0.0.1:4316/callback"
            ],
            vec!["http://127.0.0.1:4316/callback"],
            vec!["http://localhost:4316/callback"],
        ]
    );
    let given = RedirectUri::parse("http://localhost:5000/cb").unwrap();
    let sets = redirect_attempts(Some(&given));
    assert_eq!(sets[0][0].to_string(), "http://localhost/cb");
    assert_eq!(sets[0][1], given);
}

#[test]
fn what_the_server_registered_counts_and_not_what_was_asked_for() {
    let registered = read(&json!({
        "client_id": "c", "client_secret": "s", "client_secret_expires_at": 1_800_000_000,
        "token_endpoint_auth_method": "client_secret_post", "grant_types": ["authorization_code"],
        "redirect_uris": ["http://127.0.0.1/callback"],
        "registration_client_uri": "https://as.test/r/c", "registration_access_token": "t",
    }))
    .unwrap();
    assert_eq!(registered.client_auth, ClientAuth::ClientSecretPost);
    assert_eq!(
        registered.redirect_uri.to_string(),
        "http://127.0.0.1/callback"
    );
    assert!(!registered.may_refresh);
    let stored = registered.registration("https://as.test", Timestamp::UNIX_EPOCH);
    assert!(stored.has_ended(Timestamp::from_second(1_800_000_000).unwrap()));
    assert!(!stored.has_ended(Timestamp::from_second(1_799_999_999).unwrap()));
    assert_eq!(
        stored.management_url.unwrap().as_str(),
        "https://as.test/r/c"
    );
}

#[test]
fn only_an_unknown_client_is_one() {
    assert!(is_unknown_client("invalid_client"));
    assert!(is_unknown_client("invalid_client: no such client"));
    for other in [
        "invalid_client_metadata",
        "invalid_scope: invalid_client",
        "unauthorized_client",
        "",
    ] {
        assert!(!is_unknown_client(other), "{other}");
    }
}

#[test]
fn absent_members_mean_what_the_rfc_says() {
    let public = read(&json!({"client_id": "c", "client_secret_expires_at": 0})).unwrap();
    assert_eq!(public.client_auth, ClientAuth::None);
    assert_eq!(
        public.redirect_uri.to_string(),
        "http://127.0.0.1:4316/callback"
    );
    assert!(public.may_refresh && public.secret_expires_at.is_none());
    let secret = read(&json!({"client_id": "c", "client_secret": "s"})).unwrap();
    assert_eq!(secret.client_auth, ClientAuth::ClientSecretBasic);
}

#[test]
fn a_secret_that_is_never_sent_is_not_kept() {
    let body =
        json!({"client_id": "c", "client_secret": "s", "token_endpoint_auth_method": "none"});
    assert_eq!(read(&body).unwrap().client_secret, None);
}

#[test]
fn a_registration_that_cannot_be_used_is_refused_and_can_be_deleted() {
    for (body, words) in [
        (json!({"client_id": ""}), "no client id"),
        (json!({"client_id": "a b"}), "no usable client id"),
        (
            json!({"client_id": "c", "token_endpoint_auth_method": "private_key_jwt"}),
            "private_key_jwt",
        ),
        (
            json!({"client_id": "c", "token_endpoint_auth_method": "client_secret_basic"}),
            "client secret",
        ),
        (
            json!({"client_id": "c", "redirect_uris": ["https://elsewhere"]}),
            "redirect URIs",
        ),
        (
            json!({"client_id": "c", "grant_types": ["client_credentials"]}),
            "may not sign in",
        ),
        (json!([]), "no JSON object"),
    ] {
        let refused = read(&body).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
    let body = json!({
        "client_id": "c", "grant_types": ["implicit"], "registration_client_uri": "https://as.test/r/c",
        "registration_access_token": "t",
    });
    let answer = Registered::read(201, body.to_string().as_bytes(), &asked(), Network::Public);
    assert_eq!(answer.unused.unwrap().0.as_str(), "https://as.test/r/c");
}

#[test]
fn a_refusal_is_told_in_the_words_of_the_server_on_one_line() {
    let read = |status, body: &str| {
        Registered::read(status, body.as_bytes(), &asked(), Network::Public)
            .result
            .unwrap_err()
    };
    let redirect = read(
        400,
        r#"{"error": "invalid_redirect_uri", "error_description": "no\nports"}"#,
    );
    assert!(
        matches!(redirect, RegistrationRefused::RedirectUris { .. }),
        "{redirect:?}"
    );
    assert!(!redirect.to_string().contains('\n'));
    assert_eq!(read(403, "<html>").to_string(), "HTTP 403");
    let refused = read(
        400,
        r#"{"error": "invalid_client_metadata", "error_description": "closed"}"#,
    );
    assert_eq!(refused.to_string(), "invalid_client_metadata: closed");
}

#[test]
fn a_management_url_on_a_private_address_is_dropped() {
    let body = json!({
        "client_id": "c", "registration_client_uri": "https://10.0.0.1/r", "registration_access_token": "t",
    });
    assert_eq!(read(&body).unwrap().management, None);
}

#[test]
fn the_url_of_client_metadata_is_https_and_has_a_path() {
    assert!(ClientMetadata::check_url("https://h/client.json").is_ok());
    for url in [
        "https://h",
        "https://h/",
        "http://h/c",
        "https://h/a/../c",
        "https://u@h/c",
        "https://h/c#f",
        "https://h?x=1",
        "c",
    ] {
        assert!(ClientMetadata::check_url(url).is_err(), "{url}");
    }
}

#[test]
fn client_metadata_is_about_its_own_url() {
    let url = EndpointUrl::parse("https://h/c").unwrap();
    let good = json!({
        "client_id": "https://h/c", "client_name": "V", "redirect_uris": ["https://h/web", "http://127.0.0.1/callback"],
    });
    let read = |body: &Value| ClientMetadata::read(&url, body.to_string().as_bytes());
    assert_eq!(read(&good).unwrap().redirect_uri, RedirectUri::ephemeral());
    for (field, value, words) in [
        ("client_id", json!("https://h/c/"), "not its own URL"),
        ("client_name", json!(" "), "client_name"),
        ("redirect_uris", json!(["https://h/web"]), "redirect_uris"),
        (
            "token_endpoint_auth_method",
            json!("private_key_jwt"),
            "private_key_jwt",
        ),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let refused = read(&body).unwrap_err().to_string();
        assert!(refused.contains(words), "{refused}");
    }
}

#[test]
fn a_registration_is_public_unless_the_server_takes_no_public_clients() {
    let server = |methods: Value| {
        let mut document = json!({
            "issuer": "https://as.test", "authorization_endpoint": "https://as.test/a", "token_endpoint": "https://as.test/t",
        });
        if !methods.is_null() {
            document["token_endpoint_auth_methods_supported"] = methods;
        }
        let body = document.to_string();
        ServerMetadata::read(
            body.as_bytes(),
            "https://as.test",
            "https://as.test",
            Network::Public,
        )
        .unwrap()
    };
    for (methods, expected) in [
        (json!(null), "none"),
        (json!(["client_secret_post", "none"]), "none"),
        (
            json!(["client_secret_basic", "client_secret_post"]),
            "client_secret_post",
        ),
        (json!(["client_secret_basic"]), "client_secret_basic"),
    ] {
        let request = registration_request(&server(methods), &asked(), false);
        assert_eq!(request["token_endpoint_auth_method"], expected);
        assert_eq!(request["application_type"], "native");
        assert_eq!(
            request["grant_types"],
            json!(["authorization_code", "refresh_token"])
        );
    }
}
