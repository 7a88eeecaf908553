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
/// of this user.
pub fn identify(ancestry: &[ProcessFacts]) -> Program {
    let Some(asker) = ancestry.first() else {
        return Program::unknown(UnknownReason::Ended);
    };
    if asker.executable.is_none() {
        return Program::unknown(UnknownReason::HiddenExecutable);
    }
    if let Some(arguments) = command_of_run(asker) {
        return Program {
            client: Client {
                code: Code::Command { arguments },
                through: Vec::new(),
                application: application(&ancestry[1..]),
            },
            project: asker.project.clone(),
        };
    }
    let mut through = Vec::new();
    let mut at = 0;
    while is_go_between(&ancestry[at]) || is_wrapped(ancestry, at) {
        let process = &ancestry[at];
        let passes_on = is_go_between(process) && !process.is_valetkey;
        if passes_on && through.last() != process.executable.as_ref() {
            through.extend(process.executable.clone());
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
        project: process.project.clone(),
    }
}

/// The command that `valetkey run ... -- command` starts in its own place.
fn command_of_run(process: &ProcessFacts) -> Option<Vec<String>> {
    if !process.is_valetkey || process.arguments.get(1).is_none_or(|verb| verb != "run") {
        return None;
    }
    let end = process.arguments.iter().position(|word| word == "--")?;
    let mut command = process.arguments[end + 1..].to_vec();
    let program = command.first_mut()?;
    if program.contains('/') {
        *program = absolute(process, program).display().to_string();
    }
    Some(command)
}

fn is_go_between(process: &ProcessFacts) -> bool {
    let Some(executable) = &process.executable else {
        return false;
    };
    let name = file_name(executable);
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

fn code(process: &ProcessFacts) -> Code {
    let Some(executable) = process.executable.clone() else {
        return Code::Unknown {
            reason: UnknownReason::HiddenExecutable,
        };
    };
    let Some(interpreter) = interpreter::find(&executable) else {
        return Code::Executable { path: executable };
    };
    let arguments = process.arguments.get(1..).unwrap_or_default();
    let invocation = interpreter.read(arguments);
    let options = invocation.options;
    match invocation.target {
        Target::Script(script) => Code::Script {
            interpreter: executable,
            options,
            path: absolute(process, &script),
        },
        Target::Module(name) => Code::Module {
            interpreter: executable,
            options,
            name,
        },
        Target::Inline(text) => Code::Inline {
            interpreter: executable,
            options,
            text,
        },
        Target::None if interpreter.is_shell && process.has_terminal => {
            Code::Terminal { shell: executable }
        }
        Target::None => Code::Unknown {
            reason: UnknownReason::StandardInput,
        },
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
mod tests {
    use super::*;

    /// `command` is the command line; its first word the executable.
    fn process(command: &str) -> ProcessFacts {
        let arguments: Vec<String> = command.split(' ').map(str::to_owned).collect();
        let executable = match arguments[0].trim_start_matches('-') {
            path if path.starts_with('/') => path.to_owned(),
            name => format!("/usr/bin/{name}"),
        };
        ProcessFacts {
            pid: 7,
            is_valetkey: executable == "/usr/bin/valetkey",
            executable: Some(executable.into()),
            arguments,
            working_directory: Some("/home/me/work".into()),
            project: Some("/home/me/work".into()),
            has_terminal: true,
        }
    }

    fn hidden() -> ProcessFacts {
        ProcessFacts {
            executable: None,
            ..process("secret")
        }
    }

    fn asks(commands: &[&str]) -> Client {
        let ancestry: Vec<_> = commands.iter().map(|command| process(command)).collect();
        identify(&ancestry).client
    }

    fn started_by(client: &Client) -> String {
        let application = client.application.as_ref();
        application.map_or_else(String::new, |code| code.name())
    }

    const TERMINAL: [&str; 3] = ["bash", "/usr/libexec/gnome-terminal-server", "systemd"];

    fn typed(commands: &[&str]) -> Client {
        asks(&[commands, &TERMINAL].concat())
    }

    #[test]
    fn an_interpreter_is_named_by_its_script() {
        let report = typed(&["python3 report.py --all"]);
        assert_eq!(report.name(), "report.py");
        assert_eq!(report.location(), "python3 /home/me/work/report.py");
        assert_eq!(started_by(&report), "gnome-terminal-server");
        assert_eq!(
            report,
            typed(&["python3 ./x/../report.py"]),
            "its arguments do not matter"
        );
        for other in [
            "python3 other.py",
            "python3 -i report.py",
            "python2 report.py",
            "report.py",
        ] {
            assert_ne!(report, typed(&[other]), "{other}");
        }
    }

    #[test]
    fn the_application_is_what_the_person_started() {
        let npx = "/usr/bin/node /home/me/.npm/_npx/1a/node_modules/.bin/github-mcp";
        let server = asks(&[
            npx,
            "/opt/Cursor/cursor --type=x",
            "/opt/Cursor/cursor",
            "systemd",
        ]);
        assert_eq!(
            (server.name(), started_by(&server)),
            ("github-mcp".into(), "cursor".into())
        );
        let claude = "/usr/bin/node /usr/lib/node_modules/@anthropic-ai/claude-code/cli.js";
        let server = typed(&[npx, "sh -c github-mcp", claude]);
        assert_eq!(started_by(&server), "@anthropic-ai/claude-code");
        let tool = asks(&["/opt/tool", "gnome-shell", "systemd"]);
        assert_eq!(tool.application, None);
    }

    #[test]
    fn a_go_between_stands_for_whoever_started_it() {
        let terminal = typed(&["valetkey token github"]);
        assert_eq!(terminal.name(), "Terminal");
        assert_eq!(started_by(&terminal), "gnome-terminal-server");
        let helper = ["valetkey git-credential get", "sh -c valetkey", "git fetch"];
        let git = typed(&[&helper[..], &["git pull"]].concat());
        assert_eq!(git.name(), "Terminal, through git");
        let evil = typed(&[&helper[..], &["python3 evil.py"]].concat());
        assert_eq!(evil.name(), "evil.py, through git");
        assert_eq!(evil.code, typed(&["python3 evil.py"]).code);
        let curl = typed(&["curl http://localhost", "bash deploy.sh"]);
        assert_eq!(curl.name(), "deploy.sh, through curl");
    }

    #[test]
    fn only_an_interactive_shell_is_seen_through() {
        let evil = typed(&["valetkey token github", "bash evil.sh"]);
        assert_eq!(evil.name(), "evil.sh");
        let inline = typed(&["valetkey token github", "sh -c valetkey"]);
        assert_eq!(inline.name(), "a command of sh");
        assert_ne!(inline, typed(&["valetkey token github", "sh -c other"]));
        let mut script = process("bash");
        script.has_terminal = false;
        let unknown = identify(&[process("valetkey token github"), script]);
        assert!(!unknown.client.is_known(), "a script from standard input");
    }

    #[test]
    fn always_never_means_everybody() {
        for ancestry in [
            &["valetkey token github"][..],
            &["valetkey token github", "systemd"],
            &["curl http://localhost", "valetkey x", "cron"],
            &["python3"],
            &["node -"],
        ] {
            assert!(!asks(ancestry).is_known(), "{ancestry:?}");
        }
        assert!(!identify(&[]).client.is_known());
        assert!(!identify(&[hidden(), process("bash")]).client.is_known());
        let through = identify(&[process("valetkey token x"), hidden()]);
        assert!(!through.client.is_known());
    }

    #[test]
    fn a_run_is_its_whole_command() {
        let run = typed(&["valetkey run --env A=github -- ./tool --fast"]);
        assert_eq!(run.location(), "/home/me/work/tool --fast");
        assert_ne!(
            run,
            typed(&["valetkey run --env A=github -- ./tool --slow"])
        );
        let shell = |text| typed(&[&format!("valetkey run --env A=github -- sh -c {text}")]);
        assert_ne!(shell("ls"), shell("env"));
        let impostor = typed(&["/tmp/valetkey run --env A=github -- ./tool --fast"]);
        assert_ne!(run, impostor);
    }

    #[test]
    fn an_identity_reads_back() {
        let git = typed(&[
            "valetkey git-credential get",
            "git fetch",
            "python3 -u evil.py",
        ]);
        let text = serde_json::to_string(&git).unwrap();
        assert_eq!(serde_json::from_str::<Client>(&text).unwrap(), git);
    }
}
