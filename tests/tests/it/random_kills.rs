//! 200 kills at random moments. A login may be lost only if the provider has answered its refresh and
//! the keychain write of the new grant has not ended.

use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use valetkey_demo_provider::{DemoProvider, Filter, Settings};
use valetkey_tests::{AgentFixture, HttpClient, Keyring, api};

const KILLS: u32 = 200;
/// Longer than a sign-in, refresh or disconnect takes on a busy machine.
const MAX_DELAY: Duration = Duration::from_millis(60);

/// xorshift64*: good enough to vary a delay; the seed reproduces a run.
struct Rng(u64);

impl Rng {
    fn seeded() -> Self {
        let given = std::env::var("VALETKEY_SEED").ok();
        let seed: u64 = match given {
            Some(seed) => seed.parse().expect("VALETKEY_SEED is a number"),
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

/// Whether the keychain holds the refresh token that the provider accepts.
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

/// The killed agent's requests are read before this one, so that their outcome is then known.
fn wait_for_the_provider(provider: &DemoProvider) {
    HttpClient::of(provider.issuer()).get("/.well-known/openid-configuration");
    let refreshes = provider.count(Filter::refreshes());
    provider.wait_ended(Filter::refreshes(), refreshes);
}

/// Kills the agent during refreshes; returns how many logins were lost.
fn kill_during_refreshes(settings: Settings, mut rng: Rng) -> u32 {
    let mut fixture = AgentFixture::with(settings);
    fixture.sign_in("acme");
    let mut lost = 0;
    for kill in 0..KILLS {
        let api = fixture.api();
        let caller = thread::spawn(move || drop(api.post_to("acme", "refresh", &json!({}))));
        thread::sleep(rng.up_to(MAX_DELAY));
        fixture.kill();
        // It panics if it got no response.
        let _ = caller.join();

        wait_for_the_provider(&fixture.provider);
        let is_kept = holds_the_live_grant(fixture.desktop.keyring(), &fixture.provider);
        fixture.start_agent();
        let reply = fixture.api().post_to("acme", "refresh", &json!({}));
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
    let rng = Rng::seeded();
    println!("VALETKEY_SEED={} reproduces this run", rng.0);
    let lost = kill_during_refreshes(Settings::auto_consent("ada"), rng);
    println!("{KILLS} kills, {lost} logins lost, all in the one-write window");
}

#[test]
fn random_kills_lose_nothing_at_a_provider_with_a_grace_window() {
    let rng = Rng::seeded();
    println!("VALETKEY_SEED={} reproduces this run", rng.0);
    let settings = Settings {
        grace_seconds: 600.0,
        ..Settings::auto_consent("ada")
    };
    let lost = kill_during_refreshes(settings, rng);
    assert_eq!(lost, 0);
}

#[test]
fn random_kills_during_sign_in_and_disconnect_leave_no_half_connection() {
    let mut rng = Rng::seeded();
    println!("VALETKEY_SEED={} reproduces this run", rng.0);
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
        thread::sleep(rng.up_to(3 * MAX_DELAY));
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
