//! A process that sends token requests over a Unix socket and prints how long the answers took.
//!
//! One thread holds all connections, each with one request under way, so that the client adds as
//! little as possible to what the server costs.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use serde::{Deserialize, Serialize};

use crate::cpus::Cpus;
use crate::statistics::percentile;

/// What is sent, how often, over which connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Load {
    pub(crate) socket: PathBuf,
    /// The file that holds one whole request.
    pub(crate) request: PathBuf,
    /// Requests under way at any time.
    pub(crate) callers: usize,
    /// Requests that are measured; a tenth of them goes before, to warm up.
    pub(crate) calls: usize,
    pub(crate) connection: Connection,
    /// Where the client runs.
    pub(crate) cpus: String,
}

/// Whether a request uses the connection of the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Connection {
    Kept,
    New,
}

/// Times from the request (on a new connection: from connecting) to the last byte of the answer, in
/// microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// The role of this process.
pub(crate) fn run(load: &Load) -> Latency {
    Cpus::parse(&load.cpus).apply();
    let request = fs::read(&load.request).expect("the request is readable");
    let mut callers: Vec<_> = (0..load.callers).map(|_| Caller::new(load)).collect();
    measure(&mut callers, &request, load.calls / 10);
    let mut times = measure(&mut callers, &request, load.calls);
    Latency {
        p50: percentile(&mut times, 50),
        p99: percentile(&mut times, 99),
    }
}

fn measure(callers: &mut [Caller], request: &[u8], calls: usize) -> Vec<Duration> {
    let mut times = Vec::with_capacity(calls + callers.len());
    for caller in &mut *callers {
        caller.send(request);
    }
    while times.len() < calls {
        for index in readable(callers) {
            if let Some(time) = callers[index].receive() {
                times.push(time);
                callers[index].send(request);
            }
        }
    }
    for caller in callers {
        while caller.receive().is_none() {}
    }
    times
}

/// The callers whose answers have arrived, in part at least. One caller waits in `read` instead.
fn readable(callers: &[Caller]) -> Vec<usize> {
    if callers.len() == 1 {
        return vec![0];
    }
    let streams = callers.iter().map(Caller::stream);
    let readable = |stream| PollFd::new(stream, PollFlags::IN);
    let mut streams: Vec<_> = streams.map(readable).collect();
    poll(&mut streams, None).expect("open sockets");
    let numbered = streams.iter().enumerate();
    numbered
        .filter(|(_, stream)| !stream.revents().is_empty())
        .map(|(index, _)| index)
        .collect()
}

/// One connection at a time, with one request under way.
struct Caller<'a> {
    load: &'a Load,
    stream: Option<UnixStream>,
    began: Instant,
    buffer: Vec<u8>,
    filled: usize,
    /// Bytes of the last answer, which the next one mostly has too.
    length: usize,
}

impl<'a> Caller<'a> {
    fn new(load: &'a Load) -> Self {
        Self {
            load,
            stream: None,
            began: Instant::now(),
            buffer: vec![0; 16 * 1024],
            filled: 0,
            length: 0,
        }
    }

    fn stream(&self) -> &UnixStream {
        self.stream.as_ref().expect("a request is under way")
    }

    fn send(&mut self, request: &[u8]) {
        if self.load.connection == Connection::New {
            self.stream = None;
        }
        self.filled = 0;
        self.began = Instant::now();
        let connect = || UnixStream::connect(&self.load.socket).expect("the socket answers");
        let mut stream: &UnixStream = self.stream.get_or_insert_with(connect);
        stream.write_all(request).expect("the request is taken");
    }

    /// Reads what has arrived; the time once the answer is whole.
    fn receive(&mut self) -> Option<Duration> {
        let mut stream = self.stream.as_ref().expect("a request is under way");
        let read = stream.read(&mut self.buffer[self.filled..]);
        let read = read.expect("an answer");
        assert!(read > 0, "the connection ended within an answer");
        self.filled += read;
        let answer = &self.buffer[..self.filled];
        if self.filled != self.length || !answer.starts_with(b"HTTP/1.1 200") {
            self.length = length(answer)?;
        }
        (self.filled >= self.length).then(|| self.began.elapsed())
    }
}

/// How long the whole answer is, once its head has arrived. Panics unless it is a 200.
fn length(answer: &[u8]) -> Option<usize> {
    let head = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&answer[..head]).expect("ASCII");
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse::<usize>().ok())?
    });
    Some(head + 4 + length.expect("a content-length"))
}
