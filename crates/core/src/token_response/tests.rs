use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::clock_reading::ClockReading;

fn read(body: &Value) -> Result<TokenResponse, NoGrant> {
    read_as(body, TokenShape::Standard)
}

fn read_as(body: &Value, shape: TokenShape) -> Result<TokenResponse, NoGrant> {
    TokenResponse::from_members(body.as_object().unwrap().clone(), shape)
}

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn grant_of(body: &Value, previous: Option<&Grant>) -> Grant {
    read(body).unwrap().into_grant(
        Generation(2),
        previous,
        &Scopes::parse_any("openid email"),
        Lifetimes::default(),
        ClockReading::wall(now()),
    )
}

const fn secs(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

#[test]
fn a_standard_reply_is_read_whole() {
    let reply = read(&json!({
        "access_token": "at", "refresh_token": "rt", "id_token": "h.p.s", "token_type": "Bearer",
        "expires_in": 3600, "refresh_token_expires_in": 7200, "scope": "openid email",
        "unknown": {"nested": [1, 2, 3]},
    }))
    .unwrap();
    assert_eq!(reply.access_token.expose(), "at");
    assert_eq!(reply.refresh_token.unwrap().expose(), "rt");
    assert_eq!(reply.id_token.unwrap().expose(), "h.p.s");
    assert_eq!(reply.expires_in, Some(secs(3600)));
    assert_eq!(reply.refresh_expires_in, Some(secs(7200)));
    assert_eq!(reply.scopes, Some(Scopes::parse_any("openid email")));
}

#[test]
fn lifetimes_are_read_however_they_are_spelled() {
    let cases = [
        (json!(3600), Some(secs(3600))),
        (json!("3600"), Some(secs(3600))),
        (json!(" 3600 "), Some(secs(3600))),
        (json!(3600.0), Some(secs(3600))),
        (json!("3.6e3"), Some(secs(3600))),
        (json!(1e300), Some(secs(3_155_760_000))),
        (json!("99999999999999999999"), Some(secs(3_155_760_000))),
        (json!(0), None),
        (json!(-5), None),
        (json!("NaN"), None),
        (json!("inf"), None),
        (json!("soon"), None),
        (json!(null), None),
        (json!(true), None),
        (json!([3600]), None),
    ];
    for (spelled, expected) in cases {
        let reply = read(&json!({"access_token": "at", "expires_in": spelled})).unwrap();
        assert_eq!(reply.expires_in, expected, "{spelled}");
    }
}

#[test]
fn bearer_in_any_case_or_unnamed_is_accepted_and_nothing_else() {
    for token_type in ["bearer", "Bearer", "BEARER", ""] {
        assert!(read(&json!({"access_token": "at", "token_type": token_type})).is_ok());
    }
    assert!(read(&json!({"access_token": "at"})).is_ok());
    for token_type in ["mac", "user", "pop"] {
        let refused = read(&json!({"access_token": "at", "token_type": token_type}));
        assert_eq!(refused, Err(NoGrant::TokenType(token_type.to_owned())));
    }
}

#[test]
fn a_bound_token_needs_its_key_and_one_that_must_be_bound_comes_with_it() {
    let key = DpopKey::new("a-key");
    let reply =
        |token_type: &str| read(&json!({"access_token": "at", "token_type": token_type})).unwrap();
    let bound = reply("dpop")
        .bind(Some(&key), Some(Dpop::Required))
        .unwrap();
    assert_eq!(bound.token_type, TokenType::Dpop);
    assert_eq!(bound.dpop_key.as_ref(), Some(&key));
    let not_asked_for = reply("DPoP").bind(None, None);
    assert_eq!(not_asked_for, Err(NoGrant::TokenType("DPoP".to_owned())));
    let required = reply("Bearer").bind(Some(&key), Some(Dpop::Required));
    assert_eq!(required, Err(NoGrant::NotBound));
    let preferred = reply("Bearer").bind(Some(&key), Some(Dpop::Preferred));
    let preferred = preferred.unwrap();
    assert_eq!(preferred.token_type, TokenType::Bearer);
    assert_eq!(
        preferred.dpop_key.as_ref(),
        Some(&key),
        "of its refresh token"
    );
    assert_eq!(reply("").bind(None, None).unwrap().dpop_key, None);
}

#[test]
fn a_token_that_is_missing_empty_mistyped_or_unfit_for_a_header_is_refused() {
    for token in [json!(null), json!(""), json!(7), json!({"a": 1})] {
        assert_eq!(
            read(&json!({ "access_token": token })),
            Err(NoGrant::NoToken)
        );
    }
    for token in ["a b", "a\r\nX-Evil: 1", "tökén"] {
        assert_eq!(
            read(&json!({ "access_token": token })),
            Err(NoGrant::BadToken)
        );
    }
}

#[test]
fn scopes_come_as_text_with_spaces_or_commas_or_as_a_list() {
    for scope in [json!("a b"), json!("a,b"), json!("a, b"), json!(["a", "b"])] {
        let reply = read(&json!({"access_token": "at", "scope": scope})).unwrap();
        assert_eq!(reply.scopes, Some(Scopes::parse_any("a b")));
    }
}

#[test]
fn a_slack_user_token_is_found_nested_and_after_a_refresh_at_the_top() {
    let nested = json!({
        "ok": true, "access_token": "xoxb-bot", "token_type": "bot",
        "authed_user": {"id": "U1", "access_token": "xoxp-user", "token_type": "user", "scope": "users:read",
                        "expires_in": 43200, "refresh_token": "xoxe-1"},
    });
    let reply = read_as(&nested, TokenShape::AuthedUser).unwrap();
    assert_eq!(reply.access_token.expose(), "xoxp-user");
    assert_eq!(reply.refresh_token.unwrap().expose(), "xoxe-1");
    assert_eq!(reply.expires_in, Some(secs(43200)));

    let top = json!({"ok": true, "access_token": "xoxp-user", "token_type": "user"});
    assert!(read_as(&top, TokenShape::AuthedUser).is_ok());

    let bot_only = json!({"ok": true, "access_token": "xoxb-bot", "token_type": "bot", "authed_user": {"id": "U1"}});
    assert_eq!(
        read_as(&bot_only, TokenShape::AuthedUser),
        Err(NoGrant::TokenType("bot".into()))
    );
}

#[test]
fn thirty_unknown_members_and_an_8_kib_token_are_no_trouble() {
    let mut body = json!({"access_token": "x".repeat(8192)});
    for n in 0..30 {
        body[format!("extra_{n}")] = json!({"n": n});
    }
    assert_eq!(read(&body).unwrap().access_token.expose().len(), 8192);
}

#[test]
fn what_a_refresh_does_not_mention_is_kept() {
    let first = grant_of(
        &json!({"access_token": "at1", "refresh_token": "rt1", "id_token": "h.p.s",
                "refresh_expires_in": 100, "scope": "openid"}),
        None,
    );
    let second = grant_of(
        &json!({"access_token": "at2", "expires_in": 60}),
        Some(&first),
    );
    assert_eq!(second.access_token.expose(), "at2");
    assert_eq!(second.refresh_token, first.refresh_token);
    assert_eq!(second.id_token, first.id_token);
    assert_eq!(second.scopes, first.scopes);
    assert_eq!(second.refresh_expires_at, first.refresh_expires_at);
    assert_eq!(second.lifetime(), Some(secs(60)));

    let third = grant_of(
        &json!({"access_token": "at3", "refresh_token": "rt3"}),
        Some(&second),
    );
    assert_eq!(third.refresh_token.unwrap().expose(), "rt3");
    assert_eq!(
        third.refresh_expires_at, None,
        "the old end says nothing about the new token"
    );
}

#[test]
fn a_login_with_a_term_keeps_its_end_through_refreshes() {
    let grant = |members: &Value, previous: Option<&Grant>, login: Option<i64>| {
        let lifetimes = Lifetimes {
            access: None,
            login: login.map(secs),
        };
        let asked = Scopes::default();
        let reading = ClockReading::wall(now());
        read(members)
            .unwrap()
            .into_grant(Generation(1), previous, &asked, lifetimes, reading)
    };
    let tokens = json!({"access_token": "at", "refresh_token": "rt"});
    let first = grant(&tokens, None, Some(600));
    let end = first.refresh_expires_at.unwrap();
    assert_eq!(end.duration_since(now()), secs(600));
    let earlier = Grant {
        refresh_expires_at: Some(end - secs(100)),
        ..first
    };
    let refreshed = grant(&tokens, Some(&earlier), Some(600));
    assert_eq!(refreshed.refresh_expires_at, earlier.refresh_expires_at);
    let unknown = grant(&tokens, Some(&earlier), None);
    assert_eq!(
        unknown.refresh_expires_at, None,
        "a new token, of unknown life"
    );
    let announced = json!({"access_token": "at", "refresh_token": "rt", "refresh_expires_in": 7});
    let announced = grant(&announced, Some(&earlier), Some(600));
    assert_eq!(
        announced.refresh_expires_at.unwrap().duration_since(now()),
        secs(7)
    );
    let alone = grant(&json!({"access_token": "at"}), None, Some(600));
    assert_eq!(alone.refresh_expires_at, None, "there is no refresh token");
}

#[test]
fn scopes_may_stand_in_a_field_of_that_name() {
    let granted = grant_of(
        &json!({"access_token": "at", "scopes": "account repository"}),
        None,
    );
    assert_eq!(granted.scopes, Scopes::parse_any("account repository"));
}

#[test]
fn a_missing_scope_means_as_asked_and_a_present_one_is_the_truth() {
    let asked = grant_of(&json!({"access_token": "at"}), None);
    assert_eq!(asked.scopes, Scopes::parse_any("openid email"));
    let subset = grant_of(&json!({"access_token": "at", "scope": "openid"}), None);
    assert_eq!(subset.scopes, Scopes::parse_any("openid"));
}

#[test]
fn without_expires_in_the_jwt_counts_then_the_catalogue_then_nothing() {
    let jwt = |exp: i64| {
        let claims = URL_SAFE_NO_PAD.encode(json!({ "exp": exp }).to_string());
        format!("e30.{claims}.c2ln")
    };
    let grant = |token: &str, default: Option<SignedDuration>| {
        read(&json!({ "access_token": token }))
            .unwrap()
            .into_grant(
                Generation(1),
                None,
                &Scopes::default(),
                Lifetimes {
                    access: default,
                    login: None,
                },
                ClockReading::wall(now()),
            )
            .expires_at
    };
    let in_ten = now().as_second() + 10;
    assert_eq!(
        grant(&jwt(in_ten), Some(secs(99))).map(Timestamp::as_second),
        Some(in_ten)
    );
    let default_end = Some(freshness::add(now(), secs(99)));
    assert_eq!(
        grant(&jwt(5), Some(secs(99))),
        default_end,
        "an end in the past says nothing"
    );
    assert_eq!(grant("opaque", Some(secs(99))), default_end);
    assert_eq!(grant("opaque", None), None);
    assert_eq!(grant("a.b.c", None), None);
}

#[test]
fn a_form_body_reads_like_json_whatever_its_declared_type() {
    let cases = [
        (
            Some("application/x-www-form-urlencoded; charset=utf-8"),
            "access_token=at&scope=a%2Cb",
        ),
        (Some("text/plain"), "access_token=at&scope=a+b"),
        (None, "access_token=at&scope=a,b"),
        (
            Some("text/html"),
            "\u{feff} {\"access_token\":\"at\",\"scope\":\"a b\"}",
        ),
    ];
    for (content_type, body) in cases {
        let answer = Answer {
            status: 200,
            content_type: content_type.map(str::to_owned),
            body: body.as_bytes().to_vec().into(),
            ..Answer::default()
        };
        let Content::Members(members) = answer.content() else {
            panic!("{body}");
        };
        let reply = TokenResponse::from_members(members, TokenShape::Standard).unwrap();
        assert_eq!(reply.access_token.expose(), "at");
        assert_eq!(reply.scopes, Some(Scopes::parse_any("a b")));
    }
}

#[test]
fn debug_output_of_an_answer_never_holds_its_body() {
    let answer = Answer {
        body: b"access_token=planted".to_vec().into(),
        ..Answer::default()
    };
    assert!(!format!("{answer:?}").contains("planted"));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,24}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(".{0,8}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_members_whatever_make_the_reader_or_the_grant_panic(
        values in prop::collection::vec(any_json(), 8),
        default in any::<Option<u32>>(),
    ) {
        let names = ["access_token", "refresh_token", "id_token", "token_type", "expires_in",
                     "refresh_expires_in", "scope", "authed_user"];
        let members: Map<String, Value> = names.into_iter().map(str::to_owned).zip(values).collect();
        for shape in [TokenShape::Standard, TokenShape::AuthedUser] {
            if let Ok(reply) = TokenResponse::from_members(members.clone(), shape) {
                let default = default.map(|s| secs(s.into()));
                let grant = reply.into_grant(Generation(1), None, &Scopes::default(), Lifetimes { access: default, login: None }, ClockReading::wall(now()));
                prop_assert!(grant.is_valid(now()));
                prop_assert!(!grant.access_token.expose().is_empty());
            }
        }
    }

    #[test]
    fn any_bytes_are_some_content(body in prop::collection::vec(any::<u8>(), 0..300), content_type in ".{0,40}") {
        let answer = Answer { status: 200, content_type: Some(content_type), body: body.into(), ..Answer::default() };
        let _ = answer.content();
    }
}
