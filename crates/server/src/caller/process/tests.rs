//! Processes as `/proc` shows them.

use std::process::{Child, Command, Stdio};

use super::*;

/// A process that waits until it is killed.
struct Waiting(Child);

impl Waiting {
    fn start() -> Self {
        let mut command = Command::new("sleep");
        let child = command.arg("600").stdin(Stdio::null()).spawn();
        Self(child.expect("sleep"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn own_pid() -> i32 {
    rustix::process::getpid().as_raw_nonzero().get()
}

#[test]
fn a_process_shows_what_it_runs() {
    let waiting = Waiting::start();
    let peer = Peer::new(waiting.pid(), Evidence::accepted_now());
    let ancestry = peer.ancestry().unwrap();
    let process = &ancestry.processes[0];
    assert_eq!(
        process.arguments,
        Some(vec!["sleep".to_owned(), "600".to_owned()])
    );
    assert!(process.executable.is_some());
    assert_eq!(process.working_directory, std::env::current_dir().ok());
    assert!(!process.is_valetkey);
    assert_eq!(ancestry.processes[1].pid, own_pid());
    assert!(!ancestry.is_own_window);
    assert_eq!(peer.running(), peer.running());
}

#[test]
fn a_process_that_ended_shows_nothing() {
    let mut waiting = Waiting::start();
    let peer = Peer::new(waiting.pid(), Evidence::accepted_now());
    assert!(peer.running().is_some());
    waiting.end();
    assert_eq!(peer.running(), None);
    assert!(peer.ancestry().is_none());
}

#[test]
fn a_younger_process_of_the_same_pid_is_another_one() {
    // Accepted before the machine started: every process is younger.
    let peer = Peer::new(own_pid(), Evidence::AcceptedAt(0.0));
    assert_eq!(peer.running(), None);
    let pidfd = |pid: i32| {
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).unwrap()
    };
    let mut ended = Waiting::start();
    let evidence = Evidence::Pidfd(pidfd(ended.pid()));
    ended.end();
    // The pid now belongs to somebody else, here to us.
    assert_eq!(Peer::new(own_pid(), evidence).running(), None);
    let evidence = Evidence::Pidfd(pidfd(own_pid()));
    assert!(Peer::new(own_pid(), evidence).running().is_some());
}

#[test]
fn the_name_of_a_process_may_hold_anything() {
    let text = "7 (a) 1 2) S 3 1 1 34816 1 0 0 0 0 0 0 0 0 0 0 0 1 0 4711 0";
    let stat = Stat::parse(text).unwrap();
    let expected = Stat {
        parent: 3,
        terminal: Some(34816),
        started: 4711,
    };
    assert_eq!(stat, expected);
}

#[test]
fn the_project_is_the_repository_around_the_folder() {
    let tmp = tempfile::tempdir().unwrap();
    let inner = tmp.path().join("work/src/deep");
    fs::create_dir_all(&inner).unwrap();
    assert_eq!(project(&inner), inner);
    fs::create_dir(tmp.path().join("work/.git")).unwrap();
    assert_eq!(project(&inner), tmp.path().join("work"));
}
