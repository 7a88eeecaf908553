//! Processes that connected lately. One that connects for each of its requests is not read from `/proc`
//! each time, as long as it runs the same in the same folder.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::{ConnectedProcess, Process};

/// Processes that are remembered; each holds two open files.
const MAX_PROCESSES: usize = 32;

/// The processes that connected last, the last one first.
#[derive(Debug, Default)]
pub(crate) struct KnownProcesses(Mutex<VecDeque<Arc<ConnectedProcess>>>);

impl KnownProcesses {
    /// The sender of the first request of `connected`.
    pub(crate) fn sender(&self, connected: ConnectedProcess) -> Process {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |(at, process): (usize, &Arc<ConnectedProcess>)| {
            Some((at, process.still_known(&connected)?))
        };
        let found = known.iter().enumerate().find_map(same);
        let sender = match found.and_then(|(at, looked)| Some((known.remove(at)?, looked))) {
            Some((process, looked)) => Process {
                connected: process,
                asked_as: OnceLock::from(looked),
            },
            None => Process::of(&Arc::new(connected)),
        };
        known.retain(|process| process.pid != sender.pid());
        known.truncate(MAX_PROCESSES - 1);
        known.push_front(Arc::clone(&sender.connected));
        sender
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    use tempfile::TempDir;

    use super::super::Evidence;
    use super::*;

    /// A script that does what it reads.
    struct Shell {
        child: Child,
        folder: TempDir,
    }

    impl Shell {
        fn start() -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(script(&folder), SCRIPT).unwrap();
            let mut command = Command::new("sh");
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let child = command.arg(script(&folder)).spawn().unwrap();
            let mut shell = Self { child, folder };
            // A process that has only just begun has no environment yet.
            shell.run(":");
            shell
        }

        fn script(&self) -> PathBuf {
            script(&self.folder)
        }

        /// Returns once the line was run, by what it may have put in the place of the shell.
        fn run(&mut self, line: &str) {
            // What stands behind an exec may have been read with it.
            for line in [&format!("echo; {line}"), "echo"] {
                writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
                let output = BufReader::with_capacity(1, self.child.stdout.as_mut().unwrap());
                output.lines().next().unwrap().unwrap();
            }
        }

        /// As if it connected now.
        fn connects(&self) -> ConnectedProcess {
            let pid = i32::try_from(self.child.id()).ok();
            ConnectedProcess::with(pid, 0, Evidence::accepted_now)
        }
    }

    impl Drop for Shell {
        fn drop(&mut self) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }

    const SCRIPT: &str = "while read line; do eval \"$line\"; done";

    fn script(folder: &TempDir) -> PathBuf {
        folder.path().join("script")
    }

    fn is_same(one: &Process, other: &Process) -> bool {
        Arc::ptr_eq(one.asked_as(), other.asked_as())
    }

    #[test]
    fn a_process_that_connects_again_is_read_once() {
        let shell = Shell::start();
        let known = KnownProcesses::default();
        let first = known.sender(shell.connects());
        first.asked_as();
        assert!(is_same(&first, &known.sender(shell.connects())));
        let other = Shell::start();
        let other = known.sender(other.connects());
        assert!(!is_same(&first, &other));
        assert!(is_same(&first, &known.sender(shell.connects())));
    }

    #[test]
    fn a_process_that_runs_the_same_file_anew_is_read_again() {
        let mut shell = Shell::start();
        let known = KnownProcesses::default();
        let first = known.sender(shell.connects());
        first.asked_as();
        let script = shell.script();
        let script = script.display();
        shell.run(&format!("exec sh {script}"));
        let second = known.sender(shell.connects());
        assert!(!is_same(&first, &second));
        let kept = Process::of(&first.connected);
        assert!(!is_same(&first, &kept), "on a kept connection, too");
        // Nothing is to be seen of a memory without an environment.
        shell.run(&format!("exec env -i /bin/sh {script}"));
        let third = known.sender(shell.connects());
        assert!(!is_same(&second, &third));
        shell.run(&format!("exec env -i /bin/sh {script}"));
        assert!(!is_same(&third, &known.sender(shell.connects())));
    }

    #[test]
    fn a_process_in_another_folder_is_read_again() {
        let mut shell = Shell::start();
        let known = KnownProcesses::default();
        let first = known.sender(shell.connects());
        first.asked_as();
        shell.run("cd /");
        let second = known.sender(shell.connects());
        assert!(!is_same(&first, &second));
        assert_eq!(second.asked_as().program.project, Some("/".into()));
    }

    #[test]
    fn a_process_whose_program_was_not_known_is_read_again() {
        let shell = Shell::start();
        std::fs::remove_file(shell.script()).unwrap();
        let known = KnownProcesses::default();
        let first = known.sender(shell.connects());
        assert!(!first.asked_as().program.client.is_known());
        std::fs::write(shell.script(), SCRIPT).unwrap();
        let second = known.sender(shell.connects());
        assert!(second.asked_as().program.client.is_known());
    }

    #[test]
    fn a_process_whose_pid_belonged_to_another_one_is_read_again() {
        let shell = Shell::start();
        let known = KnownProcesses::default();
        let first = known.sender(shell.connects());
        first.asked_as();
        // Who connected has ended; the pid belongs to the shell now.
        let mut ended = Command::new("true").spawn().unwrap();
        let pidfd = rustix::process::pidfd_open(
            rustix::process::Pid::from_child(&ended),
            rustix::process::PidfdFlags::empty(),
        );
        ended.wait().unwrap();
        let evidence = || Evidence::Pidfd(pidfd.unwrap());
        let pid = first.pid();
        let late = ConnectedProcess::with(pid, 0, evidence);
        assert!(!is_same(&first, &known.sender(late)));
    }
}
