//! `valetkey doctor`: what the agent finds about itself, and what only this terminal can see.

use std::env;
use std::process::Command;

use valetkey_api::agent::{Check, CheckOutcome, Version};
use valetkey_api::browser;
use valetkey_api::client::Client;
use valetkey_api::command_line::is_program;

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
        let hint = "`valetkey stop` ends it; the next command starts the new one";
        warning("agent", &what, hint)
    });
    let report = client.doctor()?;
    found.checks.extend(report.checks);
    found.versions.extend(report.versions);
    Ok(())
}

/// What would open the browser; what the person chose must be there.
fn browser_check(setting: Option<&str>) -> Check {
    let variable = env::var("BROWSER").ok().filter(|it| !it.is_empty());
    let chosen_by = match (setting, &variable) {
        (Some(_), _) => Some("the setting `browser`"),
        (None, Some(_)) => Some("`$BROWSER`"),
        (None, None) => None,
    };
    let commands = browser::commands("https://example.com/", setting, variable.as_deref());
    let programs = commands.iter().map(Command::get_program);
    let programs: Vec<_> = programs.map(|it| it.to_string_lossy()).collect();
    if let (Some(chosen_by), Some(program)) = (chosen_by, programs.first())
        && !is_program(program)
    {
        let message = format!("there is no program `{program}`, which {chosen_by} names");
        let hint = match setting {
            Some(_) => {
                "run `valetkey settings browser COMMAND`, or `valetkey settings browser --unset`"
            }
            None => "correct it, or unset it",
        };
        return warning("browser", &message, hint);
    }
    let has_display = ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| env::var_os(name).is_some());
    let hint = "sign in with `valetkey connect --no-browser`, or set `$BROWSER`";
    match programs.iter().find(|program| is_program(program)) {
        Some(program) if has_display || chosen_by.is_some() => check(
            "browser",
            CheckOutcome::Ok,
            &format!("`{program}` opens it"),
        ),
        Some(program) => {
            let message = format!("`{program}` would open it, but there is no display");
            warning("browser", &message, hint)
        }
        None => warning("browser", "there is no program to open it with", hint),
    }
}

fn warning(name: &str, message: &str, hint: &str) -> Check {
    Check {
        hint: Some(hint.to_owned()),
        ..check(name, CheckOutcome::Warning, message)
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
