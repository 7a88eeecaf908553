//! The process at the other end of a socket connection, as `/proc` shows it.
//!
//! It is pinned when it connects: by a pidfd where the kernel has `SO_PEERPIDFD` (Linux 6.5), else by its
//! pid, which counts only if the process of that pid was there before the connection was accepted. Its
//! folder in `/proc`, opened once, then never shows another process. What it runs is looked at again
//! for each request, so that nothing is inherited over an exec: its executable, and whether the memory
//! is still there into which that was loaded.

mod evidence;
mod stat;

use std::fs;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::fs::{Access, AtFlags, CWD, Mode, OFlags, access, openat, readlinkat, statat};
use rustix::io::{Errno, pread};
use valetkey_api::core::program::{Code, ProcessFacts, Program, UnknownReason};

pub(super) use self::evidence::Evidence;
use self::stat::Stat;

/// Ancestors that are looked at.
const MAX_ANCESTORS: usize = 32;
/// Bytes that are read of a file in `/proc`. A longer command line is not looked at.
const MAX_BYTES: u64 = 256 * 1024;
/// Bytes that are read at first: longer than most of these files are.
const USUAL_BYTES: usize = 4096;
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
    Open(Pinned),
    /// It ended before it could be looked at.
    Gone,
}

#[derive(Debug)]
struct Pinned {
    folder: ProcFolder,
    /// As it was when it was last looked at; None if it cannot be seen.
    memory: Option<Memory>,
    /// How many memories were seen.
    memories: u64,
}

/// What a process runs, to notice an exec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Running {
    executable: Option<FileId>,
    image: Image,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Image {
    /// Which [`Memory`] of this process it is.
    Memory(u64),
    /// Of a process without an environment the auxiliary vector: addresses that each exec chooses anew.
    /// Of one that hides it the command line.
    Bytes(Vec<u8>),
}

/// Device and inode.
type FileId = (u64, u64);

/// The memory of a process, from one exec to the next: an open `/proc/PID/environ` shows that of the
/// moment when it was opened, and nothing once that is gone.
#[derive(Debug)]
struct Memory(OwnedFd);

/// An open folder `/proc/PID`: after the end of its process it shows nothing, whoever has the pid.
#[derive(Debug)]
struct ProcFolder(OwnedFd);

/// A process and its ancestors.
pub(super) struct Ancestry {
    pub(super) processes: Vec<ProcessFacts>,
    /// Between it and this process is one with the executable of this process: it is the window, or its
    /// web engine.
    pub(super) is_own_window: bool,
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
        self.with_pinned(Pinned::running)
    }

    /// What is known of it and of its ancestors; None once it has ended.
    pub(super) fn ancestry(&self) -> Option<Ancestry> {
        self.with_folder(|folder| Ancestry::of(self.pid, folder))
    }

    /// Its working directory.
    pub(super) fn working_directory(&self) -> Option<PathBuf> {
        self.with_folder(|folder| folder.link("cwd").ok())
    }

    /// Whether `other`, which connected later and was not looked at yet, is the same process.
    pub(super) fn is_same_process(&self, other: &Self) -> bool {
        let pinned = other.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        let Pin::Connected(evidence) = &*pinned else {
            return false;
        };
        // A folder that shows something now has had its pid ever since it was opened.
        self.pid == other.pid
            && self
                .with_folder(|folder| evidence.still_means(folder).then_some(()))
                .is_some()
    }

    /// `program`, with what only the disk can tell: where its command is found, whether its script is there,
    /// and which repository its working directory is in.
    pub(super) fn settle(&self, mut program: Program) -> Program {
        program.project = program.project.as_deref().map(project);
        let missing = || Program::unknown(UnknownReason::MissingScript);
        let code = &mut program.client.code;
        if let Code::Script { path, .. } = code
            && !ProcFolder::finds(path)
        {
            return missing();
        }
        if let Code::Command { arguments, .. } = code
            && let Some(command) = arguments.first_mut()
            && !command.contains('/')
        {
            let Some(found) = self.with_folder(|folder| folder.resolve(command)) else {
                return missing();
            };
            *command = found.display().to_string();
        }
        program
    }

    fn with_folder<T>(&self, look: impl FnOnce(&ProcFolder) -> Option<T>) -> Option<T> {
        self.with_pinned(|pinned| look(&pinned.folder))
    }

    fn with_pinned<T>(&self, look: impl FnOnce(&mut Pinned) -> Option<T>) -> Option<T> {
        let mut pinned = self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        if let Pin::Connected(evidence) = &*pinned {
            let folder = ProcFolder::open(self.pid).filter(|it| evidence.still_means(it));
            *pinned = folder.map_or(Pin::Gone, |folder| {
                Pin::Open(Pinned {
                    folder,
                    memory: None,
                    memories: 0,
                })
            });
        }
        match &mut *pinned {
            Pin::Open(pinned) => look(pinned),
            Pin::Connected(_) | Pin::Gone => None,
        }
    }
}

impl Pinned {
    fn running(&mut self) -> Option<Running> {
        Some(Running {
            // A hidden one has no id.
            executable: self.folder.executable_id(),
            image: self.image()?,
        })
    }

    fn image(&mut self) -> Option<Image> {
        if !self.memory.as_ref().is_some_and(Memory::is_there) {
            self.memory = self.folder.memory();
            self.memories += 1;
        }
        if self.memory.is_some() {
            return Some(Image::Memory(self.memories));
        }
        let bytes = self.folder.read("auxv");
        bytes
            .or_else(|| self.folder.read("cmdline"))
            .map(Image::Bytes)
    }
}

impl Memory {
    /// Whether its process still has it. Nothing is to be seen of one without an environment.
    fn is_there(&self) -> bool {
        pread(&self.0, &mut [0; 1], 0) == Ok(1)
    }
}

impl ProcFolder {
    fn open(pid: i32) -> Option<Self> {
        let path = format!("/proc/{pid}");
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        openat(CWD, path, flags, Mode::empty()).ok().map(Self)
    }

    /// The memory that the process has now; None if it cannot be seen.
    fn memory(&self) -> Option<Memory> {
        let memory = Memory(self.open_file("environ")?);
        memory.is_there().then_some(memory)
    }

    fn executable_id(&self) -> Option<FileId> {
        let found = statat(&self.0, "exe", AtFlags::empty()).ok()?;
        Some((found.st_dev, found.st_ino))
    }

    fn open_file(&self, name: &str) -> Option<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        openat(&self.0, name, flags, Mode::empty()).ok()
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        let file = self.open_file(name)?;
        // Large enough for one call: the kernel gives less only at the end of such a file.
        let mut bytes = vec![0; USUAL_BYTES];
        let length = rustix::io::read(&file, &mut bytes).ok()?;
        bytes.truncate(length);
        if length == USUAL_BYTES {
            let mut rest = fs::File::from(file).take(MAX_BYTES - length as u64);
            rest.read_to_end(&mut bytes).ok()?;
        }
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

    /// `is_valetkey`: its executable is the command.
    fn facts(&self, pid: i32, stat: Stat, is_valetkey: bool) -> Option<ProcessFacts> {
        Some(ProcessFacts {
            pid,
            executable: self.executable(),
            arguments: words(&self.read("cmdline")?),
            working_directory: self.link("cwd").ok(),
            reads_terminal: self.reads(stat.terminal),
            is_valetkey,
        })
    }

    /// Whether its standard input is this terminal: only then a person types what a shell runs.
    fn reads(&self, terminal: Option<u64>) -> bool {
        let input = || statat(&self.0, "fd/0", AtFlags::empty()).ok();
        terminal.is_some() && input().map(|found| found.st_rdev) == terminal
    }

    /// Whether `path`, as the process sees it, is a file.
    fn finds(path: &Path) -> bool {
        let extensions = ["js", "mjs", "cjs", "ts"];
        // Node.js adds the extension.
        path.exists()
            || extensions
                .iter()
                .any(|it| path.with_added_extension(it).exists())
    }

    /// Where its `PATH` finds a command, as `execvp` does: relative and empty entries begin at the working
    /// directory, and what may not be executed is passed over.
    fn resolve(&self, command: &str) -> Option<PathBuf> {
        let environment = self.read("environ")?;
        let mut variables = environment.split(|byte| *byte == 0);
        let folders = variables.find_map(|it| it.strip_prefix(b"PATH="))?;
        let folders = String::from_utf8_lossy(folders).into_owned();
        folders.split(':').find_map(|folder| {
            let path = Path::new(folder).join(command);
            let path = if path.is_absolute() {
                path
            } else {
                self.link("cwd").ok()?.join(path)
            };
            let can_run = path.is_file() && access(&path, Access::EXEC_OK).is_ok();
            // Without the `.` of `./tool`.
            can_run.then(|| path.components().collect())
        })
    }

    /// Its path means nothing in another mount namespace.
    fn executable(&self) -> Option<PathBuf> {
        // The inode in the text says which one it is (namespaces(7)).
        let namespace = self.link("ns/mnt").ok();
        if !self.is_ours() || namespace.is_none() || namespace.as_ref() != own_namespace() {
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

impl Ancestry {
    fn of(pid: i32, folder: &ProcFolder) -> Option<Self> {
        let own_pid = rustix::process::getpid().as_raw_nonzero().get();
        // Of another process, such as a second start of the app, which is no descendant of this one.
        let same_program = |id: Option<FileId>| id.is_some() && id == own_executable();
        let command = command_id();
        let is_valetkey = |id: Option<FileId>| id.is_some() && id == command;
        let executable = folder.executable_id();
        let mut below = pid != own_pid && same_program(executable);
        let mut stat = folder.stat()?;
        let mut ancestry = Self {
            processes: vec![folder.facts(pid, stat, is_valetkey(executable))?],
            is_own_window: false,
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
            let executable = parent.executable_id();
            let facts = parent.facts(stat.parent, found, is_valetkey(executable));
            let Some(facts) = facts else { break };
            if stat.parent == own_pid {
                ancestry.is_own_window = below;
            }
            below |= stat.parent != own_pid && same_program(executable);
            ancestry.processes.push(facts);
            stat = found;
        }
        Some(ancestry)
    }
}

/// The words of a command line; None if it was cut.
fn words(command_line: &[u8]) -> Option<Vec<String>> {
    if command_line.len() as u64 >= MAX_BYTES {
        return None;
    }
    let command_line = command_line.strip_suffix(b"\0").unwrap_or(command_line);
    let words = command_line.split(|byte| *byte == 0);
    Some(
        words
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect(),
    )
}

/// The file that this process runs, which stays the same.
fn own_executable() -> Option<FileId> {
    static OWN: OnceLock<Option<FileId>> = OnceLock::new();
    *OWN.get_or_init(|| file_id("/proc/self/exe"))
}

/// The mount namespace of this process, which never leaves it.
fn own_namespace() -> Option<&'static PathBuf> {
    static OWN: OnceLock<Option<PathBuf>> = OnceLock::new();
    let read = || fs::read_link("/proc/self/ns/mnt").ok();
    OWN.get_or_init(read).as_ref()
}

/// The command `valetkey` beside this program, as it is now: an upgrade replaces it.
fn command_id() -> Option<FileId> {
    static PATH: OnceLock<Option<PathBuf>> = OnceLock::new();
    let path = PATH.get_or_init(|| {
        let own = std::env::current_exe().ok();
        own.map(|path| path.with_file_name("valetkey"))
    });
    file_id(path.as_deref()?)
}

fn file_id(path: impl AsRef<Path>) -> Option<FileId> {
    let found = statat(CWD, path.as_ref(), AtFlags::empty()).ok()?;
    Some((found.st_dev, found.st_ino))
}

/// The repository around a folder, or else the folder.
fn project(folder: &Path) -> PathBuf {
    let above = folder.ancestors().take(MAX_FOLDERS);
    let mut repositories = above.filter(|path| path.join(".git").exists());
    repositories.next().unwrap_or(folder).to_owned()
}

#[cfg(test)]
mod tests;
