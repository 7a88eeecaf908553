//! `cargo xtask ...`: the tasks of this repository, for people and CI.
//!
//! | file | what |
//! | --- | --- |
//! | `demo` | runs the demo in a temporary home (`demo::sandbox`) |
//! | `install` | installs the programs into a folder of `PATH` |
//! | `test` | builds the binaries, then runs every test |
//! | `lint` | format, clippy, and our own rules: `dependency_rules` and `source_rules` |
//! | `bench` | measures the budgets |
//! | `screenshots` | takes the README's pictures |
//! | `icons` | draws the app's and the tray's pictures from their SVGs |
//! | `ui`, `binaries` | build the page in the window, and the programs |
//! | `requirements`, `packages` | what a task needs on this machine, and installing it (asks before sudo) |
//! | `node` | finds a recent Node.js, or installs one into `target/node` |
//! | `python` | installs the Python programs of the tests into `target/python` |
//! | `command` | runs other programs; the only module that prints |

mod bench;
mod binaries;
mod command;
mod demo;
mod dependency_rules;
mod icons;
mod install;
mod lint;
mod node;
mod packages;
mod python;
mod requirements;
mod screenshots;
mod source_rules;
mod test;
mod ui;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs one task of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run the demo: sign in, get tokens, disconnect, with a provider of our own in a temporary home
    Demo(demo::Demo),
    /// Run every test against the real things; installs what is missing (asks before sudo)
    Test(test::Test),
    /// Build the programs as they ship and install them into ~/.local/bin
    Install(install::Install),
    /// Measure the budgets of the design, as ratios against a baseline in the same run
    Bench(bench::Bench),
    /// Check format, lints, and which crate may depend on which
    Lint,
    /// Take the README's pictures again
    Screenshots(screenshots::Screenshots),
    /// Draw every picture of `icons/` again from its SVG
    Icons,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Demo(demo) => demo.run(),
        Task::Test(test) => test.run(),
        Task::Install(install) => install.run(),
        Task::Bench(bench) => bench.run(),
        Task::Screenshots(screenshots) => screenshots.run(),
        Task::Lint => lint::run(),
        Task::Icons => icons::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            command::print(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}
