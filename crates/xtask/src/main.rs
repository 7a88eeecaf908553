//! `cargo xtask ...`: what a person or CI does with this repository, in one word each.
//!
//! | file | what |
//! | --- | --- |
//! | `needs`, `machine` | what a task needs on this machine, and installing it (asks before sudo) |
//! | `node` | a recent Node.js: the machine's, else one in `target/node` |
//! | `binaries` | building the product's programs, as they are tested and as they ship |
//! | `install` | the programs, where `PATH` finds them |
//! | `demo` | the main job, shown |
//! | `bench` | the budgets |
//! | `test` | builds the binaries, then every test |
//! | `screenshots` | the README's pictures |
//! | `icons` | the app's and the tray's pictures, drawn from their SVGs |
//! | `lint` | format, clippy, and the house's own rules: `arrows` and `house_rules` |
//! | `shell` | running other programs, and the one place that prints |

mod arrows;
mod bench;
mod binaries;
mod demo;
mod house_rules;
mod icons;
mod install;
mod lint;
mod machine;
mod needs;
mod node;
mod screenshots;
mod shell;
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
    /// Show the main job with the demo provider, in a throw-away home
    Demo(demo::Demo),
    /// Run every test against the real things; installs what is missing (asks before sudo)
    Test(test::Test),
    /// Build the programs as they ship and install them into ~/.local/bin
    Install(install::Install),
    /// Measure the budgets of the design, as ratios against a baseline in the same run
    Bench(bench::Bench),
    /// Check format, lints, and which crate may depend on which
    Lint,
    /// Take the README's pictures anew
    Screenshots(screenshots::Screenshots),
    /// Draw every picture of `icons/` anew from its SVG
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
            shell::say(&format!("error: {failure}"));
            ExitCode::FAILURE
        }
    }
}
