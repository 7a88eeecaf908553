//! From a process and its ancestors to the program that asks.

use std::path::{Component, Path, PathBuf};

use super::interpreter::{self, Target};
use super::{Client, Code, ProcessFacts, Program, UnknownReason, file_name};

/// Tools that pass a token on to whoever started them. `valetkey` is one, too, known by its file.
const GO_BETWEENS: &[&str] = &[
    "git",
    "docker",
    "podman",
    "kubectl",
    "helm",
    "aws",
    "gh",
    "curl",
    "wget",
    "oidc-token",
    "xh",
    "http",
    "env",
    "nice",
    "timeout",
    "xargs",
    "setsid",
    "nohup",
    "stdbuf",
    "strace",
    "time",
];
/// The same, by how their names begin.
const GO_BETWEEN_PREFIXES: &[&str] = &["git-", "docker-credential-"];

/// Executables that are many tools.
const MANY_TOOLS: &[&str] = &["busybox", "toybox", "coreutils"];

/// Processes of this user that belong to the session rather than to an application.
const SESSION: &[&str] = &[
    "systemd",
    "init",
    "dbus-daemon",
    "dbus-broker",
    "dbus-broker-launch",
    "dbus-launch",
    "dbus-run-session",
    "gnome-shell",
    "gnome-session-binary",
    "kwin_wayland",
    "kwin_x11",
    "plasmashell",
    "plasma_session",
    "startplasma-x11",
    "startplasma-wayland",
    "xfce4-session",
    "xfce4-panel",
    "xfdesktop",
    "xfwm4",
    "cinnamon",
    "cinnamon-session-binary",
    "mate-session",
    "lxsession",
    "lxqt-session",
    "sway",
    "i3",
    "Hyprland",
    "labwc",
    "weston",
    "openbox",
    "login",
    "sshd",
    "sshd-session",
    "su",
    "sudo",
    "cron",
    "crond",
    "atd",
    "Xorg",
    "xinit",
    "tini",
    "docker-init",
    "dumb-init",
    "supervisord",
    "s6-supervise",
    "runsv",
    "launchd",
];

/// The program behind a process: `ancestry` is the process, its parent, and so on, up to the last one
/// of this user. Its project is its working directory: whether a repository is around that only the disk
/// can tell.
pub fn identify(ancestry: &[ProcessFacts]) -> Program {
    let Some(asker) = ancestry.first() else {
        return Program::unknown(UnknownReason::Ended);
    };
    if asker.executable.is_none() {
        return Program::unknown(UnknownReason::HiddenExecutable);
    }
    if let Some(code) = command_of_run(asker) {
        return Program {
            client: Client {
                code,
                through: Vec::new(),
                application: application(&ancestry[1..]),
            },
            project: asker.working_directory.clone(),
        };
    }
    let mut through = Vec::new();
    let mut at = 0;
    while is_go_between(&ancestry[at]) || is_wrapped(ancestry, at) {
        let process = &ancestry[at];
        let passes_on = is_go_between(process) && !process.is_valetkey;
        if let Some((tool, _)) = invoked(process).filter(|_| passes_on)
            && through.last() != Some(&tool)
        {
            through.push(tool);
        }
        at += 1;
        let starter = ancestry.get(at);
        // What the session starts on demand may be started by everybody.
        if starter.is_none_or(is_session) {
            let mut unknown = Program::unknown(UnknownReason::NoStarter);
            unknown.client.through = through;
            return unknown;
        }
    }
    let process = &ancestry[at];
    Program {
        client: Client {
            code: code(process),
            through,
            application: application(&ancestry[at + 1..]),
        },
        project: process.working_directory.clone(),
    }
}

/// Whether a process asks for itself, and not for whoever started it.
pub fn asks_for_itself(ancestry: &[ProcessFacts]) -> bool {
    let own = ancestry.first().filter(|own| own.executable.is_some());
    own.is_some_and(|own| !is_go_between(own) && !is_wrapped(ancestry, 0))
}

/// The command that `valetkey run ... -- command` starts in its own place.
fn command_of_run(process: &ProcessFacts) -> Option<Code> {
    if !process.is_valetkey {
        return None;
    }
    let Some(arguments) = &process.arguments else {
        return Some(Code::Unknown {
            reason: UnknownReason::HiddenArguments,
        });
    };
    if verb_of_valetkey(arguments)? != "run" {
        return None;
    }
    let end = arguments.iter().position(|word| word == "--")?;
    let mut command = arguments[end + 1..].to_vec();
    let program = command.first_mut()?;
    if program.contains('/') {
        *program = absolute(process, program).display().to_string();
    }
    let (program, rest) = command.split_first_mut()?;
    let interpreter = interpreter::find(Path::new(program));
    let folder = match interpreter.map(|interpreter| interpreter.read(rest).target) {
        Some(Target::Script(script)) => {
            if let Some(word) = rest.iter_mut().find(|word| **word == script) {
                *word = absolute(process, &script).display().to_string();
            }
            None
        }
        Some(Target::Module(_) | Target::Unclear) => process.working_directory.clone(),
        Some(Target::Inline(_) | Target::None) | None => None,
    };
    Some(Code::Command {
        arguments: command,
        folder,
    })
}

/// The first argument that is no option of all commands.
fn verb_of_valetkey(arguments: &[String]) -> Option<&str> {
    let mut rest = arguments.get(1..)?.iter();
    loop {
        match rest.next()?.as_str() {
            "--profile" => drop(rest.next()),
            option if option.starts_with('-') => {}
            verb => return Some(verb),
        }
    }
}

fn is_go_between(process: &ProcessFacts) -> bool {
    let Some((executable, _)) = invoked(process) else {
        return false;
    };
    let name = file_name(&executable);
    process.is_valetkey
        || GO_BETWEENS.contains(&name.as_str())
        || GO_BETWEEN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

/// The `sh -c` between a tool and the helper that it runs, as git has one.
fn is_wrapped(ancestry: &[ProcessFacts], at: usize) -> bool {
    let between = at > 0 && ancestry.get(at + 1).is_some_and(is_go_between);
    between
        && match code(&ancestry[at]) {
            Code::Inline { interpreter, .. } => {
                interpreter::find(&interpreter).is_some_and(|found| found.is_shell)
            }
            Code::Executable { .. }
            | Code::Script { .. }
            | Code::Module { .. }
            | Code::Command { .. }
            | Code::Terminal { .. }
            | Code::Unknown { .. } => false,
        }
}

fn is_session(process: &ProcessFacts) -> bool {
    let executable = process.executable.as_deref();
    executable.is_none_or(|path| SESSION.contains(&file_name(path).as_str()))
}

/// The executable under the name by which it was called, and the arguments after that: `busybox` is the
/// tool that it was called as.
fn invoked(process: &ProcessFacts) -> Option<(PathBuf, Option<&[String]>)> {
    let executable = process.executable.clone()?;
    let arguments = process.arguments.as_deref();
    if !MANY_TOOLS.contains(&file_name(&executable).as_str()) {
        return Some((executable, arguments.and_then(|words| words.get(1..))));
    }
    let Some((first, rest)) = arguments.and_then(<[String]>::split_first) else {
        return Some((executable, None));
    };
    let called = file_name(Path::new(first.trim_start_matches('-')));
    let (tool, rest) = match rest.split_first() {
        Some((tool, rest)) if MANY_TOOLS.contains(&called.as_str()) => (tool.clone(), rest),
        _ => (called, rest),
    };
    Some((executable.join(tool), Some(rest)))
}

fn code(process: &ProcessFacts) -> Code {
    let unknown = |reason| Code::Unknown { reason };
    let Some((executable, arguments)) = invoked(process) else {
        return unknown(UnknownReason::HiddenExecutable);
    };
    let Some(interpreter) = interpreter::find(&executable) else {
        return Code::Executable { path: executable };
    };
    let Some(arguments) = arguments else {
        return unknown(UnknownReason::HiddenArguments);
    };
    let invocation = interpreter.read(arguments);
    let options = invocation.options;
    match invocation.target {
        // What `process.title = ...` of Node.js leaves of a command line.
        Target::Script(script) if script.is_empty() => unknown(UnknownReason::HiddenArguments),
        Target::Script(script) => {
            let path = absolute(process, &script);
            // A descriptor, as `bash <(command)` names one: any text can be there.
            if path.starts_with("/dev") || path.starts_with("/proc") {
                return unknown(UnknownReason::StandardInput);
            }
            Code::Script {
                interpreter: executable,
                options,
                path,
            }
        }
        Target::Module(name) => Code::Module {
            interpreter: executable,
            options,
            folder: process.working_directory.clone().unwrap_or_default(),
            name,
        },
        Target::Inline(text) => Code::Inline {
            interpreter: executable,
            options,
            text,
        },
        Target::Unclear => match &process.working_directory {
            None => unknown(UnknownReason::HiddenArguments),
            folder => Code::Command {
                arguments: std::iter::once(executable.display().to_string())
                    .chain(arguments.iter().cloned())
                    .collect(),
                folder: folder.clone(),
            },
        },
        Target::None if interpreter.is_shell && process.reads_terminal => Code::Terminal {
            shell: executable,
            options: invocation.with_values,
        },
        Target::None => unknown(UnknownReason::StandardInput),
    }
}

/// What started a program: the last ancestor below an interactive shell or the session. For what was
/// typed at a shell it is the application around that shell.
fn application(ancestors: &[ProcessFacts]) -> Option<Box<Code>> {
    let mut found = None;
    for process in ancestors {
        if is_session(process) {
            break;
        }
        let code = code(process);
        let is_terminal = matches!(code, Code::Terminal { .. });
        if is_terminal && found.is_some() {
            break;
        }
        if !is_terminal && !is_go_between(process) {
            found = Some(Box::new(code));
        }
    }
    found
}

/// A path of the command line; `.` and `..` are resolved without a look at the disk.
fn absolute(process: &ProcessFacts, path: &str) -> PathBuf {
    let folder = process.working_directory.as_deref();
    let joined = folder.unwrap_or_else(|| Path::new("/")).join(path);
    let mut resolved = PathBuf::new();
    for component in joined.components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => {
                resolved.push(component);
            }
        }
    }
    resolved
}

#[cfg(test)]
mod tests;
