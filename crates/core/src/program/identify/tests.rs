//! What processes and their ancestors are taken for.

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
        arguments: Some(arguments),
        working_directory: Some("/home/me/work".into()),
        reads_terminal: true,
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
    script.reads_terminal = false;
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
        &["bash /dev/fd/63"],
        &["bash /dev/stdin"],
        &["python3 /proc/self/fd/0"],
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
    let script = typed(&["valetkey run --env A=github -- python3 -u main.py x"]);
    assert_eq!(script.location(), "python3 -u /home/me/work/main.py x");
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

#[test]
fn busybox_is_the_tool_that_it_was_called_as() {
    let called = |command: &str| {
        let words = command.split(' ').map(str::to_owned).collect();
        ProcessFacts {
            executable: Some("/bin/busybox".into()),
            arguments: Some(words),
            ..process("busybox")
        }
    };
    let client = |command: &str| identify(&[called(command), process("bash")]).client;
    let script = client("sh a.sh");
    assert_eq!(script.name(), "a.sh");
    assert_eq!(script, client("/bin/busybox sh a.sh"));
    assert_ne!(script, client("sh b.sh"));
    assert_eq!(client("-sh").name(), "Terminal");
    assert_eq!(
        client("wget http://localhost").name(),
        "Terminal, through wget"
    );
}

#[test]
fn an_unseen_command_line_is_remembered_for_nobody() {
    for executable in ["bash", "python3", "valetkey"] {
        let mut asker = process(executable);
        asker.arguments = None;
        let client = identify(&[asker, process("bash")]).client;
        assert!(!client.is_known(), "{executable}");
    }
    let tool = ProcessFacts {
        arguments: None,
        ..process("tool")
    };
    assert!(identify(&[tool]).client.is_known(), "needs none");
    let mut titled = process("node");
    titled.arguments = Some(vec!["title".into(), String::new(), String::new()]);
    assert!(!identify(&[titled, process("bash")]).client.is_known());
}

#[test]
fn a_module_belongs_to_its_folder() {
    let elsewhere = ProcessFacts {
        working_directory: Some("/home/me/other".into()),
        ..process("python3 -m app")
    };
    let here = identify(&[process("python3 -m app")]).client;
    assert_ne!(here, identify(&[elsewhere]).client);
    assert_eq!(here.location(), "python3 app in /home/me/work");
    let run = ProcessFacts {
        working_directory: Some("/home/me/other".into()),
        ..process("valetkey run --env A=github -- python3 -m app")
    };
    let here = typed(&["valetkey run --env A=github -- python3 -m app"]);
    assert_ne!(here.code, identify(&[run]).client.code);
}

#[test]
fn options_before_the_verb_do_not_hide_a_run() {
    let run = typed(&["valetkey run --env A=github -- /bin/tool"]);
    let profile = "valetkey --profile run -v run --env A=github -- /bin/tool";
    assert_eq!(typed(&[profile]), run);
    let token = typed(&["valetkey --profile run token github"]);
    assert_eq!(token.name(), "Terminal");
}

#[test]
fn the_value_of_an_option_is_not_the_script() {
    for (one, other) in [
        (
            "deno run --import-map m.json a.ts",
            "deno run --import-map m.json b.ts",
        ),
        (
            "java --add-opens java.base/java.lang=ALL-UNNAMED -jar a.jar",
            "java --add-opens java.base/java.lang=ALL-UNNAMED -jar b.jar",
        ),
        ("node --env-file .env a.js", "node --env-file .env b.js"),
        ("node --watch-path src a.js", "node --watch-path src b.js"),
        ("node --new-option x a.js", "node --new-option x b.js"),
        ("node run a.js", "node run.js a.js"),
        ("bun --cwd dir a.ts", "bun --cwd dir b.ts"),
        ("deno test a.ts b.ts", "deno test a.ts c.ts"),
        ("php -c php.ini a.php", "php -c php.ini b.php"),
        ("php -f a.php", "php -f b.php"),
        ("perl -l a.pl x", "perl -l b.pl x"),
        ("perl -0 777 a.pl", "perl -0 777 b.pl"),
        ("python3 --new x a.py", "python3 --new x b.py"),
        ("bash -oe pipefail a.sh", "bash -oe pipefail b.sh"),
        ("java @options A", "java @options B"),
    ] {
        assert_ne!(typed(&[one]), typed(&[other]), "{one}");
        let elsewhere = |command: &str| ProcessFacts {
            working_directory: Some("/home/me/other".into()),
            ..process(command)
        };
        for command in [one, &format!("valetkey run --env A=github -- {one}")] {
            let [here, there] = [process(command), elsewhere(command)].map(|it| identify(&[it]));
            assert!(here.client.is_known(), "{command}");
            assert_ne!(here.client, there.client, "{command}");
        }
    }
    let encoding = typed(&["ruby -E UTF-8 a.rb"]);
    assert_eq!(encoding.location(), "ruby -E UTF-8 /home/me/work/a.rb");
    let unknown = typed(&["deno run --new m.json a.ts"]);
    assert_eq!(unknown.name(), "deno");
    assert_eq!(
        unknown.location(),
        "/usr/bin/deno run --new m.json a.ts in /home/me/work"
    );
}

#[test]
fn a_script_is_not_the_person_at_the_terminal() {
    for command in [
        "bash -C evil.sh",
        "bash - evil.sh",
        "bash -restricted evil.sh",
        "bash --new evil.sh",
    ] {
        let client = typed(&["valetkey token github", command]);
        assert_ne!(client.name(), "Terminal", "{command}");
    }
}

#[test]
fn a_terminal_with_a_start_file_of_its_own_is_another_one() {
    let in_shell = |shell: &str| typed(&["valetkey token github", shell]);
    let terminal = in_shell("bash");
    for same in [
        "bash -l -i",
        "-bash",
        "bash --norc --noprofile -i",
        "bash -s",
    ] {
        assert_eq!(in_shell(same).code, terminal.code, "{same}");
    }
    for (one, other) in [
        ("bash --rcfile evil.sh -i", "bash"),
        ("bash -rcfile evil.sh", "bash"),
        ("bash --rcfile=evil.sh -i", "bash"),
        ("bash --init-file a -i", "bash --init-file b -i"),
        ("fish -C x", "fish"),
        ("fish -Cx", "fish"),
        ("fish --init-command=x", "fish"),
        ("bash -s a", "bash -s b"),
    ] {
        let [one, other] = [one, other].map(in_shell);
        assert_eq!(one.name(), "Terminal", "{one:?}");
        assert_ne!(one, other);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Client>(&text).unwrap(), one);
    }
    let location = in_shell("bash --rcfile evil.sh -i").location();
    assert_eq!(location, "interactive bash --rcfile evil.sh");
    let stored = r#"{"kind": "terminal", "shell": "/usr/bin/bash"}"#;
    assert_eq!(serde_json::from_str::<Code>(stored).unwrap(), terminal.code);
}
