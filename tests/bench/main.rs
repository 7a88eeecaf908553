//! `cargo xtask bench`: what the budgets of the design cost, beside baselines that are measured in the
//! same run and take turns with it.
//!
//! | module | |
//! | --- | --- |
//! | [`environment`] | the agent, its provider and the bare servers |
//! | [`tokens`], [`allowed`], [`proxied`], [`commands`], [`memory`], [`idle`], [`audit_log`], [`homes`] | what is measured of them |
//! | [`desktop`], [`window`] | what is measured of the desktop app |
//! | [`role`] | the processes of a measurement: [`baseline`], [`load_client`], [`spawner`] |
//! | [`cpus`] | where they run |
//! | [`statistics`], [`report`], [`machine`] | figures, tables, this machine |

mod allowed;
mod audit_log;
mod baseline;
mod commands;
mod cpus;
mod desktop;
mod environment;
mod homes;
mod idle;
mod load_client;
mod machine;
mod memory;
mod proxied;
mod report;
mod role;
mod spawner;
mod statistics;
mod tokens;
mod window;

use std::process::ExitCode;

use environment::{Environment, Sizes};
use report::Report;
use role::Role;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some(role) = arguments.first().and_then(|it| Role::parse(it)) {
        role.play();
        return ExitCode::SUCCESS;
    }
    let (mut is_quick, mut is_desktop) = (false, false);
    for argument in &arguments {
        match argument.as_str() {
            // Cargo adds it.
            "--bench" => {}
            "--quick" => is_quick = true,
            "desktop" => is_desktop = true,
            other => {
                machine::say(&format!(
                    "error: `{other}` is not understood; use no argument, `desktop` or `--quick`"
                ));
                return ExitCode::from(2);
            }
        }
    }
    let mut report = Report::default();
    if is_desktop {
        desktop::memory(is_quick, &mut report);
        window::opening(&mut report);
        window::list(&mut report);
    } else {
        agent(&Sizes::new(is_quick), &mut report);
    }
    report.print();
    ExitCode::SUCCESS
}

fn agent(sizes: &Sizes, report: &mut Report) {
    let environment = Environment::start();
    tokens::beside_the_baseline(&environment, sizes, report);
    tokens::undisturbed(&environment, sizes, report);
    allowed::beside_the_same_reads(&environment, sizes, report);
    proxied::beside_a_reverse_proxy(&environment, sizes, report);
    commands::beside_true(&environment, sizes, report);
    let pid = environment.agent.pid();
    idle::measure(pid, sizes, report);
    memory::measure(
        "agent with 1 connection, idle after all the load above",
        pid,
        10.0,
        report,
    );
    audit_log::measure(&environment, report);
    drop(environment);
    for connections in sizes.homes.iter().copied() {
        homes::measure(connections, sizes, report);
    }
}
