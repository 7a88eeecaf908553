//! Somebody answers in the provider's place: nothing is sent, the login stays, and it is said why.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Bench, authenticator_key, eventually, failed, me};
use jiff::SignedDuration;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Map, Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use valetkey_agent::{AgentError, AuthenticatorChange};
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::connection_state::Status;
use valetkey_core::draft::DraftInput;
use valetkey_core::event::EventKind;

/// A TLS server with a certificate of its own making, and the number of bytes that were told it.
async fn impostor() -> (String, Arc<AtomicUsize>) {
    let (url, _, told) = tls_server().await;
    (url, told)
}

fn certificate() -> CertifiedKey<KeyPair> {
    let names = vec!["127.0.0.1".to_owned()];
    generate_simple_self_signed(names).expect("a certificate")
}

/// Its token URL, its certificate (PEM), and the number of bytes that were told it. It never answers.
async fn tls_server() -> (String, String, Arc<AtomicUsize>) {
    let CertifiedKey { cert, signing_key } = certificate();
    let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key.into())
        .expect("a key that fits");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let url = format!("https://{address}/token");
    let told = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&told);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let read = stream.read(&mut [0; 1024]).await.unwrap_or(0);
                counter.fetch_add(read, Ordering::SeqCst);
            }
        }
    });
    (url, cert.pem(), told)
}

async fn token_url_becomes(bench: &Bench, url: &str) {
    let change = Map::from_iter([("token_url".to_owned(), Value::from(url))]);
    let change = AuthenticatorChange {
        input: DraftInput::from_members(change),
        force: true,
        ..AuthenticatorChange::default()
    };
    let demo = authenticator_key("demo");
    let agent = &bench.agent;
    let changed = agent.update_authenticator(&demo, change, &me()).await;
    changed.expect("a good change");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_named_and_the_login_survives() {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let (url, told) = impostor().await;
    token_url_becomes(&bench, &url).await;
    // The one that finds out, and the one that asks while nothing is sent.
    for _ in 0..2 {
        let error = bench.token("demo").await.expect_err("no token");
        let AgentError::ProviderUnreachable {
            reason,
            bad_certificate: true,
            ..
        } = &error
        else {
            panic!("{error:?}")
        };
        assert!(
            reason.contains("127.0.0.1") && reason.contains("certificate"),
            "{reason}"
        );
        let hint = error.hint().expect("what to do");
        assert!(
            hint.contains("date") && hint.contains("trust store"),
            "{hint}"
        );
    }
    assert_eq!(told.load(Ordering::SeqCst), 0, "no secret was sent");
    let row = bench.view("demo").row;
    assert_eq!(row.state.status, Status::Expired);
    assert_eq!(
        row.refresh_error.unwrap().kind,
        RefreshErrorKind::BadCertificate
    );
    assert_eq!(bench.count(EventKind::ConnectionNeedsReconnect).await, 0);

    token_url_becomes(&bench, &bench.provider.url("/token")).await;
    bench.clock.jump(SignedDuration::from_secs(6));
    let token = bench.access("demo").await;
    assert!(bench.provider.access_token_lives(&token));
}

/// Runs again in a process of its own, whose root certificates are in a file.
#[test]
fn an_authority_that_is_trusted_since_counts_without_a_restart() {
    const NAME: &str = "certificate::an_authority_that_is_trusted_since_counts_without_a_restart";
    const FILE: &str = "SSL_CERT_FILE";
    const CHILD: &str = "VALETKEY_TEST_CHILD";
    if std::env::var_os(CHILD).is_some() {
        let file = std::env::var_os(FILE).expect("a file");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        return runtime
            .expect("a runtime")
            .block_on(trust_later(Path::new(&file)));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("roots.pem");
    std::fs::write(&file, certificate().cert.pem()).expect("written");
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, "1")
        .env(FILE, &file)
        .output()
        .expect("started");
    let output = String::from_utf8_lossy(&child.stdout);
    let errors = String::from_utf8_lossy(&child.stderr);
    assert!(child.status.success(), "{output}{errors}");
    assert!(output.contains("1 passed"), "{output}");
}

async fn trust_later(roots: &Path) {
    let bench = Bench::start().await;
    bench.connect("demo").await;
    bench.expire();
    let (url, certificate, told) = tls_server().await;
    token_url_becomes(&bench, &url).await;
    let refused = bench.token("demo").await.expect_err("not trusted");
    let is_certificate = |error: &AgentError| {
        matches!(
            error,
            AgentError::ProviderUnreachable {
                bad_certificate: true,
                ..
            }
        )
    };
    assert!(is_certificate(&refused), "{refused:?}");
    std::fs::write(roots, certificate).expect("written");
    bench.clock.jump(SignedDuration::from_secs(6));
    let _call = bench.ask("demo");
    eventually("a request", || told.load(Ordering::SeqCst) > 0).await;
}

#[tokio::test]
async fn a_code_is_not_sent_to_who_cannot_prove_to_be_the_provider() {
    let bench = Bench::start().await;
    let (url, told) = impostor().await;
    bench.add("other", json!({ "token_url": url })).await;
    let why = failed(bench.connect("other").await);
    assert!(
        why.contains("cannot be trusted") && why.contains("certificate"),
        "{why}"
    );
    assert_eq!(told.load(Ordering::SeqCst), 0);
    assert!(bench.agent.connections(None).is_empty());
}
