//! A process that starts programs, one after the other, and prints how long each took from start to
//! end.
//!
//! It is small and has one thread, and the standard library starts the programs by `posix_spawn`,
//! which copies nothing of it: a large parent would add the same time to all and hide what differs.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::cpus::Cpus;
use crate::statistics::median;

/// Which programs are started, how often.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Spawns {
    /// Program and arguments. They take turns.
    pub(crate) programs: Vec<Vec<String>>,
    /// Starts of each that are measured; a tenth of them goes before, to warm up.
    pub(crate) starts: usize,
    pub(crate) output: Output,
    /// Where they run.
    pub(crate) cpus: String,
    /// Their `VALETKEY_HOME`.
    pub(crate) home: PathBuf,
}

/// What happens to a program's standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Output {
    /// It is read to its end, as by `$(valetkey token X)`.
    Read,
    /// It goes to `/dev/null`.
    Discarded,
}

/// The role of this process: the median of each program, in microseconds.
pub(crate) fn run(spawns: &Spawns) -> Vec<f64> {
    Cpus::parse(&spawns.cpus).apply();
    let command = |program: &Vec<String>| command(program, spawns);
    let mut commands: Vec<_> = spawns.programs.iter().map(command).collect();
    let mut times = vec![Vec::with_capacity(spawns.starts); commands.len()];
    for _ in 0..spawns.starts / 10 {
        for command in &mut commands {
            time(command);
        }
    }
    for _ in 0..spawns.starts {
        for (command, times) in commands.iter_mut().zip(&mut times) {
            times.push(time(command));
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

fn command(program: &[String], spawns: &Spawns) -> Command {
    let (name, arguments) = program.split_first().expect("a program");
    let mut command = Command::new(name);
    command.args(arguments).env("VALETKEY_HOME", &spawns.home);
    command.stdin(Stdio::null()).stdout(match spawns.output {
        Output::Read => Stdio::piped(),
        Output::Discarded => Stdio::null(),
    });
    command
}

fn time(command: &mut Command) -> Duration {
    let mut output = [0; 16 * 1024];
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    if let Some(stdout) = &mut child.stdout {
        while stdout.read(&mut output).expect("a pipe") > 0 {}
    }
    let status = child.wait().expect("our own child");
    let time = start.elapsed();
    assert!(status.success(), "{command:?} ended with {status}");
    time
}
