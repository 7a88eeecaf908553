//! 200 kills at random moments. What may be lost is what the design says: a refresh whose answer
//! the provider has sent and whose one keychain write has not ended.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use valetkey_demo_provider::{DemoProvider, Filter, Settings};
use valetkey_tests::{AgentFixture, HttpClient, Keyring, api};

const KILLS: u32 = 200;
/// Longer than a sign-in, a refresh or a disconnect takes on a busy machine.
const LONGEST: Duration = Duration::from_millis(60);

/// xorshift64*: enough to vary a moment, and the seed brings a run back.
struct Dice(u64);

impl Dice {
    fn thrown_now() -> Self {
        let told = std::env::var("VALETKEY_SEED").ok();
        let seed: u64 = match told {
            Some(told) => told.parse().expect("VALETKEY_SEED is a number"),
            None => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .expect("after 1970")
                .subsec_nanos()
                .into(),
        };
        Self(seed | 1)
    }

    fn up_to(&mut self, bound: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let part = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        let part = u32::try_from(part).expect("32 bits are left");
        bound.mul_f64(f64::from(part) / f64::from(u32::MAX))
    }
}

/// Does the keychain hold the refresh token that the provider would still take?
fn holds_the_live_grant(keyring: &Keyring, provider: &DemoProvider) -> bool {
    let Some(live) = provider.live_refresh_token("ada") else {
        return false;
    };
    let items = keyring.items();
    let mut texts = items
        .iter()
        .map(|item| String::from_utf8_lossy(&item.secret).into_owned());
    texts.any(|text| text.contains(&live))
}

/// What the dead agent had sent is read before what is sent now: then the provider has decided.
fn let_the_provider_finish(provider: &DemoProvider) {
    HttpClient::of(provider.issuer()).get("/.well-known/openid-configuration");
    let refreshes = provider.count(Filter::refreshes());
    provider.wait_ended(Filter::refreshes(), refreshes);
}

/// Kills the agent during refreshes; how many logins were lost.
fn kill_during_refreshes(settings: Settings, mut dice: Dice) -> u32 {
    let mut fixture = AgentFixture::with(settings);
    fixture.sign_in("acme");
    let mut lost = 0;
    for kill in 0..KILLS {
        let api = fixture.api();
        let caller = thread::spawn(move || drop(api.of("acme", "refresh", &json!({}))));
        thread::sleep(dice.up_to(LONGEST));
        fixture.kill();
        // It panics when it had no answer.
        let _ = caller.join();

        let_the_provider_finish(&fixture.provider);
        let is_kept = holds_the_live_grant(fixture.desktop.keyring(), &fixture.provider);
        fixture.start_agent();
        let reply = fixture.api().of("acme", "refresh", &json!({}));
        match reply.status {
            200 => {}
            409 if !is_kept => {
                lost += 1;
                fixture.api().sign_in("acme");
            }
            status => panic!(
                "kill {kill}: lost outside the window: {status} {}",
                reply.text()
            ),
        }
    }
    lost
}

#[test]
fn random_kills_during_refreshes_lose_only_what_is_in_the_one_write_window() {
    let dice = Dice::thrown_now();
    println!("VALETKEY_SEED={} brings these moments back", dice.0);
    let lost = kill_during_refreshes(Settings::auto_consent("ada"), dice);
    println!("{KILLS} kills, {lost} logins lost, all in the one-write window");
}

#[test]
fn random_kills_lose_nothing_at_a_provider_with_a_grace_window() {
    let dice = Dice::thrown_now();
    println!("VALETKEY_SEED={} brings these moments back", dice.0);
    let settings = Settings {
        grace_seconds: 600.0,
        ..Settings::auto_consent("ada")
    };
    let lost = kill_during_refreshes(settings, dice);
    assert_eq!(lost, 0);
}

#[test]
fn random_kills_during_sign_in_and_disconnect_leave_no_half_connection() {
    let mut dice = Dice::thrown_now();
    println!("VALETKEY_SEED={} brings these moments back", dice.0);
    let mut fixture = AgentFixture::start();
    fixture.add("acme");
    for kill in 0..KILLS / 4 {
        let api = fixture.api();
        let caller = thread::spawn(move || {
            let started = api.begin("acme");
            api::follow(started["authorize_url"].as_str().expect("a URL"));
            api.wait(&started);
            drop(api.disconnect("acme"));
        });
        thread::sleep(dice.up_to(3 * LONGEST));
        fixture.kill();
        let _ = caller.join();
        fixture.start_agent();
        for name in fixture.api().connections() {
            let reply = fixture.api().token(&name);
            let now = fixture.api().try_connection(&name);
            let is_going = now.status == 404 || now.json()["status"] == "removing";
            assert!(
                reply.status == 200 || is_going,
                "kill {kill}: {}",
                reply.text()
            );
        }
    }
}
