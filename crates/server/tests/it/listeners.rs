//! The listeners under abuse: whatever a client does, it slows nobody else.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use valetkey_agent::KeyRefusal;
use valetkey_api::core::home::Home;
use valetkey_api::core::secret::ClientKey;
use valetkey_server::Stop;
use valetkey_server::agent_lock::AgentLock;
use valetkey_server::caller::{Caller, Key};
use valetkey_server::listeners::{Limits, LoopbackListener, UnixSocket, Verifier};

use crate::fixture::TIMEOUT;

pub(crate) struct Listeners {
    socket: PathBuf,
    port: u16,
    stop: Stop,
    tasks: Vec<JoinHandle<()>>,
    lookup: Arc<Lookup>,
    _lock: AgentLock,
    _folder: tempfile::TempDir,
}

fn short() -> Limits {
    Limits {
        max_connections: 64,
        idle_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        drain_timeout: Duration::from_secs(5),
        ..Limits::default()
    }
}

fn router() -> Router {
    let who = |request: Request| async move {
        let caller = request.extensions().get::<Caller>();
        caller.map_or("nobody".to_owned(), ToString::to_string)
    };
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        "done"
    };
    Router::new()
        .route("/who", get(who))
        .route("/connect/{nonce}", get(who))
        .route("/slow", post(slow))
        .route("/huge", get(|| async { vec![b'x'; 64 << 20] }))
}

/// A lookup of a key that takes long.
#[derive(Default)]
struct Lookup {
    began: AtomicBool,
    go_on: (Mutex<bool>, Condvar),
}

impl Lookup {
    fn hold(&self) {
        self.began.store(true, Ordering::SeqCst);
        let (go_on, changed) = &self.go_on;
        let go_on = go_on.lock().unwrap();
        // A bound, so that a listener without a thread of its own fails the test and does not hang.
        let held = changed.wait_timeout_while(go_on, TIMEOUT, |go_on| !*go_on);
        drop(held);
    }

    fn release(&self) {
        *self.go_on.0.lock().unwrap() = true;
        self.go_on.1.notify_all();
    }
}

pub(crate) fn open(limits: Limits) -> Listeners {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let lock = AgentLock::take(&home).unwrap();
    let socket = UnixSocket::bind(&home).unwrap();
    let tcp = LoopbackListener::bind(0, false).unwrap();
    let key = |name: &str| {
        Arc::new(Key {
            id: "00000000-0000-0000-0000-000000000001".parse().unwrap(),
            name: name.to_owned(),
            connections: None,
            manage: false,
        })
    };
    let lookup = Arc::new(Lookup::default());
    let held = Arc::clone(&lookup);
    let find_key = move |shown: &ClientKey| match shown.expose() {
        "vk_good" => Ok(key("ci")),
        "vk_held" => {
            held.hold();
            Err(KeyRefusal::Unknown)
        }
        _ => Err(KeyRefusal::Unknown),
    };
    let verifier = Verifier::new(find_key, |nonce| nonce == "x", |_| {});
    let (path, port, stop) = (socket.path().to_owned(), tcp.port(), Stop::default());
    Listeners {
        socket: path,
        port,
        tasks: vec![
            tokio::spawn(socket.serve(router(), limits, stop.clone())),
            tokio::spawn(tcp.serve(router(), verifier, limits, stop.clone())),
        ],
        stop,
        lookup,
        _lock: lock,
        _folder: folder,
    }
}

impl Listeners {
    pub(crate) async fn socket(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }

    pub(crate) async fn tcp(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    pub(crate) fn keyed(&self, path: &str) -> String {
        let port = self.port;
        format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer vk_good\r\nConnection: close\r\n\r\n"
        )
    }

    /// A well-behaved client is served, at once.
    async fn still_serves(&self) {
        let began = Instant::now();
        let reply = say(
            self.socket().await,
            "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        );
        assert!(reply.await.starts_with("HTTP/1.1 200"));
        let reply = say(self.tcp().await, &self.keyed("/who")).await;
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}

/// Sends `text` and reads until the other side closes.
pub(crate) async fn say(mut stream: impl AsyncRead + AsyncWrite + Unpin, text: &str) -> String {
    // The other side may hang up before it has read all: that is an answer too.
    stream.write_all(text.as_bytes()).await.ok();
    closes(stream).await
}

async fn closes(mut stream: impl AsyncRead + Unpin) -> String {
    let mut reply = Vec::new();
    let read = stream.read_to_end(&mut reply);
    match timeout(TIMEOUT, read).await.expect("closed in time") {
        Ok(_) => {}
        Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionReset),
    }
    String::from_utf8_lossy(&reply).into_owned()
}

#[tokio::test]
async fn each_listener_says_who_is_asking() {
    let listeners = open(Limits::default());
    let close = "Connection: close\r\n\r\n";
    let at_socket = say(
        listeners.socket().await,
        &format!("GET /who HTTP/1.1\r\nHost: x\r\n{close}"),
    )
    .await;
    let own = format!("process {} ", std::process::id());
    assert!(at_socket.contains(&own), "{at_socket}");
    let keyed = say(listeners.tcp().await, &listeners.keyed("/who")).await;
    assert!(keyed.ends_with("key ci"), "{keyed}");
    let host = format!("Host: localhost:{}\r\n", listeners.port);
    let page = say(
        listeners.tcp().await,
        &format!("GET /connect/x HTTP/1.1\r\n{host}{close}"),
    )
    .await;
    assert!(page.ends_with("nobody"), "{page}");
    let bare = say(
        listeners.tcp().await,
        &format!("GET /who HTTP/1.1\r\n{host}{close}"),
    )
    .await;
    assert!(bare.starts_with("HTTP/1.1 401"), "{bare}");
    let foreign = listeners.keyed("/who").replace("127.0.0.1", "evil.test");
    let rebound = say(listeners.tcp().await, &foreign).await;
    assert!(rebound.starts_with("HTTP/1.1 403"), "{rebound}");
}

#[tokio::test]
async fn silent_clients_and_half_requests_are_sent_away_and_keep_nobody_out() {
    let listeners = open(short());
    let silent = listeners.socket().await;
    let mut half = listeners.tcp().await;
    half.write_all(b"GET /who HTTP/1.1\r\nHost: 127")
        .await
        .unwrap();
    listeners.still_serves().await;
    assert_eq!(closes(silent).await, "");
    closes(half).await;
}

#[tokio::test]
async fn a_head_sent_byte_by_byte_ends_at_its_time_limit() {
    let listeners = open(short());
    let (mut reader, mut writer) = listeners.socket().await.into_split();
    let drip = tokio::spawn(async move {
        loop {
            if writer.write_all(b"G").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut reply = Vec::new();
    timeout(TIMEOUT, reader.read_to_end(&mut reply))
        .await
        .unwrap()
        .ok();
    drip.abort();
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_off() {
    let listeners = open(short());
    let mut stuck = listeners.socket().await;
    stuck
        .write_all(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    listeners.still_serves().await;
    let cut_off = async {
        // A write tells whether the other side is still there; it reads nothing meanwhile.
        while stuck.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(TIMEOUT, cut_off).await.unwrap();
    let reply = closes(stuck).await;
    assert!(reply.len() < 64 << 20, "cut off, not served whole");
}

/// The timeouts end what makes no progress, not what takes long.
#[tokio::test]
async fn a_response_that_is_read_steadily_is_sent_whole() {
    let listeners = open(short());
    let mut stream = listeners.socket().await;
    stream
        .write_all(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    let (mut received, mut bytes) = (0, vec![0; 1 << 20]);
    let began = Instant::now();
    while received < 64 << 20 {
        let read = timeout(TIMEOUT, stream.read(&mut bytes)).await.unwrap();
        let read = read.unwrap();
        assert_ne!(read, 0, "cut after {received} bytes, {:?}", began.elapsed());
        received += read;
        if began.elapsed() < 4 * short().idle_timeout {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn an_address_of_another_host_is_refused_at_the_socket() {
    let listeners = open(Limits::default());
    for (target, status) in [
        ("http://evil.test/who", 400),
        ("http://evil.test:80/who", 400),
        ("http://localhost/who", 200),
        ("http://valetkey/who", 200),
        ("/who", 200),
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nHost: valetkey\r\nConnection: close\r\n\r\n");
        let response = say(listeners.socket().await, &request).await;
        let expected = format!("HTTP/1.1 {status}");
        assert!(response.starts_with(&expected), "{target}: {response}");
    }
}

#[tokio::test]
async fn a_refused_request_ends_its_connection() {
    let listeners = open(Limits::default());
    let request = listeners
        .keyed("/who")
        .replace("vk_good", "vk_bad")
        .replace("Connection: close\r\n", "");
    let response = say(listeners.tcp().await, &request).await;
    assert!(response.starts_with("HTTP/1.1 401"), "{response}");
    assert!(response.contains("connection: close"), "{response}");
}

/// Any user of the machine can keep the loopback listener busy.
#[tokio::test]
async fn a_busy_loopback_listener_does_not_slow_the_socket() {
    let listeners = open(Limits::default());
    let mut stranger = listeners.tcp().await;
    let began = Instant::now();
    let request = listeners.keyed("/who").replace("vk_good", "vk_held");
    stranger.write_all(request.as_bytes()).await.unwrap();
    while !listeners.lookup.began.load(Ordering::SeqCst) {
        tokio::task::yield_now().await;
    }
    let request = "GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let response = say(listeners.socket().await, request).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(
        began.elapsed() < TIMEOUT,
        "it waited for the other listener"
    );
    listeners.lookup.release();
    let refused = closes(stranger).await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
}

#[tokio::test]
async fn repeated_wrong_keys_are_held_back_and_keep_nobody_out() {
    let listeners = open(Limits {
        idle_timeout: Duration::from_mins(1),
        refusal_delay: Duration::from_mins(1),
        ..short()
    });
    let wrong = listeners.keyed("/who").replace("vk_good", "vk_bad");
    for _ in 0..20 {
        let refused = say(listeners.tcp().await, &wrong).await;
        assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    }
    let mut held_back = Vec::new();
    for _ in 0..2 * short().max_connections {
        let mut stream = listeners.tcp().await;
        stream.write_all(wrong.as_bytes()).await.unwrap();
        held_back.push(stream);
    }
    listeners.still_serves().await;
    let last = held_back.pop().unwrap();
    let nothing = last.try_read(&mut [0; 1]).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_megabyte_of_headers_is_refused() {
    let listeners = open(Limits::default());
    let huge = format!(
        "GET /who HTTP/1.1\r\nHost: x\r\nX-Big: {}\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let reply = say(listeners.socket().await, &huge).await;
    assert!(
        reply.is_empty() || reply.starts_with("HTTP/1.1 431"),
        "{reply}"
    );
    let many = format!("GET /who HTTP/1.1\r\n{}\r\n", "X-Many: x\r\n".repeat(2_000));
    let reply = say(listeners.tcp().await, &many).await;
    assert!(
        reply.is_empty() || reply.starts_with("HTTP/1.1 431"),
        "{reply}"
    );
    listeners.still_serves().await;
}

#[tokio::test]
async fn five_hundred_silent_connections_keep_nobody_out() {
    let listeners = open(Limits {
        idle_timeout: Duration::from_mins(1),
        ..short()
    });
    let mut crowd: Vec<Box<dyn std::any::Any>> = Vec::new();
    for _ in 0..250 {
        crowd.push(Box::new(listeners.socket().await));
        crowd.push(Box::new(listeners.tcp().await));
    }
    listeners.still_serves().await;
    listeners.still_serves().await;
}

#[tokio::test]
async fn a_stop_lets_the_reply_under_way_end_and_closes_the_rest() {
    let listeners = open(Limits::default());
    let idle = listeners.socket().await;
    let mut busy = listeners.socket().await;
    busy.write_all(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        .await
        .unwrap();
    listeners.still_serves().await;
    listeners.stop.request();
    assert_eq!(closes(idle).await, "");
    let reply = closes(busy).await;
    assert!(reply.ends_with("done"), "{reply}");
    for task in listeners.tasks {
        timeout(TIMEOUT, task).await.unwrap().unwrap();
    }
    assert!(!listeners.socket.exists());
}

#[tokio::test]
async fn a_taken_port_is_never_swapped_once_keys_are_issued() {
    let first = LoopbackListener::bind(0, false).unwrap();
    let refused = LoopbackListener::bind(first.port(), true)
        .unwrap_err()
        .to_string();
    let port = first.port();
    assert_eq!(
        refused,
        format!("port {port} is taken by another program: the loopback listener stays closed")
    );
    let next = LoopbackListener::bind(port, false).unwrap();
    assert_ne!(next.port(), port);
}
