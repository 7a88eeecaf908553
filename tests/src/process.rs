//! A child process whose output can be waited for. It is killed with its owner.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::{self, TIMEOUT};

/// A running child. Killed when dropped.
pub struct Running {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Output>,
}

#[derive(Default)]
struct Output {
    lines: Mutex<Vec<Line>>,
    grew: Condvar,
}

/// One line that a child printed.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// Without the line end.
    pub text: String,
}

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    Stdout,
    Stderr,
}

impl Running {
    /// Starts it with all three streams piped.
    pub fn start(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("`{name}` does not start: {error}"));
        let output = Arc::new(Output::default());
        let stdout = child.stdout.take().expect("piped above");
        let stderr = child.stderr.take().expect("piped above");
        follow(stdout, Stream::Stdout, Arc::clone(&output));
        follow(stderr, Stream::Stderr, Arc::clone(&output));
        let stdin = child.stdin.take();
        Self {
            name,
            child,
            stdin,
            output,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the first line, from the beginning, for which `find` returns something.
    pub fn wait_for<T>(&self, what: &str, find: impl Fn(&Line) -> Option<T>) -> T {
        self.wait_from(0, what, find).1
    }

    /// As [`Self::wait_for`], from line number `from`; also gives the number of the line after.
    pub fn wait_from<T>(
        &self,
        from: usize,
        what: &str,
        find: impl Fn(&Line) -> Option<T>,
    ) -> (usize, T) {
        let deadline = Instant::now() + TIMEOUT;
        let mut lines = self.output.lines.lock().expect("no reader panics");
        let mut next = from;
        loop {
            while let Some(line) = lines.get(next) {
                next += 1;
                if let Some(found) = find(line) {
                    return (next, found);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let name = &self.name;
                panic!("`{name}` did not print {what} within {TIMEOUT:?}; its output: {lines:#?}");
            }
            lines = self
                .output
                .grew
                .wait_timeout(lines, left)
                .expect("no reader panics")
                .0;
        }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        self.output.lines.lock().expect("no reader panics").clone()
    }

    /// All lines, once the process has ended and no other process holds its streams open.
    pub fn finished_lines(&self) -> Vec<Line> {
        wait::until(&format!("the end of the output of `{}`", self.name), || {
            let is_read = Arc::strong_count(&self.output) == 1;
            is_read.then(|| self.lines())
        })
    }

    /// All output so far, both streams.
    pub fn output(&self) -> String {
        let lines = self.lines();
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        texts.join("\n")
    }

    /// Writes to its standard input.
    pub fn write(&mut self, text: &str) {
        let stdin = self.stdin.as_mut().expect("stdin is still open");
        stdin
            .write_all(text.as_bytes())
            .and_then(|()| stdin.flush())
            .unwrap_or_else(|error| panic!("`{}` does not read its stdin: {error}", self.name));
    }

    /// Ends its standard input.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal)
            .unwrap_or_else(|error| panic!("`{}` cannot be signalled: {error}", self.name));
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        // An error means that it has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits until it has ended.
    pub fn wait(&mut self) -> ExitStatus {
        let name = self.name.clone();
        wait::until(&format!("the end of `{name}`"), || {
            self.child.try_wait().expect("our own child")
        })
    }

    /// As [`Self::wait`], with another timeout; None if it still runs then.
    pub fn wait_within(&mut self, timeout: Duration) -> Option<ExitStatus> {
        wait::within(timeout, || self.child.try_wait().expect("our own child"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads until the stream ends; the thread ends with it.
fn follow(stream: impl Read + Send + 'static, kind: Stream, output: Arc<Output>) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let mut lines = output.lines.lock().expect("no reader panics");
            lines.push(Line { stream: kind, text });
            output.grew.notify_all();
            bytes.clear();
        }
    });
}
