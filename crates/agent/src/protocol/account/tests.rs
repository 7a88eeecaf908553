use serde_json::json;
use valetkey_core::provider::ClientAuth;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::IdToken;

use super::*;
use crate::protocol::AuthorizeRequest;
use crate::protocol::fake::{Fake, Reply, client_at, grant};

fn client(base: &str, userinfo: Userinfo) -> Client {
    let mut client = client_at(base, ClientAuth::None);
    client.endpoints.issuer = Some("https://h".to_owned());
    client.endpoints.userinfo = Some(userinfo);
    client
}

fn of(
    userinfo: Userinfo,
    members: &Value,
    verified: Option<&str>,
) -> Result<Identity, SignInFailure> {
    let verified = verified.map(|sub| Verified {
        subject: Subject {
            issuer: "https://h".to_owned(),
            sub: sub.to_owned(),
        },
        claims: json!({"email": "id@token"}).as_object().unwrap().clone(),
    });
    identity(&client("https://h", userinfo), verified, members)
}

fn catalogue_userinfo(id: &str) -> Userinfo {
    valetkey_core::catalogue::provider(id)
        .unwrap()
        .userinfo
        .clone()
        .unwrap()
}

#[test]
fn accounts_are_named_as_their_providers_name_them() {
    let github = of(
        catalogue_userinfo("github"),
        &json!({"login": "ada", "id": 815}),
        None,
    )
    .unwrap();
    assert_eq!(github.display_name.as_deref(), Some("ada"));
    assert_eq!(github.subject.unwrap().sub, "815");

    let slack =
        json!({"ok": true, "user": "ada", "team": "Engines", "user_id": "U1", "team_id": "T1"});
    let slack = of(catalogue_userinfo("slack"), &slack, None).unwrap();
    assert_eq!(slack.display_name.as_deref(), Some("ada @ Engines"));
    assert_eq!(slack.subject.unwrap().sub, "T1/U1");

    let google = json!({"sub": "1", "email": "ada@example.com", "name": "Ada"});
    let google = of(catalogue_userinfo("google"), &google, Some("1")).unwrap();
    assert_eq!(google.display_name.as_deref(), Some("ada@example.com"));
    assert_eq!(google.subject.unwrap().issuer, "https://h");
}

#[test]
fn a_path_leads_into_objects_and_lists() {
    let linear = json!({"data": {
        "viewer": {"id": "u1", "email": "ada@example.com"}, "organization": {"name": "Engines"},
    }});
    let linear = of(catalogue_userinfo("linear"), &linear, None).unwrap();
    assert_eq!(
        linear.display_name.as_deref(),
        Some("ada@example.com @ Engines")
    );
    assert_eq!(linear.subject.unwrap().sub, "u1");
    let supabase = json!([{"id": "o1", "name": "Engines"}]);
    let supabase = of(catalogue_userinfo("supabase"), &supabase, None).unwrap();
    assert_eq!(supabase.display_name.as_deref(), Some("Engines"));
    assert_eq!(supabase.subject.unwrap().sub, "o1");
    let empty = of(catalogue_userinfo("supabase"), &json!([]), None).unwrap();
    assert_eq!(empty, Identity::default());
}

#[test]
fn userinfo_about_somebody_else_ends_the_sign_in() {
    let refused = of(
        Userinfo::standard("https://h/u"),
        &json!({"sub": "2"}),
        Some("1"),
    );
    assert!(matches!(refused, Err(SignInFailure::Untrusted { .. })));
}

#[test]
fn without_userinfo_the_id_token_names_the_account_and_without_both_nobody_does() {
    let named = of(Userinfo::standard("https://h/u"), &json!({}), Some("1")).unwrap();
    assert_eq!(named.display_name.as_deref(), Some("id@token"));
    assert_eq!(named.subject.unwrap().sub, "1");
    let nobody = of(Userinfo::standard("https://h/u"), &json!({}), None).unwrap();
    assert_eq!(nobody, Identity::default());
}

#[test]
fn a_name_is_one_bounded_line() {
    let odd = json!({"sub": "1", "email": format!("a\r\n\u{202e}b{}", "x".repeat(500))});
    let name = of(Userinfo::standard("https://h/u"), &odd, None)
        .unwrap()
        .display_name
        .unwrap();
    assert!(
        name.starts_with("a bxx") && name.chars().count() == 128,
        "{name}"
    );
}

#[tokio::test]
async fn the_token_travels_in_the_header_only_and_refusals_are_told_apart() {
    let fake = Fake::start(vec![
        Reply::json(200, &json!({"sub": "1"})),
        Reply::json(401, &json!({})),
        Reply::json(200, &json!({"ok": false, "error": "invalid_auth"})),
        Reply::json(200, &json!({"active": false})),
        Reply::json(
            200,
            &json!({"errors": [{"message": "Not authenticated"}], "data": null}),
        ),
        Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
    ]);
    let mut userinfo = Userinfo::standard(&fake.url("/u"));
    userinfo.method = UserinfoMethod::Post;
    let client = client(&fake.url(""), userinfo);
    let token = grant("at", "rt");
    let provider = ProviderClient::default();
    let account = Some("1".to_owned());
    assert_eq!(
        provider.test_token(&client, &token).await,
        TokenTest::Accepted {
            host: fake.url("").strip_prefix("http://").map(str::to_owned),
            account
        }
    );
    assert_eq!(
        provider.test_token(&client, &token).await,
        TokenTest::Refused
    );
    assert_eq!(
        provider.test_token(&client, &token).await,
        TokenTest::Refused
    );
    assert_eq!(
        provider.test_token(&client, &token).await,
        TokenTest::Refused
    );
    for _ in ["an error of GraphQL", "a page"] {
        let reason = "HTTP 200".to_owned();
        assert_eq!(
            provider.test_token(&client, &token).await,
            TokenTest::Unreachable { reason }
        );
    }
    let sent = &fake.requests()[0];
    assert!(sent.head.starts_with("POST /u HTTP/1.1"));
    assert_eq!(sent.header("authorization"), Some("Bearer at"));
}

#[tokio::test]
async fn a_sign_in_goes_on_when_userinfo_fails_and_ends_when_the_id_token_does_not_hold() {
    let mut reply = TokenResponse {
        access_token: AccessToken::new("at"),
        grant_type: valetkey_core::authenticator::GrantType::default(),
        token_type: TokenType::Bearer,
        dpop_key: None,
        refresh_token: None,
        id_token: None,
        expires_in: None,
        refresh_expires_in: None,
        scopes: None,
    };
    let fake = Fake::start(vec![Reply::json(500, &json!({}))]);
    let client = client(&fake.url(""), Userinfo::standard(&fake.url("/u")));
    let request = AuthorizeRequest::new(
        &client,
        None,
        "http://127.0.0.1:1",
        &Scopes::parse_any("openid"),
    );
    let provider = ProviderClient::default();
    let now = Timestamp::UNIX_EPOCH;
    let identity = provider
        .identify(&client, request.expected_id_token(), &reply, now)
        .await;
    assert_eq!(identity, Ok(Identity::default()));

    reply.id_token = Some(IdToken::new("forged"));
    let refused = provider
        .identify(&client, request.expected_id_token(), &reply, now)
        .await;
    assert!(matches!(refused, Err(SignInFailure::Untrusted { .. })));
    assert_eq!(
        fake.requests().len(),
        1,
        "nobody is asked with a token that is not trusted"
    );
}
