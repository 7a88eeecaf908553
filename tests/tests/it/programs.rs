//! Real programs ask on the socket: each is named rightly, its answer holds over a restart of the agent,
//! and no other program inherits it.

mod day;
mod fixture;
mod interpreters;
mod keys;
mod other_user;
mod shells;
mod without_app;

use std::process::Command;

use self::fixture::{Asking, GRANTED};

/// A program asks, is listed rightly, is allowed, and stays allowed after a restart.
fn is_named_and_remembered(
    asking: &mut Asking,
    command: impl Fn(&Asking) -> Command,
    name: &str,
    location: &str,
) {
    assert!(!asking.gets(&mut command(asking)));
    assert!(!asking.gets(&mut command(asking)), "asked twice");
    let question = asking.only_question();
    assert_eq!(question["program"]["name"], name, "{question}");
    let found = question["program"]["location"].as_str().unwrap_or_default();
    assert!(found.contains(location), "{found}");
    assert_eq!(question["program"]["is_known"], true, "{question}");
    asking.allow_all();
    assert!(asking.gets(&mut command(asking)));
    asking.restart();
    assert!(asking.gets(&mut command(asking)), "after a restart");
    assert_eq!(asking.questions(), Vec::<serde_json::Value>::new());
}

#[test]
fn a_python_script_is_named_and_remembered() {
    let mut asking = Asking::start();
    let script = asking.python_script("report.py");
    let python = asking.python();
    let location = format!("python3 {}", script.display());
    let location = location.trim_start_matches("python3");
    is_named_and_remembered(
        &mut asking,
        |asking| asking.command(&python, &[script.to_str().unwrap()]),
        "report.py",
        location,
    );
}

#[test]
fn a_node_script_is_named_and_remembered() {
    let mut asking = Asking::start();
    let script = asking.node_script("server.mjs", "");
    is_named_and_remembered(
        &mut asking,
        |asking| asking.command("node", &[script.to_str().unwrap()]),
        "server.mjs",
        "/server.mjs",
    );
}

#[test]
fn curl_is_named_by_what_started_it() {
    let mut asking = Asking::start();
    let socket = asking.socket().display().to_string();
    let script = asking.file(
        "fetch.sh",
        &format!(
            "curl --silent --output /dev/null --write-out '%{{http_code}}\\n' --unix-socket {socket} \
             -X POST http://localhost/api/v1/credentials/connections/acme/token \
             | grep -q 200 && echo {GRANTED}\n"
        ),
    );
    is_named_and_remembered(
        &mut asking,
        |asking| asking.command("bash", &[script.to_str().unwrap()]),
        "fetch.sh, through curl",
        "/fetch.sh",
    );
}

#[test]
fn a_compiled_program_is_named_and_remembered() {
    let mut asking = Asking::start();
    let own = std::env::current_exe().unwrap();
    let name = own.file_name().unwrap().to_str().unwrap().to_owned();
    let token = "/api/v1/credentials/connections/acme/token";
    let status = |asking: &Asking| asking.http().request("POST", token, &[], "").status;
    assert_eq!(status(&asking), 403);
    let question = asking.only_question();
    assert_eq!(question["program"]["name"], name.as_str());
    assert_eq!(question["program"]["location"], own.to_str().unwrap());
    asking.allow_all();
    assert_eq!(status(&asking), 200);
    asking.restart();
    assert_eq!(status(&asking), 200);
}

#[test]
fn a_script_that_calls_valetkey_is_named_and_remembered() {
    let mut asking = Asking::start();
    let script = asking.shell_script("backup.sh", "");
    is_named_and_remembered(
        &mut asking,
        |asking| asking.command("bash", &[script.to_str().unwrap()]),
        "backup.sh",
        "/backup.sh",
    );
}

#[test]
fn a_run_is_its_whole_command() {
    let mut asking = Asking::start();
    let run = |asking: &Asking, text: &str| {
        let command = ["run", "--env", "TOKEN=acme", "--", "sh", "-c", text];
        asking.command(asking.valetkey(), &command)
    };
    let granted = format!("echo {GRANTED}");
    is_named_and_remembered(
        &mut asking,
        |asking| run(asking, &granted),
        "sh",
        &format!("/sh -c {granted}"),
    );
    let more = format!("{granted}; env");
    assert!(!asking.gets(&mut run(&asking, &more)), "other text");
    // The beginning of the command line is the same, over more than one page of it.
    let long = |end: &str| format!("{granted}; : {} {end}", "x".repeat(20_000));
    assert!(!asking.gets(&mut run(&asking, &long("one"))));
    asking.allow_all();
    assert!(!asking.gets(&mut run(&asking, &long("two"))), "another end");
}

#[test]
fn options_before_run_do_not_hide_its_command() {
    let asking = Asking::start();
    let arguments = |text| {
        [
            "--profile",
            "default",
            "run",
            "--env",
            "TOKEN=acme",
            "--",
            "sh",
            "-c",
            text,
        ]
    };
    let granted = format!("echo {GRANTED}");
    let mut run = asking.command(asking.valetkey(), &arguments(&granted));
    assert!(!asking.gets(&mut run));
    assert_eq!(asking.only_question()["program"]["name"], "sh");
    asking.allow_all();
    assert!(asking.gets(&mut run));
    let other = format!("{granted}; env");
    assert!(!asking.gets(&mut asking.command(asking.valetkey(), &arguments(&other))));
}

#[test]
fn a_run_is_the_file_that_its_command_is_found_as() {
    let asking = Asking::start();
    let folders = ["one", "two"].map(|folder| {
        let tool = asking.file(
            &format!("{folder}/tool"),
            &format!("#!/bin/sh\necho {GRANTED}\n"),
        );
        fixture::make_executable(&tool);
        tool.parent().unwrap().to_owned()
    });
    let run = |number: usize| {
        let arguments = ["run", "--env", "TOKEN=acme", "--", "tool"];
        let mut command = asking.command(asking.valetkey(), &arguments);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", folders[number].display()));
        command
    };
    assert!(!asking.gets(&mut run(0)));
    asking.allow_all();
    assert!(asking.gets(&mut run(0)));
    assert!(!asking.gets(&mut run(1)), "another file of that name");
}

/// `execvp` takes relative and empty entries from the working directory, and goes on behind a file that it
/// may not execute.
#[test]
fn a_run_from_a_relative_path_is_that_file() {
    let asking = Asking::start();
    let text = format!("#!/bin/sh\necho {GRANTED}\n");
    let files = ["bin/tool", "plain/tool", "here/tool", "here/bin/tool"];
    let tools = files.map(|name| asking.file(name, &text));
    for (tool, executable) in tools.iter().zip([true, false, true, true]) {
        if executable {
            fixture::make_executable(tool);
        }
    }
    let folders = tools.each_ref().map(|tool| tool.parent().unwrap());
    let [bin, plain, here, _] = folders.map(|folder| folder.to_str().unwrap().to_owned());
    let usual = std::env::var("PATH").unwrap();
    let run = |first: &str, folder: &str| {
        let arguments = ["run", "--env", "TOKEN=acme", "--", "tool"];
        let mut command = asking.command(asking.valetkey(), &arguments);
        command.env("PATH", format!("{first}:{bin}:{usual}"));
        command.current_dir(folder);
        command
    };
    assert!(!asking.gets(&mut run(&plain, &bin)));
    let question = asking.only_question();
    let allowed = format!("{bin}/tool");
    assert_eq!(
        question["program"]["location"],
        allowed.as_str(),
        "{question}"
    );
    asking.allow_all();
    assert!(asking.gets(&mut run(&plain, &bin)));
    assert!(asking.gets(&mut run("", &bin)), "the same file");
    for relative in ["", ".", "bin"] {
        assert!(!asking.gets(&mut run(relative, &here)), "`{relative}`");
    }
}

#[test]
fn git_asks_for_the_program_that_runs_it() {
    let asking = Asking::start();
    let helper = format!(
        "!f() {{ echo username=x; echo password=$({} token acme); }}; f",
        asking.valetkey()
    );
    let fill = asking.file(
        "fill.sh",
        &format!(
            "printf 'protocol=https\\nhost=example.com\\n\\n' | GIT_TERMINAL_PROMPT=0 \
             git -c 'credential.helper={helper}' credential fill | grep -q '^password=.' && echo {GRANTED}\n"
        ),
    );
    let text = std::fs::read_to_string(&fill).unwrap();
    let evil = asking.file("evil.sh", &text);
    let run = |script: &std::path::Path| asking.command("bash", &[script.to_str().unwrap()]);
    assert!(!asking.gets(&mut run(&fill)));
    let question = asking.only_question();
    assert_eq!(
        question["program"]["name"], "fill.sh, through git",
        "{question}"
    );
    asking.allow_all();
    assert!(asking.gets(&mut run(&fill)));
    assert!(!asking.gets(&mut run(&evil)), "by another program");
}
