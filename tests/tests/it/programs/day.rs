//! An ordinary day asks little: once for each tool and connection.

use std::process::Command;

use super::fixture::{Asking, GRANTED};

/// Starts the servers that it is given, as clients of MCP do, and passes their output on.
const CLIENT: &str = r#"
import { spawn } from "node:child_process";
for (const server of process.argv.slice(2)) spawn("node", [server], { stdio: "inherit" });
"#;

/// A day's work, in an order that depends on the machine; how much of it got the token.
fn work(asking: &Asking, commands: impl Fn(&Asking) -> Vec<Command>) -> usize {
    let started: Vec<_> = commands(asking)
        .into_iter()
        .map(|mut command| {
            command.stdout(std::process::Stdio::piped());
            command.spawn().expect("it starts")
        })
        .collect();
    let mut granted = 0;
    for child in started {
        let output = child.wait_with_output().expect("it ends");
        let stdout = String::from_utf8_lossy(&output.stdout);
        granted += stdout.lines().filter(|line| *line == GRANTED).count();
    }
    granted
}

#[test]
fn a_day_asks_once_for_each_tool() {
    let mut asking = Asking::start();
    let client = asking.file("client.mjs", CLIENT);
    let servers = ["mail", "files", "issues", "chat", "calendar"].map(|name| {
        let server = asking.node_script(&format!("servers/{name}.mjs"), "");
        server.display().to_string()
    });
    let helper = format!(
        "!f() {{ echo username=x; echo password=$({} token acme); }}; f",
        asking.valetkey()
    );
    let fetch = asking.file(
        "fetch.sh",
        &format!(
            "printf 'protocol=https\\nhost=example.com\\n\\n' | GIT_TERMINAL_PROMPT=0 \
             git -c 'credential.helper={helper}' credential fill | grep -q '^password=.' && echo {GRANTED}\n"
        ),
    );
    let backup = asking.shell_script("backup.sh", "--wait 0s");
    let repositories = ["one", "two", "three"].map(|name| {
        let file = asking.file(&format!("{name}/.git/HEAD"), "ref: refs/heads/main\n");
        file.ancestors().nth(2).expect("a folder").to_owned()
    });
    let day = |asking: &Asking| {
        let mut commands = Vec::new();
        let mut ai = asking.command("node", &[client.to_str().unwrap()]);
        ai.args(&servers).env("TIMES", "3");
        commands.push(ai);
        for repository in &repositories {
            let mut git = asking.command("bash", &[fetch.to_str().unwrap()]);
            git.current_dir(repository);
            commands.push(git);
        }
        let mut cron = asking.command("setsid", &["--wait", "bash"]);
        cron.arg(&backup);
        commands.push(cron);
        commands
    };
    assert_eq!(work(&asking, day), 0);
    let questions = asking.questions();
    // One answer is for the three repositories.
    let mut tools: Vec<_> = questions
        .iter()
        .map(|it| {
            it["question"]["program"]["name"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    tools.sort();
    tools.dedup();
    assert_eq!(
        tools,
        [
            "backup.sh",
            "calendar.mjs",
            "chat.mjs",
            "fetch.sh, through git",
            "files.mjs",
            "issues.mjs",
            "mail.mjs"
        ]
    );
    let mut answers = 0;
    while let Some(question) = asking.questions().first() {
        asking.allow(question);
        answers += 1;
    }
    assert_eq!(answers, 7, "answers for seven tools");
    assert_eq!(work(&asking, day), 9);
    asking.restart();
    assert_eq!(work(&asking, day), 9, "the next day");
    assert_eq!(asking.questions().len(), 0);
}
