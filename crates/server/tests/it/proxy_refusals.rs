//! What is no honest request is refused, at both listeners, before a host hears of it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

use crate::fixture::TIMEOUT;
use crate::gateway::Gateway;

/// A host that keeps every byte it gets, and answers each connection once.
struct RawHost {
    authority: String,
    received: Arc<Mutex<String>>,
}

impl RawHost {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let received = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&received);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let kept = Arc::clone(&kept);
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while let Ok(length) = stream.read(&mut buffer).await {
                        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                        kept.lock().unwrap().push_str(&text);
                        let ended = text.ends_with("\r\n\r\n");
                        if length == 0 {
                            break;
                        }
                        if ended {
                            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
                            stream.write_all(answer).await.ok();
                        }
                    }
                });
            }
        });
        Self {
            authority,
            received,
        }
    }

    fn received(&self) -> String {
        self.received.lock().unwrap().clone()
    }
}

/// A TLS server that nobody vouches for: its address, and the number of bytes that it was told.
async fn impostor() -> (String, Arc<AtomicUsize>) {
    let certified = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = listener.local_addr().unwrap().to_string();
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
    (authority, told)
}

/// Sends `text` and reads until the other side closes.
pub(crate) async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    stream.write_all(text.as_bytes()).await.ok();
    let mut reply = Vec::new();
    let read = stream.read_to_end(&mut reply);
    timeout(TIMEOUT, read).await.expect("closed in time").ok();
    String::from_utf8_lossy(&reply).into_owned()
}

struct Both {
    gateway: Gateway,
    host: RawHost,
}

impl Both {
    async fn open() -> Self {
        let host = RawHost::start().await;
        let gateway = Gateway::open(&[&host.authority]).await;
        Self { gateway, host }
    }

    /// `lines` is a request without Host and key; `HOST` stands for the host's part of the path.
    async fn at_socket(&self, lines: &str) -> String {
        let text = self.request(lines, "Host: valetkey\r\n");
        say(self.gateway.unix().await, &text).await
    }

    async fn at_loopback(&self, lines: &str) -> String {
        let (port, key) = (self.gateway.port, &self.gateway.key);
        let own = format!("Host: 127.0.0.1:{port}\r\nX-Valet-Key: {key}\r\n");
        say(self.gateway.tcp().await, &self.request(lines, &own)).await
    }

    fn request(&self, lines: &str, own: &str) -> String {
        let (line, rest) = lines.split_once('\n').unwrap();
        let line = line.replace("HOST", &format!("/proxy/demo/@{}", self.host.authority));
        let rest = rest.replace('\n', "\r\n");
        format!("{line}\r\n{own}Connection: close\r\n{rest}\r\n")
    }

    async fn refused(&self, lines: &str, statuses: &[&str]) {
        for reply in [self.at_socket(lines).await, self.at_loopback(lines).await] {
            let refused = statuses
                .iter()
                .any(|status| reply.starts_with(&format!("HTTP/1.1 {status}")));
            assert!(refused, "{lines:?}: {reply}");
            let (head, body) = reply.split_once("\r\n\r\n").unwrap();
            // The HTTP library refuses by itself what it cannot read, in no shape.
            let in_shape = body.starts_with("{\"detail\":\"Valet Key: ")
                && head.contains("content-type: application/problem+json");
            assert!(in_shape || body.is_empty(), "{lines:?}: {reply}");
            assert!(
                !reply.to_lowercase().contains("www-authenticate"),
                "{reply}"
            );
        }
        assert_eq!(self.host.received(), "", "{lines:?}");
    }
}

#[tokio::test]
async fn a_plain_request_passes_at_both_listeners() {
    let both = Both::open().await;
    let lines = "GET HOST/x HTTP/1.1\n";
    for reply in [both.at_socket(lines).await, both.at_loopback(lines).await] {
        assert!(
            reply.starts_with("HTTP/1.1 200") && reply.ends_with("ok"),
            "{reply}"
        );
    }
    assert_eq!(both.host.received().matches("GET /x HTTP/1.1").count(), 2);
}

#[tokio::test]
async fn paths_that_could_be_others_are_refused() {
    let both = Both::open().await;
    for path in [
        "/a/../token",
        "/..",
        "/%2e%2e/token",
        "/a/.%2E/token",
        "/a/%252e%252e/token",
        "/a%2ftoken",
        "/a%5ctoken",
        "/a\\token",
        "/a/..;x/token",
        "/a%00",
        "/a%0d%0aX:y",
        "/%zz",
    ] {
        both.refused(&format!("GET HOST{path} HTTP/1.1\n"), &["400"])
            .await;
    }
    for target in [
        "GET /proxy/../api/v1/status HTTP/1.1\n",
        "GET /proxy/ HTTP/1.1\n",
    ] {
        both.refused(target, &["400", "404"]).await;
    }
}

#[tokio::test]
async fn targets_that_name_another_server_are_refused() {
    let both = Both::open().await;
    for target in [
        "GET http://evil.test/proxy/demo/x HTTP/1.1\n",
        "CONNECT evil.test:443 HTTP/1.1\n",
        "CONNECT localhost:80 HTTP/1.1\n",
        "CONNECT HOST HTTP/1.1\n",
        "GET http://evil.test/x HTTP/1.1\n",
        "GET HOST/x HTTP/1.1\nHost: evil.test\n",
    ] {
        both.refused(target, &["400"]).await;
    }
    let authority = both.host.authority.clone();
    let absolute = format!("GET http://localhost/proxy/demo/@{authority}/x HTTP/1.1\n");
    both.refused(&absolute, &["400"]).await;
    both.refused("TRACE HOST/x HTTP/1.1\n", &["400"]).await;
    let endless = format!("{} HOST/x HTTP/1.1\n", "A".repeat(33));
    both.refused(&endless, &["400"]).await;
}

#[tokio::test]
async fn requests_that_two_servers_could_read_in_two_ways_are_refused() {
    let both = Both::open().await;
    for headers in [
        "Content-Length: 3\nContent-Length: 5\n",
        "Content-Length: 3, 5\n",
        "Content-Length: +3\n",
        "Content-Length: 0x3\n",
        "Content-Length: -1\n",
        "Transfer-Encoding: chunked\nTransfer-Encoding: identity\n",
        "Transfer-Encoding: chunked, identity\n",
        "Transfer-Encoding: xchunked\n",
        "X-A: b\n folded: c\n",
        " folded: c\n",
        "X-A : b\n",
        "X A: b\n",
        "Content-Length : 3\n",
        "X\u{0}: b\n",
    ] {
        both.refused(&format!("POST HOST/x HTTP/1.1\n{headers}"), &["400"])
            .await;
    }
    both.refused(
        "POST HOST/x HTTP/1.0\nTransfer-Encoding: chunked\n",
        &["400"],
    )
    .await;
}

/// The HTTP library says nothing of the second length. It reads such a request as RFC 9112, section 6.3,
/// says and closes the connection, and the host gets it anew with one length: what follows is no request.
#[tokio::test]
async fn two_lengths_smuggle_nothing() {
    let both = Both::open().await;
    let inner = "GET /smuggled HTTP/1.1";
    let (port, key) = (both.gateway.port, &both.gateway.key);
    let own = format!("Host: 127.0.0.1:{port}\r\nX-Valet-Key: {key}\r\n");
    for (first, second) in [
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
    ] {
        let lines = format!("POST HOST/x HTTP/1.1\n{first}\n{second}\n\n0\n\n{inner}\n");
        // Without `Connection: close`, which would end the connection anyway.
        for own in ["Host: valetkey\r\n", &own] {
            let text = both
                .request(&lines, own)
                .replace("Connection: close\r\n", "");
            let reply = if own == "Host: valetkey\r\n" {
                say(both.gateway.unix().await, &text).await
            } else {
                say(both.gateway.tcp().await, &text).await
            };
            assert_eq!(reply.matches("HTTP/1.1").count(), 1, "{reply}");
        }
    }
    let received = both.host.received();
    assert!(!received.contains("smuggled"), "{received}");
    let lengths = received.to_lowercase();
    assert!(!lengths.contains("content-length: 4"), "{received}");
}

#[tokio::test]
async fn web_pages_are_refused() {
    let both = Both::open().await;
    for headers in [
        "Origin: http://evil.test\n",
        "Origin: null\n",
        "Sec-Fetch-Site: cross-site\n",
        "Sec-Fetch-Site: same-site\n",
    ] {
        both.refused(&format!("GET HOST/x HTTP/1.1\n{headers}"), &["403"])
            .await;
    }
    let preflight = "OPTIONS HOST/x HTTP/1.1\nAccess-Control-Request-Method: POST\n";
    both.refused(preflight, &["403"]).await;
    let (port, key) = (both.gateway.port, &both.gateway.key);
    let rebound = format!(
        "GET /proxy/demo/x HTTP/1.1\r\nHost: evil.test:{port}\r\nX-Valet-Key: {key}\r\nConnection: close\r\n\r\n"
    );
    let reply = say(both.gateway.tcp().await, &rebound).await;
    assert!(reply.starts_with("HTTP/1.1 403"), "{reply}");
    assert!(!reply.contains("access-control-allow"), "{reply}");
}

#[tokio::test]
async fn there_is_no_oauth_metadata_at_any_host() {
    let both = Both::open().await;
    for path in [
        "/.well-known/oauth-protected-resource",
        "/mcp/.well-known/openid-configuration",
        "/%2Ewell-known/oauth-authorization-server",
    ] {
        both.refused(&format!("GET HOST{path} HTTP/1.1\n"), &["404"])
            .await;
    }
    let port = both.gateway.port;
    for path in [
        "/.well-known/oauth-protected-resource/proxy/demo/mcp",
        "/proxy/demo/.well-known/x",
    ] {
        let keyless =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        let reply = say(both.gateway.tcp().await, &keyless).await;
        assert!(reply.starts_with("HTTP/1.1 404"), "{reply}");
    }
}

#[tokio::test]
async fn a_host_that_cannot_prove_who_it_is_gets_no_token() {
    let (authority, told) = impostor().await;
    let gateway = Gateway::open(&[&format!("https://{authority}")]).await;
    let refused = gateway.get(&format!("/proxy/demo/@{authority}/x")).await;
    refused.problem(503, "could not prove who it is");
    assert_eq!(told.load(Ordering::SeqCst), 0);
}
