use serde_json::json;

use super::*;
use crate::protocol::fake::{self, Fake, Reply, client_at};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn grant() -> Grant {
    fake::grant("at", "rt")
}

fn client(fake: &Fake, method: RevocationMethod) -> Client {
    let mut client = fake.client(ClientAuth::ClientSecretBasic);
    let url = fake.url("/revoke");
    client.endpoints.revocation = Some(RevocationEndpoint {
        url,
        consent_url: Some(fake.url("/consent")),
        method,
        tokens: match method {
            RevocationMethod::TokenOnly => RevokedTokens::Either,
            _ => RevokedTokens::Both,
        },
        ..RevocationEndpoint::default()
    });
    client
}

async fn run(replies: Vec<Reply>, method: RevocationMethod, grant: &Grant) -> (Revocation, Fake) {
    let fake = Fake::start(replies);
    let outcome = ProviderClient::default()
        .revoke(&client(&fake, method), grant, NOW)
        .await;
    (outcome, fake)
}

fn ok() -> Reply {
    Reply::json(200, &json!({}))
}

#[tokio::test]
async fn the_refresh_token_goes_first_then_the_valid_access_token() {
    let (outcome, fake) = run(vec![ok(), ok()], RevocationMethod::Rfc7009, &grant()).await;
    assert_eq!(outcome, Revocation::Revoked);
    let sent = fake.requests();
    let fields: Vec<_> = sent
        .iter()
        .map(|r| {
            (
                r.field("token").unwrap(),
                r.field("token_type_hint").unwrap(),
            )
        })
        .collect();
    assert_eq!(
        fields,
        [
            ("rt".into(), "refresh_token".into()),
            ("at".into(), "access_token".into())
        ]
    );
    assert!(
        sent[0]
            .header("authorization")
            .unwrap()
            .starts_with("Basic ")
    );
}

#[tokio::test]
async fn an_ended_access_token_is_left_alone() {
    let ended = Grant {
        expires_at: Some(NOW),
        ..grant()
    };
    let (outcome, fake) = run(vec![ok()], RevocationMethod::Rfc7009, &ended).await;
    assert_eq!((outcome, fake.requests().len()), (Revocation::Revoked, 1));
}

#[tokio::test]
async fn google_gets_the_token_alone_and_its_invalid_token_is_a_success() {
    let reply = Reply::json(400, &json!({"error": "invalid_token"}));
    let (outcome, fake) = run(vec![reply], RevocationMethod::TokenOnly, &grant()).await;
    assert_eq!(outcome, Revocation::Revoked);
    let sent = fake.requests().remove(0);
    assert_eq!(sent.field("token").as_deref(), Some("rt"));
    assert_eq!(
        (sent.header("authorization"), sent.field("client_secret")),
        (None, None)
    );
}

#[tokio::test]
async fn github_gets_a_delete_with_basic_and_json() {
    let reply = Reply::raw("HTTP/1.1 204 No Content\r\n\r\n");
    let (outcome, fake) = run(vec![reply], RevocationMethod::DeleteWithBasic, &grant()).await;
    assert_eq!(outcome, Revocation::Revoked);
    let sent = fake.requests().remove(0);
    assert!(sent.head.starts_with("DELETE /revoke"), "{}", sent.head);
    assert_eq!(sent.body, r#"{"access_token":"at"}"#);
    assert_eq!(
        sent.header("authorization"),
        Some(format!("Basic {}", STANDARD.encode("client id:a:b/+ é%")).as_str())
    );
}

#[tokio::test]
async fn a_whole_consent_ends_at_its_own_url_where_there_is_one() {
    let method = RevocationMethod::DeleteWithBasic;
    let fake = Fake::start(vec![ok(), ok()]);
    let mut client = client(&fake, method);
    let provider = ProviderClient::default();
    for _ in 0..2 {
        let outcome = provider.revoke_consent(&client, &grant(), NOW).await;
        assert_eq!(outcome, Revocation::Revoked);
        client.endpoints.revocation.as_mut().unwrap().consent_url = None;
    }
    let sent = fake.requests();
    assert!(
        sent[0].head.starts_with("DELETE /consent"),
        "{}",
        sent[0].head
    );
    assert!(
        sent[1].head.starts_with("DELETE /revoke"),
        "{}",
        sent[1].head
    );
}

#[tokio::test]
async fn slack_gets_the_token_as_bearer() {
    let reply = Reply::json(200, &json!({"ok": true, "revoked": true}));
    let (outcome, fake) = run(vec![reply], RevocationMethod::Bearer, &grant()).await;
    assert_eq!(outcome, Revocation::Revoked);
    assert_eq!(
        fake.requests()[0].header("authorization"),
        Some("Bearer at")
    );

    let gone = Reply::json(200, &json!({"ok": false, "error": "token_revoked"}));
    assert_eq!(
        run(vec![gone], RevocationMethod::Bearer, &grant()).await.0,
        Revocation::Revoked
    );
    let failed = Reply::json(200, &json!({"ok": false, "error": "fatal_error"}));
    let reason = "HTTP 200: fatal_error".to_owned();
    assert_eq!(
        run(vec![failed], RevocationMethod::Bearer, &grant())
            .await
            .0,
        Revocation::Failed(reason)
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_nothing_is_sent() {
    let ended = Grant {
        expires_at: Some(NOW),
        ..grant()
    };
    for method in [RevocationMethod::Bearer, RevocationMethod::DeleteWithBasic] {
        let (outcome, fake) = run(vec![], method, &ended).await;
        assert!(matches!(outcome, Revocation::NotPossible(_)));
        assert!(fake.requests().is_empty());
    }

    let none = client_at(&Fake::nobody(""), ClientAuth::None);
    let outcome = ProviderClient::default().revoke(&none, &grant(), NOW).await;
    assert!(matches!(outcome, Revocation::NotPossible(_)));
}

#[tokio::test]
async fn a_kind_of_token_that_is_not_revoked_is_told_apart_from_a_failure() {
    let unsupported = || Reply::json(400, &json!({"error": "unsupported_token_type"}));
    let way = RevocationMethod::Rfc7009;
    let (outcome, _) = run(vec![ok(), unsupported()], way, &grant()).await;
    assert_eq!(outcome, Revocation::Revoked);
    let (outcome, _) = run(vec![unsupported(), ok()], way, &grant()).await;
    assert_eq!(outcome, Revocation::NotPossible(NOT_THIS_KIND.to_owned()));
}

#[tokio::test]
async fn a_missing_endpoint_confirms_no_revocation() {
    for method in [
        RevocationMethod::Rfc7009,
        RevocationMethod::TokenOnly,
        RevocationMethod::DeleteWithBasic,
        RevocationMethod::Bearer,
    ] {
        for status in [404, 405, 410] {
            let replies = vec![Reply::json(status, &json!({"message": "Not Found"}))];
            let (outcome, _) = run(replies, method, &grant()).await;
            assert_eq!(outcome, Revocation::Failed(format!("HTTP {status}")));
        }
    }
}

#[tokio::test]
async fn a_failure_is_reported_as_one() {
    let (outcome, _) = run(
        vec![Reply::json(503, &json!({}))],
        RevocationMethod::Rfc7009,
        &grant(),
    )
    .await;
    assert_eq!(outcome, Revocation::Failed("HTTP 503".to_owned()));
    let (outcome, _) = run(vec![Reply::Drop], RevocationMethod::Rfc7009, &grant()).await;
    assert!(matches!(outcome, Revocation::Failed(_)));
}

#[tokio::test]
async fn a_web_page_has_revoked_nothing() {
    let page = Reply::raw("HTTP/1.1 200 X\r\nContent-Length: 18\r\n\r\n<html>Wi-Fi</html>");
    let (outcome, _fake) = run(vec![page], RevocationMethod::Rfc7009, &grant()).await;
    assert!(matches!(outcome, Revocation::Failed(_)), "{outcome:?}");
}
