//! Who sent a request: set by the listener on each request, read by the routes.

#[cfg_attr(not(target_os = "linux"), path = "caller/no_process.rs")]
mod process;

mod known_processes;

use std::fmt;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use valetkey_agent::{Actor, Identity, Requester};
use valetkey_api::core::actor;
use valetkey_api::core::id::{ClientKeyId, ConnectionId};
use valetkey_api::core::printable::printable;
use valetkey_api::core::program::{Client, Program, UnknownReason, asks_for_itself, identify};

pub(crate) use self::known_processes::KnownProcesses;
use self::process::{Evidence, Peer, Running};

/// The sender of a request, as an extension of it.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The window of the desktop app, in this process.
    Window,
    /// The tray menu of the desktop app, in this process.
    Tray,
    /// A notification of the desktop app, in this process.
    Notification,
    /// A program of this user, at the socket.
    Process(Arc<Process>),
    /// The holder of a client key, at the loopback listener.
    Key(Arc<Key>),
}

/// A program at the socket that sent a request. What it runs is looked at once for the request, and again
/// when a token is handed out after a wait.
#[derive(Debug)]
pub struct Process {
    connected: Arc<ConnectedProcess>,
    asked_as: OnceLock<Arc<Known>>,
}

/// The process at the other end of a connection.
#[derive(Debug)]
pub struct ConnectedProcess {
    pid: Option<i32>,
    uid: u32,
    peer: Option<Peer>,
    known: Mutex<Option<Arc<Known>>>,
}

/// A program, as long as its process runs nothing else.
#[derive(Debug)]
struct Known {
    running: Option<Running>,
    program: Arc<Program>,
    actor: Actor,
    /// Its working directory, if the program is what this process runs itself.
    own_folder: Option<PathBuf>,
    /// It is the window of the desktop app, or what the window started: its web engine.
    is_own_window: bool,
}

impl ConnectedProcess {
    /// The process at the other end of `stream`, which was accepted now.
    pub fn at(stream: &impl AsFd, pid: Option<i32>, uid: u32) -> Self {
        Self::with(pid, uid, || Evidence::of(stream))
    }

    fn with(pid: Option<i32>, uid: u32, evidence: impl FnOnce() -> Evidence) -> Self {
        Self {
            pid,
            uid,
            peer: pid.map(|pid| Peer::new(pid, evidence())),
            known: Mutex::default(),
        }
    }

    /// What it is now. One look at its executable and command line, if it still runs the same.
    fn look(&self) -> Arc<Known> {
        let running = self.peer.as_ref().and_then(Peer::running);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*known
            && known.running == running
        {
            return Arc::clone(known);
        }
        let found = Arc::new(self.identify(running));
        *known = Some(Arc::clone(&found));
        found
    }

    /// What it is, if `later` is the same process, connected anew, which still runs the same in the same
    /// folder. A tool that passes tokens on is always looked at: whoever started it may do something else
    /// by now.
    fn still_known(&self, later: &Self) -> Option<Arc<Known>> {
        let (peer, later) = (self.peer.as_ref()?, later.peer.as_ref()?);
        if !peer.is_same_process(later) {
            return None;
        }
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| {
            known.own_folder.is_some()
                && known.program.client.is_known()
                && known.running.is_some()
                && known.running == peer.running()
                && known.own_folder == peer.working_directory()
        });
        known.map(Arc::clone)
    }

    fn identify(&self, running: Option<Running>) -> Known {
        let peer = self.peer.as_ref().filter(|_| running.is_some());
        let Some((peer, ancestry)) = peer.and_then(|peer| Some((peer, peer.ancestry()?))) else {
            return Known {
                running,
                program: Arc::new(Program::unknown(UnknownReason::Ended)),
                actor: self.actor(None),
                own_folder: None,
                is_own_window: false,
            };
        };
        let first = ancestry.processes.first();
        let own_folder = first.and_then(|process| process.working_directory.clone());
        let executable = first.and_then(|process| process.executable.as_ref());
        Known {
            running,
            program: Arc::new(peer.settle(identify(&ancestry.processes))),
            actor: self
                .actor(executable.map(|path| printable(&path.to_string_lossy()).into_owned())),
            own_folder: own_folder.filter(|_| asks_for_itself(&ancestry.processes)),
            is_own_window: ancestry.is_own_window,
        }
    }

    fn actor(&self, executable: Option<String>) -> Actor {
        actor::Actor::Process {
            pid: self.pid,
            executable,
        }
        .into()
    }
}

impl Process {
    /// Sends a request now.
    pub fn of(connected: &Arc<ConnectedProcess>) -> Self {
        Self {
            connected: Arc::clone(connected),
            asked_as: OnceLock::new(),
        }
    }

    /// A program of this process id, which runs now.
    pub fn running_now(pid: Option<i32>, uid: u32) -> Self {
        let connected = ConnectedProcess::with(pid, uid, Evidence::accepted_now);
        Self::of(&Arc::new(connected))
    }

    pub fn pid(&self) -> Option<i32> {
        self.connected.pid
    }

    /// The process that sent it.
    pub(crate) fn connected(&self) -> &Arc<ConnectedProcess> {
        &self.connected
    }

    /// What stands for its program, among others that connect.
    pub(crate) fn key(&self) -> ProgramKey {
        let client = &self.asked_as().program.client;
        match self.pid() {
            Some(pid) if !client.is_known() => ProgramKey::Process(pid),
            Some(_) | None => ProgramKey::Program(client.clone()),
        }
    }

    pub fn uid(&self) -> u32 {
        self.connected.uid
    }

    /// Whether it is the window of the desktop app or its web engine, which have no business here.
    pub(crate) fn is_own_window(&self) -> bool {
        self.asked_as().is_own_window
    }

    /// What it was when the request was first looked into.
    fn asked_as(&self) -> &Arc<Known> {
        self.asked_as.get_or_init(|| self.connected.look())
    }
}

/// A program, or a process whose program is not known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum ProgramKey {
    Program(Client),
    Process(i32),
}

impl valetkey_agent::Process for Process {
    fn still_runs(&self, program: &Program) -> bool {
        let now = self.connected.look();
        // What cannot be told apart is at least the same process, which still runs the same.
        let is_same = program.client.is_known() || now.running == self.asked_as().running;
        is_same && *now.program == *program && (self.pid().is_none() || now.running.is_some())
    }
}

/// A client key that was verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub id: ClientKeyId,
    /// What the person called it.
    pub name: String,
    /// The connections it may use; None: all.
    pub connections: Option<Vec<ConnectionId>>,
    /// Whether it may manage connections, sign-ins, authenticators, events and settings.
    pub manage: bool,
}

impl Key {
    /// Whether it may use this connection.
    pub fn covers(&self, connection: ConnectionId) -> bool {
        self.connections
            .as_ref()
            .is_none_or(|own| own.contains(&connection))
    }
}

impl Caller {
    /// As the audit log names it: `process 4711 /usr/bin/node`, `key ci`, `window`.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Window => actor::Actor::Window.into(),
            Self::Tray => actor::Actor::Tray.into(),
            Self::Notification => actor::Actor::Notification.into(),
            Self::Process(process) => process.asked_as().actor.clone(),
            Self::Key(key) => actor::Actor::Key {
                name: key.name.clone(),
            }
            .into(),
        }
    }
}

impl Caller {
    /// As the agent decides about it.
    pub(crate) fn requester(&self) -> Requester {
        match self {
            Self::Process(process) => {
                let known = process.asked_as();
                Requester {
                    actor: known.actor.clone(),
                    identity: Identity::Program(
                        Arc::clone(&known.program),
                        Arc::clone(process) as Arc<dyn valetkey_agent::Process>,
                    ),
                }
            }
            Self::Key(key) => Requester {
                actor: self.actor(),
                identity: Identity::Key(key.id),
            },
            Self::Window | Self::Tray | Self::Notification => Requester::person(self.actor()),
        }
    }

    /// Who asks, for the person: a program by its file, without the process id.
    pub(crate) fn asked_by(&self) -> String {
        match self {
            Self::Process(process) => match process.pid() {
                Some(pid) => {
                    let actor = self.actor().to_string();
                    actor.replacen(&format!("process {pid} "), "process ", 1)
                }
                None => self.actor().to_string(),
            },
            Self::Window | Self::Tray | Self::Notification | Self::Key(_) => {
                self.actor().to_string()
            }
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.actor(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_named_by_its_executable() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let caller = Caller::Process(Arc::new(Process::running_now(Some(pid), 0)));
        let exe = std::env::current_exe().unwrap();
        assert_eq!(
            caller.to_string(),
            format!("process {pid} {}", exe.display())
        );
    }

    #[test]
    fn a_process_that_is_gone_still_has_a_name() {
        let caller = Caller::Process(Arc::new(Process::running_now(Some(i32::MAX), 0)));
        assert_eq!(caller.to_string(), format!("process {}", i32::MAX));
    }

    /// A list asks who sent the request for each of its rows.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_is_looked_at_once_for_a_request() {
        let mut child = std::process::Command::new("sleep");
        let mut child = child.arg("600").spawn().unwrap();
        let pid = i32::try_from(child.id()).ok();
        let caller = Caller::Process(Arc::new(Process::running_now(pid, 0)));
        let shown = caller.to_string();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(
            caller.to_string(),
            shown,
            "another look finds no executable"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_unknown_program_does_not_still_run_after_an_exec() {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        use std::time::{Duration, Instant};

        use valetkey_agent::Process as _;

        // It reads its program from standard input, before and afterwards.
        let mut child = Command::new("sh").stdin(Stdio::piped()).spawn().unwrap();
        let process = Process::running_now(i32::try_from(child.id()).ok(), 0);
        let program = Arc::clone(&process.asked_as().program);
        assert!(!program.client.is_known());
        assert!(process.still_runs(&program));
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"exec sh\n").unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while process.still_runs(&program) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        let still_runs = process.still_runs(&program);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!still_runs, "it runs another program");
    }
}
