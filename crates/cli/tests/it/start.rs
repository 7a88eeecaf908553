//! The background agent: a script stands for `valetkey-agent`, the stub for its socket.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::stub::{Ended, Stub, token_response};

/// A named pipe.
fn fifo(path: &Path) {
    rustix::fs::mknodat(
        rustix::fs::CWD,
        path,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .unwrap();
}

#[test]
fn an_agent_is_started_in_a_session_of_its_own_without_inherited_descriptors() {
    let agent = Stub::absent();
    let home = agent.home().display().to_string();
    let (started, go) = (agent.home().join("started"), agent.home().join("go"));
    fifo(&started);
    fifo(&go);
    // What it finds, in order: arguments, folder, session (its own id), descriptors.
    let script = agent.script(
        "agent",
        &format!(
            "read -r _ _ _ _ _ session _ < /proc/self/stat\n\
             {{ echo \"$@\"; pwd; test $session = $$ && echo own session; for fd in /proc/$$/fd/*; do echo ${{fd##*/}}; done; }} > {home}/found\n\
             echo > {home}/started\n\
             read -r line < {home}/go\n\
             echo \"$line\""
        ),
    );
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "exec 9> \"$VALETKEY_HOME/inherited\"; exec \"$@\"",
        "sh",
    ]);
    command
        .arg(env!("CARGO_BIN_EXE_valetkey"))
        .args(["token", "google", "--verbose"]);
    command
        .env("VALETKEY_HOME", agent.home())
        .env("VALETKEY_AGENT_BIN", script);
    let waiting = thread::spawn(move || Ended::from(command.output().unwrap()));
    fs::read(&started).unwrap();
    agent.listen(|_| Some((200, token_response())));
    let ready = json!({"ready": {"socket": agent.home().join("run/agent.sock"), "port": null, "pid": 1, "version": "0.1.0"}});
    fs::write(&go, format!("{ready}\n")).unwrap();
    let ended = waiting.join().unwrap();
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(0), "ya29.s3cret\n"),
        "{}",
        ended.err
    );
    let found = fs::read_to_string(agent.home().join("found")).unwrap();
    let found: Vec<&str> = found.lines().collect();
    assert_eq!(found[..3], ["--background --verbose", "/", "own session"]);
    assert!(!found[3..].contains(&"9"), "{found:?}");
}

#[test]
fn relative_files_are_found_by_the_agent_in_another_folder() {
    for variable in ["VALETKEY_KEY_FILE", "VALETKEY_PASSPHRASE_FILE"] {
        let agent = Stub::absent();
        let script = agent.script(
            "agent",
            &format!("cat \"${variable}\" > \"$VALETKEY_HOME/found\""),
        );
        fs::write(agent.home().join("key"), "the key").unwrap();
        let mut command = agent.command("status");
        command
            .current_dir(agent.home())
            .env("VALETKEY_AGENT_BIN", script)
            .env(variable, "key");
        command.output().unwrap();
        let found = fs::read_to_string(agent.home().join("found")).unwrap();
        assert_eq!(found, "the key", "{variable}");
    }
}

#[test]
fn why_the_agent_cannot_start_is_said_in_its_own_words() {
    let agent = Stub::absent();
    let line = json!({"failed": {
        "code": "keychain_unavailable", "message": "there is no keychain", "hint": "choose a store with `valetkey serve --secret-store file`"
    }});
    let script = agent.script("agent", &format!("echo '{line}'; exit 69"));
    let mut command = agent.command("token google");
    let ended = Ended::from(command.env("VALETKEY_AGENT_BIN", script).output().unwrap());
    assert_eq!(ended.code, Some(69));
    insta::assert_snapshot!(ended.err, @r"
    error: there is no keychain

    hint: choose a store with `valetkey serve --secret-store file`
    ");
}

#[test]
fn an_agent_that_dies_without_a_word_is_named() {
    let agent = Stub::absent();
    let script = agent.script("agent", "exit 3");
    let mut command = agent.command("status");
    let ended = Ended::from(command.env("VALETKEY_AGENT_BIN", script).output().unwrap());
    assert_eq!(ended.code, Some(69));
    let home = agent.home().display().to_string();
    insta::assert_snapshot!(ended.err.replace(&home, "[home]"), @r"
    error: the agent cannot be started
      `valetkey-agent` ended with exit status: 3

    hint: run `valetkey serve` to see why; the log is `[home]/oauth.log`
    ");
}

#[test]
fn a_missing_agent_is_69() {
    let ended = Stub::absent().run("status");
    assert_eq!(ended.code, Some(69));
    assert_eq!(
        ended.err,
        "error: `VALETKEY_AGENT_BIN` names no file: `/nonexistent/valetkey-agent`\n\nhint: correct it, or unset it\n"
    );
}

#[test]
fn serve_becomes_the_agent() {
    let agent = Stub::absent();
    let script = agent.script("agent", "echo \"$@\"; exit 5");
    let mut command = agent.command("serve --secret-store file --port 0 --verbose");
    let ended = Ended::from(command.env("VALETKEY_AGENT_BIN", script).output().unwrap());
    assert_eq!(ended.code, Some(5));
    assert_eq!(ended.out, "--secret-store file --port 0 --verbose\n");
}

#[test]
fn stop_waits_until_the_agent_has_gone_and_starts_none() {
    let nobody = Stub::absent().run("stop");
    assert_eq!(
        (nobody.code, nobody.err.as_str()),
        (Some(0), "no agent is running\n")
    );
    let agent = Stub::absent();
    let socket = agent.home().join("run/agent.sock");
    agent.listen(move |_| {
        fs::remove_file(&socket).unwrap();
        Some((202, json!({"pid": 42})))
    });
    let ended = agent.run("stop");
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "the agent (pid 42) has ended\n")
    );
    assert_eq!(agent.lines(), ["POST /shutdown"]);
}

/// The next agent could not start before.
#[test]
fn stop_waits_until_the_lock_is_free() {
    for is_reachable in [true, false] {
        let agent = Stub::absent();
        let lock = fs::File::create(agent.home().join("agent.lock")).unwrap();
        lock.lock().unwrap();
        let (stopping, is_stopping) = mpsc::channel();
        if is_reachable {
            let socket = agent.home().join("run/agent.sock");
            agent.listen(move |_| {
                fs::remove_file(&socket).unwrap();
                stopping.send(()).unwrap();
                Some((202, json!({"pid": 42})))
            });
        } else {
            stopping.send(()).unwrap();
        }
        let released = Arc::new(AtomicBool::new(false));
        let was_released = Arc::clone(&released);
        let busy = thread::spawn(move || {
            is_stopping.recv().unwrap();
            // As an agent that stores what is not stored.
            thread::sleep(Duration::from_millis(400));
            was_released.store(true, Ordering::SeqCst);
            drop(lock);
        });
        let ended = agent.run("stop");
        assert!(released.load(Ordering::SeqCst), "{}", ended.err);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        busy.join().unwrap();
    }
}

/// `stop` while another agent starts already: that one is none of its business.
#[test]
fn stop_does_not_wait_for_the_next_agent() {
    let agent = Stub::absent();
    let lock = fs::File::create(agent.home().join("agent.lock")).unwrap();
    lock.lock().unwrap();
    fs::write(agent.home().join("agent.lock"), "43\n").unwrap();
    let socket = agent.home().join("run/agent.sock");
    agent.listen(move |_| {
        fs::remove_file(&socket).unwrap();
        Some((202, json!({"pid": 42})))
    });
    let ended = agent.run("stop");
    assert_eq!(
        (ended.code, ended.err.as_str()),
        (Some(0), "the agent (pid 42) has ended\n")
    );
}

/// An agent that is starting when `stop` looks is stopped, too.
#[test]
fn stop_waits_for_an_agent_that_is_starting() {
    let agent = Stub::absent();
    let lock = fs::File::create(agent.home().join("agent.lock")).unwrap();
    lock.lock().unwrap();
    let child = agent.command("stop").spawn().unwrap();
    // Whether it looks before or after this: it finds the lock held, or the agent.
    let socket = agent.home().join("run/agent.sock");
    let lock = Mutex::new(Some(lock));
    agent.listen(move |_| {
        fs::remove_file(&socket).unwrap();
        lock.lock().unwrap().take();
        Some((202, json!({"pid": 42})))
    });
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    assert_eq!(agent.lines(), ["POST /shutdown"]);
}
