//! `valetkey events --follow`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stub::{Ended, Stub};

/// An agent that is asked to stream; the other end of its one connection.
struct Streaming {
    agent: Stub,
    child: Child,
    stream: UnixStream,
    request: String,
}

impl Streaming {
    fn start(args: &str) -> Self {
        let agent = Stub::absent();
        let listener = UnixListener::bind(agent.home().join("run/agent.sock")).unwrap();
        let accepting = thread::spawn(move || {
            // The first connection is the client's own, on which nothing is asked.
            let _idle = listener.accept().unwrap();
            listener.accept().unwrap().0
        });
        let mut command = agent.command(args);
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stream = accepting.join().unwrap();
        let mut request = String::new();
        BufReader::new(&stream).read_line(&mut request).unwrap();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        .unwrap();
        Self {
            agent,
            child,
            stream,
            request,
        }
    }

    fn send(&mut self, id: i64) {
        let event = json!({
            "id": id, "at": "2026-11-21T08:00:00.123Z", "kind": "token.served", "connection_id": null,
            "connection": "github", "authenticator_id": null, "authenticator": null, "session_id": null,
            "actor": {"kind": "agent"}, "detail": {"door": "socket"}
        });
        let text = format!("id: {id}\nevent: token.served\ndata: {event}\n\n");
        write!(self.stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    }

    fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let out = self.child.stdout.take().unwrap();
        BufReader::new(out).lines().map(Result::unwrap)
    }

    fn end(self) -> Ended {
        let ended = self.child.wait_with_output().unwrap();
        drop(self.agent);
        Ended::from(ended)
    }
}

#[test]
fn events_are_printed_as_they_come_and_ctrl_c_is_success() {
    let mut following = Streaming::start("events --follow --connection github --after 3");
    assert_eq!(
        following.request,
        "GET /api/v1/events?after=3&connection=github&follow=true HTTP/1.1\r\n"
    );
    let mut lines = following.lines();
    for id in [4, 5] {
        following.send(id);
        assert_eq!(
            lines.next().unwrap(),
            "2026-11-21T08:00:00Z  token.served  github  (valetkey)  door=socket"
        );
    }
    kill_process(Pid::from_child(&following.child), Signal::INT).unwrap();
    let ended = following.end();
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn with_json_each_event_is_a_line() {
    let mut following = Streaming::start("events -f --json");
    let mut lines = following.lines();
    following.send(4);
    let event: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!(
        (&event["id"], &event["at"]),
        (&json!(4), &json!("2026-11-21T08:00:00.123Z"))
    );
    kill_process(Pid::from_child(&following.child), Signal::TERM).unwrap();
    assert_eq!(following.end().code, Some(0));
}

#[test]
fn a_reader_that_has_gone_ends_it() {
    let mut following = Streaming::start("events --follow");
    drop(following.lines());
    following.send(4);
    assert_eq!(following.end().code, Some(0));
}

#[test]
fn an_agent_that_ends_is_69() {
    let mut following = Streaming::start("events --follow");
    following.stream.write_all(b"0\r\n\r\n").unwrap();
    let ended = following.end();
    assert_eq!(ended.code, Some(69));
    assert!(
        ended.err.starts_with("error: the agent has ended\n"),
        "{}",
        ended.err
    );
}

#[test]
fn a_refusal_is_told_as_ever() {
    let ended = Stub::refusing(404, "not_found").run("events --follow --connection x");
    assert_eq!(ended.code, Some(66));
}
