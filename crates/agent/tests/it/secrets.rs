//! No secret leaves: every flow with the log at its loudest, then a search for what was planted.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::support::{
    Bench, authenticator_key, authorize_url, authorized, key, me, seconds, visit,
};
use crate::tokens_by_name::TokensByName as _;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use valetkey_demo_provider::{Client, Endpoint, Fault, FaultKind, Settings};
use valetkey_vault::EventFilter;
use valetkey_vault::store::testing::Fault as StoreFault;

const CLIENT_SECRET: &str = "planted-client-secret-5up3r";
const MARK: &str = "planted-token-";

/// Everything that was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        let bytes = self.0.lock().expect("nobody panicked").clone();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// What people and programs are shown, beside the log.
#[derive(Default)]
struct Said(Vec<String>);

impl Said {
    fn hear(&mut self, said: &impl std::fmt::Debug) {
        self.0.push(format!("{said:?}"));
    }

    async fn token(&mut self, bench: &Bench, name: &str) {
        let answer = bench.token(name).await;
        self.hear(&answer);
        if let Err(error) = answer {
            self.0.push(format!("{error} {:?}", error.hint()));
        }
    }

    async fn sign_in(&mut self, bench: &Bench, name: &str) {
        let view = bench.begin(name).await;
        let (_, page) = visit(authorize_url(&view)).await;
        self.0.push(page);
        self.hear(&bench.finished(view.id).await);
    }
}

async fn good_days(bench: &Bench, said: &mut Said) {
    said.sign_in(bench, "demo").await;
    said.sign_in(bench, "secret").await;
    for name in ["demo", "secret"] {
        said.token(bench, name).await;
        let fingerprint = bench.token(name).await.expect("a token");
        let fingerprint = fingerprint.live.fingerprint.clone();
        said.hear(
            &bench
                .agent
                .invalidate_of(&key(name), &fingerprint, &me())
                .await,
        );
        said.hear(&bench.agent.test(&key(name)).await);
        bench.expire();
        said.token(bench, name).await;
    }
    said.hear(&bench.agent.connections(None));
    said.hear(&bench.agent.authenticators(None, true));
    said.hear(&bench.agent.status().await);
    said.hear(&bench.agent.doctor().await);
    bench.clock.jump(jiff::SignedDuration::from_hours(-4));
}

/// Refusals that quote the very secrets back, and answers that are none.
async fn bad_days(bench: &Bench, said: &mut Said) {
    let sent = bench.provider.live_refresh_token("ada").expect("a login");
    let quoting = |error: &str| FaultKind::OauthError {
        error: error.to_owned(),
        description: Some(format!(
            "{sent} of {CLIENT_SECRET} is not {MARK}known-123456"
        )),
        status: Some(400),
    };
    for kind in [
        quoting("temporarily_unavailable"),
        quoting("flux_capacitor_empty"),
        FaultKind::Truncated,
        FaultKind::status(503),
        FaultKind::Html { status: 200 },
        FaultKind::set("token_type", "mac"),
    ] {
        bench.provider.fault(Fault::refresh(kind.clone()));
        bench.provider.fault(Fault::exchange(kind));
        said.hear(&bench.agent.refresh_of(&key("secret"), &me()).await.err());
        said.sign_in(bench, "secret").await;
        bench.clock.jump(jiff::SignedDuration::from_secs(10));
    }
    let refused = Fault::at(Endpoint::Authorize, quoting("server_error"));
    bench.provider.fault(refused);
    said.sign_in(bench, "demo").await;
    let view = bench.begin("demo").await;
    let back = authorized(&view).await.replace("state=", "state=x");
    said.hear(&bench.agent.finish_by_paste(view.id, &back).await);
    said.hear(&bench.agent.cancel_sign_in(view.id, &me()).await.err());
}

async fn dark_days(bench: &mut Bench, said: &mut Said) {
    bench.store.set(StoreFault::FailWrites);
    said.hear(&bench.agent.refresh_of(&key("demo"), &me()).await);
    bench.pass(seconds(20), seconds(5)).await;
    bench.store.set(StoreFault::None);
    bench.pass(seconds(20), seconds(5)).await;
    bench.restart().await;
    let item = bench.grant_item("demo");
    let whole = bench.store.item(item).expect("an item");
    bench.store.tamper(item, whole.get(..whole.len() - 1));
    assert!(
        holds(&whole, MARK),
        "here it belongs, and the search finds it"
    );
    said.token(bench, "demo").await;
    said.sign_in(bench, "demo").await;
    let fail = Fault::at(Endpoint::Revoke, FaultKind::status(500));
    bench.provider.fault(fail);
    said.hear(&bench.agent.disconnect(&key("demo"), true, &me()).await);
    let removed = bench
        .agent
        .remove_authenticator(&authenticator_key("secret"), true, &me())
        .await;
    said.hear(&removed);
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let bytes = std::fs::read(&path).expect("a file");
            found.push((path.display().to_string(), bytes));
        }
    }
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn no_secret_reaches_log_database_error_event_or_page() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // The agent's tasks run on this thread; the provider's thread is its own and stays silent.
    let _guard = tracing::subscriber::set_default(subscriber);
    let mut bench = Bench::with(Settings {
        token_prefix: MARK.to_owned(),
        clients: vec![
            Client::public("demo"),
            Client::confidential("demo-confidential", CLIENT_SECRET),
        ],
        ..Settings::auto_consent("ada")
    })
    .await;
    let client = json!({ "client_id": "demo-confidential", "client_secret": CLIENT_SECRET });
    bench.add("secret", client).await;
    let mut said = Said::default();
    good_days(&bench, &mut said).await;
    bad_days(&bench, &mut said).await;
    dark_days(&mut bench, &mut said).await;
    let filter = EventFilter {
        limit: 100_000,
        ..EventFilter::default()
    };
    said.hear(&bench.agent.events(filter).await.expect("events"));
    let mut found = Vec::new();
    files(bench.home.path(), &mut found);
    bench.agent.shutdown().await;
    files(bench.home.path(), &mut found);

    let mut secrets = bench.provider.issued_secrets();
    assert!(secrets.len() > 20, "the flows ran");
    secrets.extend([CLIENT_SECRET.to_owned(), MARK.to_owned()]);
    let logged = log.text();
    assert!(logged.contains("signed in") || logged.contains("sign-in over"));
    found.push(("the log".to_owned(), logged.into_bytes()));
    found.push(("what was said".to_owned(), said.0.join("\n").into_bytes()));
    assert!(found.iter().any(|(name, _)| name.ends_with("valetkey.db")));
    for (place, content) in &found {
        for secret in &secrets {
            assert!(!holds(content, secret), "{place} holds {secret}");
        }
    }
}
