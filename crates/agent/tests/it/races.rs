//! Everything at once, in an order that chance picks, at a provider that forgives nothing.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{Bench, LONG, authenticator_key, authorize_url, change, eventually, key, me};
use crate::tokens_by_name::TokensByName as _;
use jiff::SignedDuration;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::timeout;
use valetkey_agent::sign_in::{SignInMethod, SignInOptions};
use valetkey_agent::{
    Agent, AgentError, AuthenticatorChange, ConnectionKey, Requester, TokenRequirements,
};
use valetkey_core::api_host::ApiHost;
use valetkey_core::connection_state::Status;
use valetkey_core::id::ConnectionId;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{Consent, Fault, FaultKind, Revocation};
use valetkey_vault::ItemName;
use valetkey_vault::store::testing::Fault as StoreFault;

/// How long chance may play.
const PLAY: Duration = Duration::from_secs(10);
const NAMES: [&str; 3] = ["plain", "other", "plain/grace@example.com"];

/// Chance, the same for the same seed (xorshift64*).
struct Chance(u64);

impl Chance {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = self.below(all.len() as u64);
        all[usize::try_from(at).expect("a small number")]
    }
}

/// Faults that lose no answer: what was carried out is told.
fn harmless(chance: &mut Chance) -> Fault {
    let kind = match chance.below(4) {
        0 => FaultKind::status(503),
        1 => FaultKind::Html { status: 200 },
        2 => FaultKind::Status {
            status: 429,
            retry_after: Some("3".to_owned()),
        },
        _ => FaultKind::Latency {
            ms: chance.below(20),
        },
    };
    Fault::refresh(kind)
}

async fn sign_in(agent: Agent, name: &'static str) -> Result<(), AgentError> {
    let ask = SignInOptions {
        authenticator: authenticator_key(name),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Browser,
        reason: None,
    };
    let view = agent.begin_sign_in(ask, &me()).await?;
    // Nobody listens any more if its five minutes went by.
    drop(reqwest::get(authorize_url(&view)).await);
    match agent.wait_sign_in(view.id, LONG).await {
        // A jump of the clock may have let it end, and be forgotten.
        Ok(_) | Err(AgentError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Whichever a program or person might do; the id of a connection that it removed.
async fn act(agent: Agent, what: u64, name: &'static str) -> Option<ConnectionId> {
    let named = key(name);
    let id = agent.connection(&named).ok()?.row.id;
    match what {
        0 => drop(agent.refresh_of(&named, &me()).await),
        1 => {
            let token = agent
                .token_of(&named, &TokenRequirements::default(), &me())
                .await
                .ok()?;
            let refused = &token.live.fingerprint;
            drop(agent.invalidate_of(&named, refused, &me()).await);
        }
        2 => {
            let gone = agent.disconnect(&ConnectionKey::Id(id), true, &me()).await;
            return gone.is_ok().then_some(id);
        }
        _ => drop(
            agent
                .token_of(&named, &TokenRequirements::default(), &me())
                .await,
        ),
    }
    None
}

async fn play(bench: &Bench, chance: &mut Chance) -> BTreeSet<ConnectionId> {
    let mut removed = BTreeSet::new();
    for _ in 0..5 {
        let mut acts = JoinSet::new();
        for _ in 0..12 {
            let agent = bench.agent.clone();
            if chance.below(3) == 0 {
                bench.provider.fault(harmless(chance));
            }
            match chance.below(10) {
                0 | 1 => {
                    let account = chance.one_of(&["ada", "grace"]);
                    bench
                        .provider
                        .update(|settings| settings.consent = Consent::allow(account));
                    let name = chance.one_of(&["plain", "other"]);
                    acts.spawn(async move {
                        sign_in(agent, name).await.expect("a sign-in begins");
                        None
                    });
                }
                what => {
                    let name = chance.one_of(&NAMES);
                    acts.spawn(act(agent, what - 2, name));
                }
            }
            if chance.below(4) == 0 {
                tokio::task::yield_now().await;
            }
            if chance.below(6) == 0 {
                let minutes = chance.one_of(&[0, 1, 30, 120]);
                bench.clock.jump(SignedDuration::from_mins(minutes));
                bench.clock.advance(crate::support::seconds(30));
            }
        }
        loop {
            tokio::select! {
                done = acts.join_next() => match done {
                    Some(done) => removed.extend(done.expect("no panic")),
                    None => break,
                },
                // Some wait for a retry.
                () = tokio::time::sleep(Duration::from_millis(20)) => {
                    bench.clock.advance(crate::support::seconds(1));
                }
            }
        }
    }
    removed
}

#[tokio::test]
async fn whatever_happens_at_once_no_login_is_lost_and_none_revived() {
    let begun = Instant::now();
    let mut seed = 0;
    while begun.elapsed() < PLAY {
        seed += 1;
        let mut chance = Chance::new(seed);
        let bench = Bench::start().await;
        // Without id tokens: the provider's clock does not jump along.
        let simple = json!({ "scopes": ["email", "offline_access"], "issuer": null });
        for name in ["plain", "other"] {
            bench.add(name, simple.clone()).await;
            bench.connect(name).await;
        }
        let removed = play(&bench, &mut chance).await;

        bench.provider.clear_faults();
        // A refresh that an alarm began may still bring back the last of the faults.
        bench.settle().await;
        bench.clock.jump(SignedDuration::from_hours(3));
        let views = bench.agent.connections(None);
        let kept: BTreeSet<ConnectionId> = views.iter().map(|view| view.row.id).collect();
        assert!(kept.is_disjoint(&removed), "seed {seed}: revived");
        let items = bench.store.items().into_iter();
        let stored: BTreeSet<ConnectionId> = items
            .filter_map(|item| match item {
                ItemName::Grant(id) => Some(id),
                ItemName::ClientSecret(_)
                | ItemName::Registration(_)
                | ItemName::AuditLog
                | ItemName::TokenImport(_)
                | ItemName::Probe(_) => None,
            })
            .collect();
        assert_eq!(stored, kept, "seed {seed}: items and rows");
        for view in views {
            let token = bench.access(&view.name.to_string()).await;
            assert!(bench.provider.access_token_lives(&token), "seed {seed}");
            assert_eq!(bench.status(&view.name.to_string()), Status::Active);
        }
        for family in bench.provider.families() {
            let by_us = matches!(family.revoked, None | Some(Revocation::Client));
            assert!(by_us, "seed {seed}: {family:?}");
        }
        for id in removed {
            let key = ConnectionKey::Id(id);
            let token = bench
                .agent
                .token_of(&key, &TokenRequirements::default(), &me())
                .await;
            assert!(matches!(token, Err(AgentError::NotFound { .. })));
        }
    }
    assert!(seed > 1, "chance had more than one turn");
}

#[tokio::test]
async fn a_thousand_refreshes_with_outages_end_with_a_live_grant() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    let mut chance = Chance::new(1);
    let mut done = 0;
    while done < 1000 {
        if chance.below(4) == 0 {
            let outage = Fault::refresh(FaultKind::status(503));
            bench.provider.fault(outage);
        }
        match bench.agent.refresh_of(&key("demo"), &me()).await {
            Ok(_) => done += 1,
            Err(AgentError::ProviderUnreachable { .. }) => {
                bench.clock.jump(SignedDuration::from_secs(6));
            }
            Err(other) => panic!("after {done}: {other:?}"),
        }
    }
    assert!(!bench.provider.family_revoked("ada"));
    let rotations = bench.provider.families()[0].rotations;
    assert!(rotations >= 1000, "{rotations}");
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
}

#[tokio::test]
async fn a_disabled_login_ends_its_streams_before_the_keychain_is_written() {
    for disable in [true, false] {
        let bench = Bench::connected().await;
        let hosts = json!({ "api_hosts": ["api.test", "other.test"] });
        bench.update("demo", hosts).await;
        let id = bench.view("demo").row.id;
        let person = Requester::person(me());
        let grant = bench.agent.proxy_grant(id, &person).await.expect("a token");
        let host = ApiHost::parse("api.test").expect("a host");
        let stream = bench.agent.exchange(&grant, host, Some("GET".to_owned()));
        let ended = tokio::spawn(stream.withdrawn());

        bench.store.set(StoreFault::Hang);
        let ask = if disable {
            AuthenticatorChange {
                is_active: Some(false),
                ..AuthenticatorChange::default()
            }
        } else {
            change(json!({ "api_hosts": ["other.test"] }))
        };
        let agent = bench.agent.clone();
        let changed = tokio::spawn(async move {
            let demo = authenticator_key("demo");
            agent.update_authenticator(&demo, ask, &me()).await
        });
        eventually("the write hangs", || bench.store.is_hanging()).await;
        let error = timeout(LONG, ended).await.expect("ended in time");
        match error.expect("no panic") {
            AgentError::Disabled(_) if disable => {}
            AgentError::NotAllowed(_) if !disable => {}
            other => panic!("{other:?}"),
        }
        assert!(!bench.view("demo").unsaved, "it is being written");
        bench.store.set(StoreFault::None);
        let changed = timeout(LONG, changed).await.expect("in time");
        changed.expect("no panic").expect("changed");
    }
}
