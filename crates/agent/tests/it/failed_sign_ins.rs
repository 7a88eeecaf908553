//! A sign-in that failed is shown with its connection or authenticator until the next one begins.

use std::time::Duration;

use valetkey_agent::FailedSignIn;
use valetkey_agent::sign_in::{Remedy, SignInState};
use valetkey_core::home::Home;
use valetkey_core::sign_in::SignInState as BareState;
use valetkey_demo_provider::{Consent, Fault, FaultKind, Settings};
use valetkey_vault::Vault;

use crate::support::{Bench, authenticator_key, authorize_url, completed, failed, me, visit};

impl Bench {
    fn failed_account(&self) -> Option<FailedSignIn> {
        let view = self.agent.authenticator(&authenticator_key("demo"));
        view.expect("an authenticator").failed_sign_in
    }

    fn failed_renewal(&self) -> Option<FailedSignIn> {
        self.view("demo").failed_sign_in
    }
}

fn refused_client() -> Fault {
    Fault::exchange(FaultKind::oauth_error("invalid_client"))
}

#[tokio::test]
async fn the_failure_of_a_new_account_stays_with_its_authenticator() {
    let mut bench = Bench::start().await;
    assert_eq!(bench.failed_account(), None);
    bench.provider.fault(refused_client());
    let why = failed(bench.connect("demo").await);
    let shown = bench.failed_account().expect("it failed");
    assert_eq!(
        (shown.failed.message.as_str(), shown.state),
        (&*why, BareState::Failed(()))
    );
    assert_eq!(shown.failed.remedy, Remedy::FixClient);
    assert!(shown.failed.hint.is_some());
    bench.clock.jump(jiff::SignedDuration::from_hours(30));
    bench.restart().await;
    assert_eq!(bench.failed_account(), Some(shown));
    bench.begin("demo").await;
    assert_eq!(bench.failed_account(), None);
}

#[tokio::test]
async fn the_failure_of_a_renewal_stays_with_its_connection() {
    let mut bench = Bench::start().await;
    completed(bench.connect("demo").await);
    bench.clock.advance(Duration::from_secs(1));
    bench.provider.fault(refused_client());
    failed(bench.connect("demo").await);
    assert_eq!(bench.failed_account(), None);
    let shown = bench.failed_renewal().expect("it failed");
    bench.restart().await;
    assert_eq!(bench.failed_renewal(), Some(shown));
    bench.clock.advance(Duration::from_secs(1));
    completed(bench.connect("demo").await);
    assert_eq!(bench.failed_renewal(), None);
    bench.restart().await;
    assert_eq!(bench.failed_renewal(), None);
}

#[tokio::test]
async fn a_sign_in_that_timed_out_is_a_failure_and_one_that_was_cancelled_is_none() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    bench.clock.advance(Duration::from_mins(6));
    let state = bench.finished(view.id).await;
    assert!(matches!(state, SignInState::TimedOut), "{state:?}");
    let shown = bench.failed_account().expect("it timed out");
    assert_eq!(
        shown.failed.hint.as_deref(),
        Some("run `valetkey connect demo` again")
    );
    let view = bench.begin("demo").await;
    let cancelled = bench.agent.cancel_sign_in(view.id, &me()).await;
    cancelled.expect("cancelled");
    assert_eq!(bench.failed_account(), None);
}

#[tokio::test]
async fn a_sign_in_that_a_crash_interrupted_is_a_failure() {
    let mut bench = Bench::start().await;
    let view = bench.begin("demo").await;
    bench.agent.shutdown().await;
    // As if the process had been killed meanwhile.
    let home = Home::at(bench.home.path());
    let vault = Vault::open(&home, bench.store.opener()).await;
    let vault = vault.expect("a vault");
    let mut row = vault.sign_ins(1).await.expect("rows").remove(0);
    row.state = BareState::Started;
    row.ended_at = None;
    vault.save_sign_in(&row).await.expect("saved");
    vault.close().await.expect("closed");
    bench.start_again().await;
    let shown = bench.failed_account().expect("it was interrupted");
    assert_eq!(shown.id, view.id);
    assert!(shown.failed.message.contains("stopped"), "{shown:?}");
}

#[tokio::test]
async fn a_denied_sign_in_names_the_account_that_was_asked_for() {
    let settings = Settings {
        consent: Consent::Deny,
        ..Settings::default()
    };
    let bench = Bench::with(settings).await;
    let view = bench.begin_as("demo", Some("work")).await;
    let view = view.expect("a sign-in begins");
    visit(authorize_url(&view)).await;
    let SignInState::Denied(denied) = bench.finished(view.id).await else {
        panic!("not denied")
    };
    assert!(denied.message.contains("`demo/work`"), "{denied:?}");
    let hint = denied.hint.expect("a hint");
    assert!(hint.contains("`valetkey connect demo/work`"), "{hint}");
}
