use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::stub::{Answer, Ended, Request, Stub, connection};

const SESSION: &str = "018f0000-0000-7000-8000-000000000009";
const URL: &str = "https://provider.example/authorize?client_id=x&state=a%20b&x='$(id)'";

fn view(state: &Value) -> Value {
    let mut view = json!({
        "session_id": SESSION, "authenticator": "github", "authenticator_id": "018f0000-0000-7000-8000-000000000008",
        "account": null, "profile": "default", "asked_scopes": ["repo"],
        "reason": null, "started_at": "2026-11-21T12:00:00Z", "expires_at": "2026-11-21T12:05:00Z"
    });
    for (name, value) in state.as_object().unwrap().clone() {
        view[name] = value;
    }
    view
}

pub(crate) fn completed() -> Value {
    view(&json!({"state": "completed", "connection": connection("github"), "renewed": false}))
}

/// Begins any sign-in; the session answers as `session` says.
pub(crate) fn provider(session: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::new(move |request| {
        let (method, path) = request.line.split_once(' ').unwrap();
        match (method, path) {
            ("POST", "/credentials/connections") => Some((
                202,
                json!({
                    "session_id": SESSION, "authorize_url": (request.body["method"] != "api_key").then_some(URL),
                    "expires_at": "2999-01-01T00:00:00Z",
                    "redirect_uri": "http://127.0.0.1:40111/callback"
                }),
            )),
            ("GET", "/settings") => Some((200, json!({"browser": null}))),
            ("DELETE", _) => Some((200, view(&json!({"state": "cancelled"})))),
            _ => session(request),
        }
    })
}

/// A browser that notes its arguments.
fn browser(agent: &Stub) -> String {
    let notes = agent.home().join("notes");
    let script = format!("printf '%s\\n' \"$@\" > '{}'", notes.display());
    agent.script("browser", &script).display().to_string()
}

fn connect(agent: &Stub, args: &str) -> Command {
    let mut command = agent.command(&format!("connect github {args}"));
    command.env("BROWSER", format!("{} --new %s", browser(agent)));
    command
}

#[test]
fn a_sign_in_that_needs_no_person_opens_no_browser_and_reads_no_address() {
    let agent = Stub::new(move |request| match request.line.split_once(' ') {
        Some(("POST", "/credentials/connections")) => Some((
            202,
            json!({ "session_id": SESSION, "expires_at": "2999-01-01T00:00:00Z" }),
        )),
        _ => Some((200, completed())),
    });
    let ended = Ended::from(connect(&agent, "--no-browser").output().unwrap());
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    assert!(
        ended
            .err
            .starts_with("connecting `github`; no browser is needed (Ctrl-C cancels)\nsigned in:"),
        "{}",
        ended.err
    );
    assert!(!agent.home().join("notes").exists());
}

#[test]
fn the_browser_gets_the_address_as_one_argument_and_the_account_is_named() {
    // The first long poll ends without news.
    let polls = AtomicUsize::new(0);
    let agent = provider(move |_| match polls.fetch_add(1, Ordering::Relaxed) {
        0 => Some((200, view(&json!({"state": "started"})))),
        _ => Some((200, completed())),
    });
    let ended = Ended::from(
        connect(&agent, "--scopes gist --reason why --account w")
            .output()
            .unwrap(),
    );
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), ""),
        "{}",
        ended.err
    );
    insta::with_settings!({filters => vec![(r"at most \d+ days", "at most [time]")]}, {
        insta::assert_snapshot!(ended.err, @r"
        waiting for you to sign in to `github` in the browser (at most [time]; Ctrl-C cancels)
        signed in: `github` as ada
        warning: not granted: Create gists (gist)
          granted: Full access to public and private repositories (no read-only variant exists) (repo)
        hint: `valetkey token github` prints its token
        ");
    });
    let notes = std::fs::read_to_string(agent.home().join("notes")).unwrap();
    assert_eq!(notes, format!("--new\n{URL}\n"));
    let asked = &agent.requests()[0].body;
    assert_eq!(
        *asked,
        json!({"authenticator": "github", "account": "w", "scopes": ["gist"], "method": "browser", "reason": "why"})
    );
}

#[test]
fn a_label_that_was_not_made_because_the_account_is_the_same_is_told() {
    for (args, label) in [("", None), ("--account w", Some("w"))] {
        for (got, told) in [("github", label.is_some()), ("github/w", false)] {
            let mut connection = connection(got);
            connection["account"]["label"] = json!(got.split_once('/').map(|(_, label)| label));
            let state = json!({"state": "completed", "connection": connection, "renewed": true});
            let agent = provider(move |_| Some((200, view(&state))));
            let ended = Ended::from(connect(&agent, args).output().unwrap());
            assert_eq!(ended.code, Some(0), "{}", ended.err);
            let warned = ended.err.contains(
                "warning: this is not `github/w`: GitHub signed in the account of `github` again\n",
            );
            assert_eq!(warned, told, "{args} {got}: {}", ended.err);
        }
    }
}

#[test]
fn a_refusal_by_the_person_is_77() {
    let error = json!({"code": "access_denied", "message": "you said no at GitHub"});
    let denied = view(&json!({"state": "denied", "error": error}));
    let agent = provider(move |_| Some((200, denied.clone())));
    let ended = Ended::from(connect(&agent, "").output().unwrap());
    assert_eq!(ended.code, Some(77));
    assert!(
        ended.err.ends_with("error: you said no at GitHub\n"),
        "{}",
        ended.err
    );
}

#[test]
fn nobody_in_time_is_77_too() {
    let agent = provider(|_| Some((200, view(&json!({"state": "timed_out"})))));
    assert_eq!(
        connect(&agent, "").output().unwrap().status.code(),
        Some(77)
    );
}

#[test]
fn an_address_that_is_no_web_address_is_never_opened() {
    let agent = Stub::new(|request| match request.line.as_str() {
        "POST /credentials/connections" => Some((
            202,
            json!({
                "session_id": SESSION, "authorize_url": "file:///etc/passwd", "expires_at": "2999-01-01T00:00:00Z",
                "redirect_uri": "http://127.0.0.1:1/"
            }),
        )),
        "GET /settings" => Some((200, json!({"browser": null}))),
        _ => Some((200, completed())),
    });
    let ended = Ended::from(connect(&agent, "").output().unwrap());
    assert!(
        ended
            .err
            .starts_with("warning: the browser cannot be opened\n"),
        "{}",
        ended.err
    );
    assert!(!agent.home().join("notes").exists());
}

#[test]
fn ctrl_c_cancels_the_sign_in() {
    let agent = provider(|_| None);
    let mut child = connect(&agent, "").stderr(Stdio::piped()).spawn().unwrap();
    let mut words = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    words.read_line(&mut line).unwrap();
    assert!(line.starts_with("waiting for you"), "{line}");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // The long poll may arrive after it: the person was quicker.
    let cancel = format!("DELETE /credentials/sessions/{SESSION}");
    assert!(agent.lines().contains(&cancel), "{:?}", agent.lines());
}

#[test]
fn without_a_browser_the_pasted_address_finishes_it() {
    let agent = provider(|request| match &request.body["url"] {
        Value::Null => None,
        url if url == "http://127.0.0.1:40111/callback?code=c&state=s" => Some((200, completed())),
        _ => Some((
            400,
            json!({"detail": {"code": "invalid_request", "message": "this is not the address"}}),
        )),
    });
    let mut command = connect(&agent, "--no-browser");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"\nnonsense\nhttp://127.0.0.1:40111/callback")
        .unwrap();
    stdin.write_all(b"?code=c&state=s\n").unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.out), (Some(0), format!("{URL}\n")));
    assert!(
        ended.err.contains("warning: this is not the address\n"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("signed in: `github` as ada\n"),
        "{}",
        ended.err
    );
    assert!(!ended.err.contains("code=c"), "the code is not repeated");
    assert!(!agent.home().join("notes").exists(), "no browser is opened");
}

#[test]
fn without_a_browser_and_input_it_waits_for_the_callback() {
    let agent = provider(|_| Some((200, completed())));
    let ended = Ended::from(connect(&agent, "--no-browser --json").output().unwrap());
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let mut documents = serde_json::Deserializer::from_str(&ended.out).into_iter::<Value>();
    assert_eq!(documents.next().unwrap().unwrap()["authorize_url"], URL);
    assert_eq!(documents.next().unwrap().unwrap()["state"], "completed");
}
