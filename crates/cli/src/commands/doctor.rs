//! `valetkey doctor`: what the agent finds about itself, and what only this terminal can see.

use std::env;

use valetkey_api::agent::{Check, CheckOutcome, Version};
use valetkey_api::browser;
use valetkey_api::client::Client;

use crate::agent;
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::doctor::{Findings, findings};
use crate::terminal::Terminal;

pub(super) fn doctor(terminal: Terminal, global: &Global) -> Result<(), Failure> {
    let own = env!("CARGO_PKG_VERSION").to_owned();
    let mut found = Findings {
        checks: Vec::new(),
        versions: vec![version("valetkey", &own)],
    };
    let mut setting = None;
    let mut exit = Exit::Failed;
    match agent::connect(global) {
        Ok(mut client) => {
            ask_the_agent(&mut client, &own, &mut found)?;
            setting = client.settings()?.browser;
        }
        Err(failure) => {
            exit = terminal.failure(&failure);
            found
                .checks
                .push(check("agent", CheckOutcome::Failed, "does not run"));
        }
    }
    found.checks.push(browser_check(setting.as_deref()));
    terminal.reply(&found, findings)?;
    let failed = found
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Failed);
    match failed.count() {
        0 => Ok(()),
        1 => Err(Failure::new(exit, "1 check failed")),
        count => Err(Failure::new(exit, format!("{count} checks failed"))),
    }
}

fn ask_the_agent(client: &mut Client, own: &str, found: &mut Findings) -> Result<(), Failure> {
    let status = client.status()?;
    let pid = status.pid;
    found.checks.push(if status.version == own {
        check("agent", CheckOutcome::Ok, &format!("runs (pid {pid})"))
    } else {
        let what = format!(
            "runs as version {} (pid {pid}), `valetkey` is {own}",
            status.version
        );
        Check {
            hint: Some("`valetkey stop` ends it; the next command starts the new one".to_owned()),
            ..check("agent", CheckOutcome::Warning, &what)
        }
    });
    let report = client.doctor()?;
    found.checks.extend(report.checks);
    found.versions.extend(report.versions);
    Ok(())
}

fn browser_check(setting: Option<&str>) -> Check {
    let variable = env::var("BROWSER").ok();
    let commands = browser::commands("https://example.com/", setting, variable.as_deref());
    let program = commands.iter().find_map(|command| {
        let program = command.get_program().to_string_lossy();
        let is_there = program.contains('/') || agent::in_path(&program).is_some();
        is_there.then(|| program.into_owned())
    });
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    let todo = "sign in with `valetkey connect --no-browser`, or set `$BROWSER`".to_owned();
    match program {
        Some(program) if has_display || setting.is_some() || variable.is_some() => check(
            "browser",
            CheckOutcome::Ok,
            &format!("`{program}` opens it"),
        ),
        Some(program) => Check {
            hint: Some(todo),
            ..check(
                "browser",
                CheckOutcome::Warning,
                &format!("`{program}` would open it, but there is no display"),
            )
        },
        None => Check {
            hint: Some(todo),
            ..check(
                "browser",
                CheckOutcome::Warning,
                "there is no program to open it with",
            )
        },
    }
}

fn check(name: &str, outcome: CheckOutcome, message: &str) -> Check {
    Check {
        name: name.to_owned(),
        outcome,
        message: message.to_owned(),
        hint: None,
    }
}

fn version(name: &str, version: &str) -> Version {
    Version {
        name: name.to_owned(),
        version: version.to_owned(),
    }
}
