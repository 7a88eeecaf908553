//! Rotation, reuse, grace and single use, on a clock of their own.

use proptest::prelude::*;

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:5000/callback";

struct Fixture {
    tokens: TokenStore,
    settings: Settings,
    now: Instant,
    minted: u32,
}

impl Fixture {
    fn new(settings: Settings) -> Self {
        Self {
            tokens: TokenStore::default(),
            settings,
            now: Instant::now(),
            minted: 0,
        }
    }

    fn rotating(refresh_tokens: RefreshTokens) -> Self {
        Self::new(Settings {
            refresh_tokens,
            ..Settings::default()
        })
    }

    fn strict(grace_seconds: f64) -> Self {
        Self::new(Settings {
            grace_seconds,
            ..Settings::default()
        })
    }

    fn new_tokens(&mut self) -> NewTokens {
        self.minted += 1;
        let number = self.minted;
        NewTokens {
            access_token: format!("at-{number}"),
            refresh_token: format!("rt-{number}"),
            jkt: None,
        }
    }

    fn approve(&mut self) {
        self.approve_as("demo", "ada");
    }

    fn approve_as(&mut self, client: &str, account: &str) {
        let approval = Approval {
            client: client.to_owned(),
            account: account.to_owned(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            redirect_uri: REDIRECT.to_owned(),
            challenge: Some(CHALLENGE.to_owned()),
            nonce: None,
            jkt: None,
        };
        self.tokens.approve("code".to_owned(), approval, self.now);
    }

    fn exchange(&mut self, verifier: &str, redirect_uri: &str) -> Result<Issued, OAuthError> {
        self.exchange_as("demo", verifier, redirect_uri)
    }

    fn exchange_as(
        &mut self,
        client: &str,
        verifier: &str,
        redirect_uri: &str,
    ) -> Result<Issued, OAuthError> {
        let request = CodeExchange {
            code: "code",
            client,
            redirect_uri: Some(redirect_uri),
            verifier: Some(verifier),
        };
        let new = self.new_tokens();
        self.tokens
            .exchange(&request, new, &self.settings, self.now)
    }

    fn sign_in(&mut self) -> Issued {
        self.sign_in_as("demo", "ada")
    }

    fn sign_in_as(&mut self, client: &str, account: &str) -> Issued {
        self.approve_as(client, account);
        self.exchange_as(client, VERIFIER, REDIRECT).unwrap()
    }

    fn refresh(&mut self, refresh_token: &str) -> Result<Issued, OAuthError> {
        let request = RefreshRequest {
            refresh_token,
            client: "demo",
            scopes: None,
        };
        let new = self.new_tokens();
        self.tokens.refresh(request, new, &self.settings, self.now)
    }

    fn is_valid(&self, access_token: &str) -> bool {
        self.tokens.access(access_token, self.now).is_some()
    }

    fn revoked(&self) -> Option<Revocation> {
        self.tokens.families()[0].revoked
    }
}

fn refresh_token(issued: &Issued) -> &str {
    issued
        .refresh_token
        .as_deref()
        .expect("a refresh token was issued")
}

#[test]
fn code_works_once_and_its_replay_revokes_what_it_gave() {
    let mut fixture = Fixture::strict(0.0);
    let first = fixture.sign_in();
    assert!(fixture.is_valid(&first.access_token));
    assert!(matches!(
        fixture.exchange(VERIFIER, REDIRECT),
        Err(OAuthError::InvalidCode(_))
    ));
    assert_eq!(fixture.revoked(), Some(Revocation::CodeReplay));
    assert!(!fixture.is_valid(&first.access_token));
}

#[test]
fn wrong_verifier_spends_the_code() {
    let mut fixture = Fixture::strict(0.0);
    fixture.approve();
    assert!(matches!(
        fixture.exchange("wrong", REDIRECT),
        Err(OAuthError::InvalidCode(_))
    ));
    assert!(matches!(
        fixture.exchange(VERIFIER, REDIRECT),
        Err(OAuthError::InvalidCode(_))
    ));
}

#[test]
fn redirect_uri_must_be_the_same_byte_for_byte() {
    let mut fixture = Fixture::strict(0.0);
    fixture.approve();
    let other = format!("{REDIRECT}/");
    assert_eq!(
        fixture.exchange(VERIFIER, &other),
        Err(OAuthError::RedirectMismatch)
    );
}

#[test]
fn code_ends_after_a_minute() {
    let mut fixture = Fixture::strict(0.0);
    fixture.approve();
    fixture.now += Duration::from_secs(61);
    assert!(matches!(
        fixture.exchange(VERIFIER, REDIRECT),
        Err(OAuthError::InvalidCode(_))
    ));
}

#[test]
fn strict_reuse_revokes_the_family_with_its_access_tokens() {
    let mut fixture = Fixture::strict(0.0);
    let first = fixture.sign_in();
    let second = fixture.refresh(refresh_token(&first)).unwrap();
    assert!(fixture.refresh(refresh_token(&first)).is_err());
    assert_eq!(fixture.revoked(), Some(Revocation::Reuse));
    assert!(fixture.refresh(refresh_token(&second)).is_err());
    assert!(!fixture.is_valid(&second.access_token));
}

#[test]
fn lenient_reuse_is_refused_and_harms_nobody() {
    let mut fixture = Fixture::rotating(RefreshTokens::Rotating);
    let first = fixture.sign_in();
    let second = fixture.refresh(refresh_token(&first)).unwrap();
    assert!(fixture.refresh(refresh_token(&first)).is_err());
    assert!(fixture.refresh(refresh_token(&second)).is_ok());
}

#[test]
fn previous_token_works_within_the_grace_period_and_both_successors_are_valid() {
    let mut fixture = Fixture::strict(30.0);
    let first = fixture.sign_in();
    let lost = fixture.refresh(refresh_token(&first)).unwrap();
    fixture.now += Duration::from_secs(29);
    let again = fixture.refresh(refresh_token(&first)).unwrap();
    assert!(fixture.refresh(refresh_token(&again)).is_ok());
    assert!(fixture.refresh(refresh_token(&lost)).is_ok());
}

#[test]
fn grace_ends_and_covers_only_the_previous_token() {
    let mut late = Fixture::strict(30.0);
    let first = late.sign_in();
    late.refresh(refresh_token(&first)).unwrap();
    late.now += Duration::from_secs(30);
    assert!(late.refresh(refresh_token(&first)).is_err());

    let mut older = Fixture::strict(30.0);
    let first = older.sign_in();
    let second = older.refresh(refresh_token(&first)).unwrap();
    older.refresh(refresh_token(&second)).unwrap();
    assert!(older.refresh(refresh_token(&first)).is_err());
    assert_eq!(older.revoked(), Some(Revocation::Reuse));
}

#[test]
fn kept_token_is_not_repeated_and_repeated_one_is() {
    let mut kept = Fixture::rotating(RefreshTokens::Kept);
    let first = kept.sign_in();
    assert_eq!(
        kept.refresh(refresh_token(&first)).unwrap().refresh_token,
        None
    );
    assert!(kept.refresh(refresh_token(&first)).is_ok());

    let mut repeated = Fixture::rotating(RefreshTokens::Repeated);
    let first = repeated.sign_in();
    let second = repeated.refresh(refresh_token(&first)).unwrap();
    assert_eq!(second.refresh_token, first.refresh_token);
}

#[test]
fn refresh_revokes_the_old_access_token_only_if_set() {
    for revokes in [false, true] {
        let mut fixture = Fixture::strict(0.0);
        fixture.settings.refresh_revokes_access_token = revokes;
        let first = fixture.sign_in();
        let second = fixture.refresh(refresh_token(&first)).unwrap();
        assert_eq!(fixture.is_valid(&first.access_token), !revokes);
        assert!(fixture.is_valid(&second.access_token));
    }
}

#[test]
fn refresh_narrows_but_never_widens_scope() {
    let mut fixture = Fixture::rotating(RefreshTokens::Repeated);
    let first = fixture.sign_in();
    let mut ask = |scope: &str| {
        let request = RefreshRequest {
            refresh_token: "rt-1",
            client: "demo",
            scopes: Some(vec![scope.to_owned()]),
        };
        let new = fixture.new_tokens();
        fixture
            .tokens
            .refresh(request, new, &fixture.settings, fixture.now)
    };
    assert_eq!(first.refresh_token.as_deref(), Some("rt-1"));
    assert_eq!(ask("email").unwrap().scopes, ["email"]);
    assert_eq!(ask("admin"), Err(OAuthError::InvalidScope));
}

#[test]
fn revoking_a_refresh_token_ends_its_family_an_access_token_only_itself() {
    let mut fixture = Fixture::strict(0.0);
    let first = fixture.sign_in();
    let second = fixture.refresh(refresh_token(&first)).unwrap();
    let other = fixture.sign_in();
    let mut revoke = |token: &str, client: &str| {
        let scope = RevocationScope::Grant;
        fixture.tokens.revoke(token, client, scope)
    };
    assert!(!revoke(&first.access_token, "other-client"));
    assert!(revoke(&first.access_token, "demo"));
    assert!(revoke(refresh_token(&second), "demo"));
    assert!(!revoke(refresh_token(&second), "demo"));
    assert!(!fixture.is_valid(&first.access_token));
    assert!(!fixture.is_valid(&second.access_token));
    assert!(fixture.is_valid(&other.access_token));
}

#[test]
fn with_the_scope_consent_any_token_ends_all_grants_of_the_account_to_the_client() {
    let by_access_token = |issued: &Issued| issued.access_token.clone();
    let by_refresh_token = |issued: &Issued| refresh_token(issued).to_owned();
    for token in [by_access_token, by_refresh_token] as [fn(&Issued) -> String; 2] {
        let mut fixture = Fixture::strict(0.0);
        let first = fixture.sign_in();
        let second = fixture.sign_in();
        let others = [("demo", "grace"), ("other-client", "ada")]
            .map(|(client, account)| fixture.sign_in_as(client, account));
        let scope = RevocationScope::Consent;
        assert!(!fixture.tokens.revoke(&token(&first), "other-client", scope));
        assert!(fixture.tokens.revoke(&token(&first), "demo", scope));
        assert!(!fixture.is_valid(&first.access_token));
        assert!(!fixture.is_valid(&second.access_token));
        assert!(fixture.refresh(refresh_token(&second)).is_err());
        for other in others {
            assert!(fixture.is_valid(&other.access_token));
        }
    }
}

proptest! {
    /// Whoever always uses the newest token is never refused, whatever the grace.
    #[test]
    fn faithful_client_is_never_refused(waits in prop::collection::vec(0u64..100, 1..30), grace in 0.0..50.0) {
        let mut fixture = Fixture::strict(grace);
        let mut latest = fixture.sign_in();
        for wait in waits {
            fixture.now += Duration::from_secs(wait);
            latest = fixture.refresh(refresh_token(&latest)).unwrap();
        }
        prop_assert_eq!(fixture.revoked(), None);
    }

    /// In strict mode without grace period a token is accepted at most once.
    #[test]
    fn strict_token_is_accepted_at_most_once(picks in prop::collection::vec(0usize..8, 1..30)) {
        let mut fixture = Fixture::strict(0.0);
        let mut known = vec![refresh_token(&fixture.sign_in()).to_owned()];
        let mut taken = std::collections::HashSet::new();
        for pick in picks {
            let token = known[pick % known.len()].clone();
            if let Ok(issued) = fixture.refresh(&token) {
                prop_assert!(taken.insert(token));
                known.push(refresh_token(&issued).to_owned());
            }
        }
    }
}
