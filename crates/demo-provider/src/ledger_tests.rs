//! Rotation, reuse, grace and single use, on a clock of their own.

use proptest::prelude::*;

use super::*;

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const REDIRECT: &str = "http://127.0.0.1:5000/callback";

struct Bench {
    ledger: Ledger,
    settings: Settings,
    now: Instant,
    minted: u32,
}

impl Bench {
    fn new(settings: Settings) -> Self {
        Self {
            ledger: Ledger::default(),
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

    fn fresh(&mut self) -> Fresh {
        self.minted += 1;
        let number = self.minted;
        Fresh {
            access_token: format!("at-{number}"),
            refresh_token: format!("rt-{number}"),
        }
    }

    fn approve(&mut self) {
        let approval = Approval {
            client: "demo".to_owned(),
            account: "ada".to_owned(),
            scopes: vec!["openid".to_owned(), "email".to_owned()],
            redirect_uri: REDIRECT.to_owned(),
            challenge: Some(CHALLENGE.to_owned()),
            nonce: None,
        };
        self.ledger.approve("code".to_owned(), approval, self.now);
    }

    fn exchange(&mut self, verifier: &str, redirect_uri: &str) -> Result<Issued, Refusal> {
        let asked = Exchange {
            code: "code",
            client: "demo",
            redirect_uri: Some(redirect_uri),
            verifier: Some(verifier),
        };
        let fresh = self.fresh();
        self.ledger
            .exchange(&asked, fresh, &self.settings, self.now)
    }

    fn sign_in(&mut self) -> Issued {
        self.approve();
        self.exchange(VERIFIER, REDIRECT).unwrap()
    }

    fn renew(&mut self, refresh_token: &str) -> Result<Issued, Refusal> {
        let asked = Renewal {
            refresh_token,
            client: "demo",
            scopes: None,
        };
        let fresh = self.fresh();
        self.ledger.renew(asked, fresh, &self.settings, self.now)
    }

    fn lives(&self, access_token: &str) -> bool {
        self.ledger.access(access_token, self.now).is_some()
    }

    fn revoked(&self) -> Option<Revocation> {
        self.ledger.families()[0].revoked
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
    let mut bench = Bench::strict(0.0);
    let first = bench.sign_in();
    assert!(bench.lives(&first.access_token));
    assert!(matches!(
        bench.exchange(VERIFIER, REDIRECT),
        Err(Refusal::BadCode(_))
    ));
    assert_eq!(bench.revoked(), Some(Revocation::CodeReplay));
    assert!(!bench.lives(&first.access_token));
}

#[test]
fn wrong_verifier_spends_the_code() {
    let mut bench = Bench::strict(0.0);
    bench.approve();
    assert!(matches!(
        bench.exchange("wrong", REDIRECT),
        Err(Refusal::BadCode(_))
    ));
    assert!(matches!(
        bench.exchange(VERIFIER, REDIRECT),
        Err(Refusal::BadCode(_))
    ));
}

#[test]
fn redirect_uri_must_be_the_same_byte_for_byte() {
    let mut bench = Bench::strict(0.0);
    bench.approve();
    let other = format!("{REDIRECT}/");
    assert_eq!(
        bench.exchange(VERIFIER, &other),
        Err(Refusal::OtherRedirect)
    );
}

#[test]
fn code_ends_after_a_minute() {
    let mut bench = Bench::strict(0.0);
    bench.approve();
    bench.now += Duration::from_secs(61);
    assert!(matches!(
        bench.exchange(VERIFIER, REDIRECT),
        Err(Refusal::BadCode(_))
    ));
}

#[test]
fn strict_reuse_revokes_the_family_with_its_access_tokens() {
    let mut bench = Bench::strict(0.0);
    let first = bench.sign_in();
    let second = bench.renew(refresh_token(&first)).unwrap();
    assert!(bench.renew(refresh_token(&first)).is_err());
    assert_eq!(bench.revoked(), Some(Revocation::Reuse));
    assert!(bench.renew(refresh_token(&second)).is_err());
    assert!(!bench.lives(&second.access_token));
}

#[test]
fn lenient_reuse_is_refused_and_harms_nobody() {
    let mut bench = Bench::rotating(RefreshTokens::Rotating);
    let first = bench.sign_in();
    let second = bench.renew(refresh_token(&first)).unwrap();
    assert!(bench.renew(refresh_token(&first)).is_err());
    assert!(bench.renew(refresh_token(&second)).is_ok());
}

#[test]
fn previous_token_works_within_the_grace_and_both_successors_live() {
    let mut bench = Bench::strict(30.0);
    let first = bench.sign_in();
    let lost = bench.renew(refresh_token(&first)).unwrap();
    bench.now += Duration::from_secs(29);
    let again = bench.renew(refresh_token(&first)).unwrap();
    assert!(bench.renew(refresh_token(&again)).is_ok());
    assert!(bench.renew(refresh_token(&lost)).is_ok());
}

#[test]
fn grace_ends_and_covers_only_the_previous_token() {
    let mut late = Bench::strict(30.0);
    let first = late.sign_in();
    late.renew(refresh_token(&first)).unwrap();
    late.now += Duration::from_secs(30);
    assert!(late.renew(refresh_token(&first)).is_err());

    let mut older = Bench::strict(30.0);
    let first = older.sign_in();
    let second = older.renew(refresh_token(&first)).unwrap();
    older.renew(refresh_token(&second)).unwrap();
    assert!(older.renew(refresh_token(&first)).is_err());
    assert_eq!(older.revoked(), Some(Revocation::Reuse));
}

#[test]
fn kept_token_is_not_repeated_and_repeated_one_is() {
    let mut kept = Bench::rotating(RefreshTokens::Kept);
    let first = kept.sign_in();
    assert_eq!(
        kept.renew(refresh_token(&first)).unwrap().refresh_token,
        None
    );
    assert!(kept.renew(refresh_token(&first)).is_ok());

    let mut repeated = Bench::rotating(RefreshTokens::Repeated);
    let first = repeated.sign_in();
    let second = repeated.renew(refresh_token(&first)).unwrap();
    assert_eq!(second.refresh_token, first.refresh_token);
}

#[test]
fn refresh_kills_the_old_access_token_only_if_set() {
    for kills in [false, true] {
        let mut bench = Bench::strict(0.0);
        bench.settings.refresh_kills_access_token = kills;
        let first = bench.sign_in();
        let second = bench.renew(refresh_token(&first)).unwrap();
        assert_eq!(bench.lives(&first.access_token), !kills);
        assert!(bench.lives(&second.access_token));
    }
}

#[test]
fn refresh_narrows_but_never_widens_scope() {
    let mut bench = Bench::rotating(RefreshTokens::Repeated);
    let first = bench.sign_in();
    let mut ask = |scope: &str| {
        let asked = Renewal {
            refresh_token: "rt-1",
            client: "demo",
            scopes: Some(vec![scope.to_owned()]),
        };
        let fresh = bench.fresh();
        bench.ledger.renew(asked, fresh, &bench.settings, bench.now)
    };
    assert_eq!(first.refresh_token.as_deref(), Some("rt-1"));
    assert_eq!(ask("email").unwrap().scopes, ["email"]);
    assert_eq!(ask("admin"), Err(Refusal::TooMuchScope));
}

#[test]
fn revoking_a_refresh_token_takes_the_family_an_access_token_only_itself() {
    let mut bench = Bench::strict(0.0);
    let first = bench.sign_in();
    let second = bench.renew(refresh_token(&first)).unwrap();
    assert!(!bench.ledger.revoke(&first.access_token, "stranger"));
    assert!(bench.ledger.revoke(&first.access_token, "demo"));
    assert!(!bench.lives(&first.access_token) && bench.lives(&second.access_token));
    assert!(bench.ledger.revoke(refresh_token(&second), "demo"));
    assert!(!bench.ledger.revoke(refresh_token(&second), "demo"));
    assert!(!bench.lives(&second.access_token));
}

proptest! {
    /// Whoever always uses the newest token is never refused, whatever the grace.
    #[test]
    fn faithful_client_is_never_refused(waits in prop::collection::vec(0u64..100, 1..30), grace in 0.0..50.0) {
        let mut bench = Bench::strict(grace);
        let mut latest = bench.sign_in();
        for wait in waits {
            bench.now += Duration::from_secs(wait);
            latest = bench.renew(refresh_token(&latest)).unwrap();
        }
        prop_assert_eq!(bench.revoked(), None);
    }

    /// In the strict mode without grace a token is taken at most once.
    #[test]
    fn strict_token_is_taken_at_most_once(picks in prop::collection::vec(0usize..8, 1..30)) {
        let mut bench = Bench::strict(0.0);
        let mut known = vec![refresh_token(&bench.sign_in()).to_owned()];
        let mut taken = std::collections::HashSet::new();
        for pick in picks {
            let token = known[pick % known.len()].clone();
            if let Ok(issued) = bench.renew(&token) {
                prop_assert!(taken.insert(token));
                known.push(refresh_token(&issued).to_owned());
            }
        }
    }
}
