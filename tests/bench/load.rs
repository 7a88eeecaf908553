//! Tokens over the socket, beside the bare server.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::report::Report;
use crate::scene::{Scene, Sizes, token_request};

/// One caller on one socket.
pub(crate) struct Caller<'a> {
    socket: &'a Path,
    request: &'a [u8],
    stream: Option<UnixStream>,
    buffer: Vec<u8>,
}

impl<'a> Caller<'a> {
    pub(crate) fn new(socket: &'a Path, request: &'a [u8]) -> Self {
        Self {
            socket,
            request,
            stream: None,
            buffer: vec![0; 16 * 1024],
        }
    }

    /// One request on a kept or a new connection; how long it took.
    pub(crate) fn call(&mut self, keep: bool) -> Duration {
        if !keep {
            self.stream = None;
        }
        let start = Instant::now();
        let stream = self
            .stream
            .get_or_insert_with(|| UnixStream::connect(self.socket).expect("the socket answers"));
        stream
            .write_all(self.request)
            .expect("the request is taken");
        read_answer(stream, &mut self.buffer);
        let took = start.elapsed();
        if !keep {
            self.stream = None;
        }
        took
    }
}

/// Reads one whole answer; panics unless it is a 200.
fn read_answer(stream: &mut UnixStream, buffer: &mut [u8]) {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).expect("an answer");
        assert!(read > 0, "the connection ended within an answer");
        filled += read;
        let end_of_head = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        let Some(head) = end_of_head else { continue };
        let text = std::str::from_utf8(&buffer[..head]).expect("ASCII");
        assert!(text.starts_with("HTTP/1.1 200"), "{text}");
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let value = name
                .eq_ignore_ascii_case("content-length")
                .then_some(value)?;
            value.trim().parse::<usize>().ok()
        });
        if filled >= head + 4 + length.expect("a content-length") {
            return;
        }
    }
}

/// The median, in microseconds.
pub(crate) fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times
        .get(times.len() / 2)
        .map_or(f64::NAN, |middle| middle.as_secs_f64() * 1e6)
}

/// `callers` threads, each with `calls` requests; all times.
fn run(socket: &Path, request: &[u8], callers: usize, calls: usize, keep: bool) -> Vec<Duration> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..callers)
            .map(|_| {
                scope.spawn(move || {
                    let mut caller = Caller::new(socket, request);
                    (0..calls).map(|_| caller.call(keep)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a caller"))
            .collect()
    })
}

/// Kept and new connections, 1 and 16 callers; baseline and agent take turns.
pub(crate) fn tokens(scene: &Scene, sizes: &Sizes, report: &mut Report) {
    let request = token_request("bench");
    for (keep, how) in [(true, "kept connection"), (false, "new connection")] {
        for callers in [1, 16] {
            let (mut bare, mut agent) = (Vec::new(), Vec::new());
            for round in 0..=sizes.rounds {
                let calls = sizes.calls / callers;
                let baseline = run(&scene.bare_socket, &request, callers, calls, keep);
                let measured = run(&scene.agent_socket, &request, callers, calls, keep);
                // The first round warms both up.
                if round > 0 {
                    bare.extend(baseline);
                    agent.extend(measured);
                }
            }
            let what = format!(
                "cached token, {how}, {callers} caller{}",
                if callers == 1 { "" } else { "s" }
            );
            report.ratio(&what, median(&mut bare), median(&mut agent), Some(1.3));
        }
    }
}

/// A cached token while another connection's refresh hangs, and while clients sit silent.
pub(crate) fn undisturbed(scene: &Scene, sizes: &Sizes, report: &mut Report) {
    let request = token_request("bench");
    let mut caller = Caller::new(&scene.agent_socket, &request);
    let mut measure = || {
        let mut times: Vec<_> = (0..sizes.calls / 4).map(|_| caller.call(true)).collect();
        median(&mut times)
    };
    measure();
    let alone = measure();
    let hanging = scene.hang_a_refresh("other");
    report.ratio(
        "cached token while another refresh hangs",
        alone,
        measure(),
        None,
    );
    drop(hanging);
    let mut silent: Vec<UnixStream> = Vec::new();
    for n in 0..200 {
        let mut stream = UnixStream::connect(&scene.agent_socket).expect("the socket answers");
        if n % 2 == 0 {
            stream
                .write_all(b"POST /api/v1/credentials/conn")
                .expect("half a request");
        }
        silent.push(stream);
    }
    report.ratio(
        "cached token while 200 clients sit silent or half-way",
        alone,
        measure(),
        None,
    );
}
