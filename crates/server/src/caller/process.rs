//! The process at the other end of a socket connection, as `/proc` shows it.
//!
//! It is pinned when it connects: by a pidfd where the kernel has `SO_PEERPIDFD` (Linux 6.5), else by its
//! pid, which counts only if the process of that pid was there before the connection was accepted. Its
//! folder in `/proc`, opened once, then never shows another process. What it runs is looked at again
//! for each request, so that nothing is inherited over an exec.

use std::fs;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, readlinkat, statat};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use valetkey_api::core::program::ProcessFacts;

/// Ancestors that are looked at.
const MAX_ANCESTORS: usize = 32;
/// Bytes of a command line that are looked at.
const MAX_COMMAND_LINE: u64 = 16 * 1024;
/// Folders above the working directory in which a repository is looked for.
const MAX_FOLDERS: usize = 32;

/// A process that connected.
#[derive(Debug)]
pub(super) struct Peer {
    pid: i32,
    pinned: Mutex<Pin>,
}

#[derive(Debug)]
enum Pin {
    /// As it was at accept.
    Connected(Evidence),
    /// Its folder in `/proc`.
    Open(ProcFolder),
    /// It ended before it could be looked at.
    Gone,
}

/// How it is known later that a pid still means the process that connected.
#[derive(Debug)]
pub(super) enum Evidence {
    Pidfd(OwnedFd),
    /// Seconds since the machine started, when the connection was accepted.
    AcceptedAt(f64),
}

/// What a process runs, to notice an exec: the file and the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    executable: Option<FileId>,
    command_line: Vec<u8>,
}

/// Device and inode.
type FileId = (u64, u64);

/// An open folder `/proc/PID`: after the end of its process it shows nothing, whoever has the pid.
#[derive(Debug)]
struct ProcFolder(OwnedFd);

/// What `stat` says.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Stat {
    parent: i32,
    has_terminal: bool,
    /// In clock ticks since the machine started.
    started: u64,
}

/// A process and its ancestors.
pub(super) struct Ancestry {
    pub(super) processes: Vec<ProcessFacts>,
    /// One of them, but not this process, runs the executable of this process: the window, or its web
    /// engine.
    pub(super) is_own_window: bool,
}

impl Evidence {
    /// Of the process at the other end of `stream`, which was accepted now.
    pub(super) fn of(stream: &impl AsFd) -> Self {
        use nix::sys::socket::{getsockopt, sockopt::PeerPidfd};
        match getsockopt(stream, PeerPidfd) {
            Ok(pidfd) => Self::Pidfd(pidfd),
            Err(_) => Self::accepted_now(),
        }
    }

    /// For kernels without pidfds of peers.
    pub(super) fn accepted_now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        #[expect(clippy::cast_precision_loss, reason = "seconds of uptime are small")]
        Self::AcceptedAt(now.tv_sec as f64 + now.tv_nsec as f64 / 1e9)
    }

    fn still_means(&self, folder: &ProcFolder) -> bool {
        match self {
            // Readable once the process has ended.
            Self::Pidfd(pidfd) => {
                use rustix::event::{PollFd, PollFlags, Timespec, poll};
                let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
                let at_once = Timespec::default();
                poll(&mut ended, Some(&at_once)) == Ok(0)
            }
            Self::AcceptedAt(accepted) => folder.stat().is_some_and(|stat| {
                let ticks = rustix::param::clock_ticks_per_second();
                #[expect(clippy::cast_precision_loss, reason = "ticks of uptime are small")]
                let started = stat.started as f64 / ticks as f64;
                started <= *accepted
            }),
        }
    }
}

impl Peer {
    pub(super) fn new(pid: i32, evidence: Evidence) -> Self {
        Self {
            pid,
            pinned: Mutex::new(Pin::Connected(evidence)),
        }
    }

    /// What it runs now; None once it has ended.
    pub(super) fn running(&self) -> Option<Running> {
        self.with_folder(ProcFolder::running)
    }

    /// What is known of it and of its ancestors; None once it has ended.
    pub(super) fn ancestry(&self) -> Option<Ancestry> {
        self.with_folder(|folder| Ancestry::of(self.pid, folder))
    }

    fn with_folder<T>(&self, look: impl FnOnce(&ProcFolder) -> Option<T>) -> Option<T> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Pin::Connected(evidence) = &*pinned {
            let folder = ProcFolder::open(self.pid).filter(|it| evidence.still_means(it));
            *pinned = folder.map_or(Pin::Gone, Pin::Open);
        }
        match &*pinned {
            Pin::Open(folder) => look(folder),
            Pin::Connected(_) | Pin::Gone => None,
        }
    }
}

impl ProcFolder {
    fn open(pid: i32) -> Option<Self> {
        let path = format!("/proc/{pid}");
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        openat(CWD, path, flags, Mode::empty()).ok().map(Self)
    }

    /// A hidden executable has no id.
    fn running(&self) -> Option<Running> {
        Some(Running {
            executable: self.executable_id(),
            command_line: self.read("cmdline")?,
        })
    }

    fn executable_id(&self) -> Option<FileId> {
        let found = statat(&self.0, "exe", AtFlags::empty()).ok()?;
        Some((found.st_dev, found.st_ino))
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty()).ok()?;
        let mut bytes = Vec::new();
        let mut limited = fs::File::from(file).take(MAX_COMMAND_LINE);
        limited.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn link(&self, name: &str) -> Result<PathBuf, Errno> {
        let target = readlinkat(&self.0, name, Vec::new())?;
        Ok(PathBuf::from(target.to_string_lossy().into_owned()))
    }

    /// Whether it belongs to this user. The folder of a process that is not dumpable belongs to root.
    fn is_ours(&self) -> bool {
        let owner = rustix::fs::fstat(&self.0).map(|found| found.st_uid);
        owner == Ok(rustix::process::geteuid().as_raw())
    }

    fn stat(&self) -> Option<Stat> {
        Stat::parse(&String::from_utf8_lossy(&self.read("stat")?))
    }

    fn facts(&self, pid: i32, stat: Stat) -> Option<ProcessFacts> {
        let arguments = self.read("cmdline")?;
        let arguments: Vec<String> = arguments
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let count = arguments.len().saturating_sub(1);
        let working_directory = self.link("cwd").ok();
        Some(ProcessFacts {
            pid,
            executable: self.executable(),
            arguments: arguments.into_iter().take(count).collect(),
            project: working_directory.as_deref().map(project),
            working_directory,
            has_terminal: stat.has_terminal,
            is_valetkey: self.executable_id().is_some_and(is_command),
        })
    }

    /// Its path means nothing in another mount namespace.
    fn executable(&self) -> Option<PathBuf> {
        if !self.is_ours() || self.link("ns/mnt").ok() != fs::read_link("/proc/self/ns/mnt").ok() {
            return None;
        }
        let path = self.link("exe").ok()?;
        let text = path.to_string_lossy();
        // An upgrade replaces the files of programs that run.
        let path = text.strip_suffix(" (deleted)").unwrap_or(&text);
        let on_disk = path.starts_with('/') && !path.starts_with("/memfd:");
        on_disk.then(|| PathBuf::from(path))
    }
}

impl Stat {
    /// `PID (name) state ppid pgrp session tty ... starttime ...`; the name may hold anything.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<&str> = rest.split(' ').collect();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            has_terminal: *fields.get(4)? != "0",
            started: fields.get(19)?.parse().ok()?,
        })
    }
}

impl Ancestry {
    fn of(pid: i32, folder: &ProcFolder) -> Option<Self> {
        let own_executable = statat(CWD, "/proc/self/exe", AtFlags::empty()).ok();
        let own_executable = own_executable.map(|found| (found.st_dev, found.st_ino));
        let own_pid = rustix::process::getpid().as_raw_nonzero().get();
        let is_own_window = |pid: i32, folder: &ProcFolder| {
            pid != own_pid && folder.executable_id() == own_executable && own_executable.is_some()
        };
        let mut stat = folder.stat()?;
        let mut ancestry = Self {
            processes: vec![folder.facts(pid, stat)?],
            is_own_window: is_own_window(pid, folder),
        };
        // The last of this user; the system's first process is everybody's parent.
        while stat.parent > 1 && ancestry.processes.len() < MAX_ANCESTORS {
            let Some(parent) = ProcFolder::open(stat.parent).filter(ProcFolder::is_ours) else {
                break;
            };
            let Some(found) = parent.stat() else { break };
            // A parent that is younger than its child got the pid of the real one.
            if found.started > stat.started {
                break;
            }
            let Some(facts) = parent.facts(stat.parent, found) else {
                break;
            };
            ancestry.is_own_window |= is_own_window(stat.parent, &parent);
            ancestry.processes.push(facts);
            stat = found;
        }
        Some(ancestry)
    }
}

/// Whether an executable is the command `valetkey` beside this one.
fn is_command(executable: FileId) -> bool {
    let own = std::env::current_exe().ok();
    let command = own.map(|path| path.with_file_name("valetkey"));
    let found = command.and_then(|path| statat(CWD, path, AtFlags::empty()).ok());
    found.is_some_and(|found| (found.st_dev, found.st_ino) == executable)
}

/// The repository around a folder, or else the folder.
fn project(folder: &Path) -> PathBuf {
    let above = folder.ancestors().take(MAX_FOLDERS);
    let mut repositories = above.filter(|path| path.join(".git").exists());
    repositories.next().unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests {
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
        assert_eq!(process.arguments, ["sleep", "600"]);
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
            has_terminal: true,
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
}
