use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};

use super::*;
use crate::error::ErrorCode;
use crate::token::TokenRequest;

/// An agent that takes one connection per script and answers each request on it with the next reply,
/// then hangs up. Gives back the request lines.
fn agent(scripts: Vec<Vec<String>>) -> (tempfile::TempDir, PathBuf, JoinHandle<Vec<String>>) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let thread = thread::spawn(move || {
        let mut seen = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(&stream);
            for reply in script {
                seen.push(read_request(&mut reader));
                (&stream).write_all(reply.as_bytes()).unwrap();
            }
        }
        seen
    });
    (folder, socket, thread)
}

fn read_request(reader: &mut BufReader<&UnixStream>) -> String {
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    first.trim().to_owned()
}

fn reply(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn without_an_agent_it_is_not_running() {
    let folder = tempfile::tempdir().unwrap();
    let result = Client::connect(&Home::at(folder.path()), None);
    assert!(matches!(result, Err(ClientError::NotRunning)));
}

#[test]
fn a_refusal_arrives_as_the_error_that_was_sent() {
    let body = r#"{"detail":{"code":"keychain_locked","message":"locked","new_field":1}}"#;
    let (_folder, socket, thread) = agent(vec![vec![reply("503 Service Unavailable", body)]]);
    let mut client = Client::connect_to(socket, Some("staging".parse().unwrap())).unwrap();
    let error = client.token("a/b", &TokenRequest::default()).unwrap_err();
    assert!(matches!(error, ClientError::Api(error) if error.code == ErrorCode::KeychainLocked));
    let request = "POST /api/v1/credentials/connections/a%2Fb/token?profile=staging HTTP/1.1";
    assert_eq!(thread.join().unwrap(), [request]);
}

#[test]
fn a_get_is_sent_again_when_the_agent_had_hung_up_meanwhile() {
    let settings = || reply("200 OK", r#"{"browser":null}"#);
    let (_folder, socket, thread) = agent(vec![vec![settings()], vec![settings()]]);
    let mut client = Client::connect_to(socket, None).unwrap();
    client.settings().unwrap();
    client.settings().unwrap();
    assert_eq!(thread.join().unwrap().len(), 2);
}

#[test]
fn a_change_is_never_sent_twice() {
    let (_folder, socket, thread) = agent(vec![vec![], vec![]]);
    let mut client = Client::connect_to(socket, None).unwrap();
    let error = client.shutdown().unwrap_err();
    assert!(matches!(error, ClientError::Ended), "{error:?}");
    client.settings().unwrap_err();
    assert!(thread.join().unwrap().is_empty());
}

#[test]
fn one_connection_carries_several_requests() {
    let settings = || reply("200 OK", r#"{"browser":"firefox"}"#);
    let (_folder, socket, thread) = agent(vec![vec![settings(), settings()]]);
    let mut client = Client::connect_to(socket, None).unwrap();
    client.settings().unwrap();
    let settings = client.settings().unwrap();
    assert_eq!(settings.browser.as_deref(), Some("firefox"));
    assert_eq!(thread.join().unwrap().len(), 2);
}

#[test]
fn a_page_of_something_else_is_a_protocol_error() {
    let (_folder, socket, thread) = agent(vec![vec![reply("502 Bad Gateway", "<html>")]]);
    let mut client = Client::connect_to(socket, None).unwrap();
    let error = client.status().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the agent's response cannot be used: HTTP 502"
    );
    thread.join().unwrap();
}

#[test]
fn a_reply_that_drips_for_ever_ends_in_time() {
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    let dripping = thread::spawn(move || {
        let mut next: &[u8] = b"HTTP/1.1 200 OK\r\nx: ";
        while theirs.write_all(next).is_ok() {
            next = b"x";
            thread::sleep(Duration::from_millis(5));
        }
    });
    let result = receive(&mut ours, Duration::from_millis(100)).map_err(ClientError::from);
    assert!(matches!(result, Err(ClientError::TimedOut)), "{result:?}");
    drop(ours);
    dripping.join().unwrap();
}
