//! Somebody answers in the provider's place: nothing is sent, the login stays, and it is said why.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{Bench, authenticator_key, failed, me};
use jiff::SignedDuration;
use rcgen::{CertifiedKey, generate_simple_self_signed};
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
    let names = vec!["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).expect("a certificate");
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
    (url, told)
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
