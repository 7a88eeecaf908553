//! An interpreter is not its script: what was allowed for one is not allowed for another.

use std::fs;
use std::path::Path;

use valetkey_tests::Running;

use super::fixture::{Asking, GRANTED, PYTHON};

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Asks by `report.py`, which is allowed from here on.
fn allowed() -> (Asking, String) {
    let asking = Asking::start();
    let python = asking.python();
    let script = asking.python_script("report.py");
    assert!(!asking.gets(&mut asking.command(&python, &[text(&script)])));
    asking.allow_all();
    assert!(asking.gets(&mut asking.command(&python, &[text(&script)])));
    (asking, python)
}

#[test]
fn other_scripts_options_and_interpreters_ask_anew() {
    let (asking, python) = allowed();
    let other = asking.python_script("other.py");
    assert!(!asking.gets(&mut asking.command(&python, &[text(&other)])));
    let report = asking.home().join("report.py");
    assert!(!asking.gets(&mut asking.command(&python, &["-u", text(&report)])));
    assert!(!asking.gets(&mut asking.command(&python, &["-c", PYTHON])));

    let copy = asking.home().join("python3");
    fs::copy(&python, &copy).expect("a copy");
    let prefix = "import sys; print(sys.base_prefix)";
    let prefix = asking.command(&python, &["-c", prefix]).output().unwrap();
    let prefix = String::from_utf8(prefix.stdout).unwrap();
    for script in [&other, &report] {
        let mut command = asking.command(&copy, &[text(script)]);
        command.env("PYTHONHOME", prefix.trim());
        assert!(!asking.gets(&mut command), "{}", script.display());
    }
    assert_eq!(asking.questions().len(), 5);
}

#[test]
fn a_module_is_the_one_of_its_folder() {
    let asking = Asking::start();
    let python = asking.python();
    let run = |folder: &str| {
        let script = asking.python_script(&format!("{folder}/app.py"));
        let mut command = asking.command(&python, &["-m", "app"]);
        command.current_dir(script.parent().unwrap());
        command
    };
    assert!(!asking.gets(&mut run("one")));
    asking.allow_all();
    assert!(asking.gets(&mut run("one")));
    assert!(!asking.gets(&mut run("two")), "another module of that name");
}

#[test]
fn a_program_that_hides_its_command_line_is_not_remembered() {
    let asking = Asking::start();
    let titled = |name| asking.node_script(name, "process.title = 'tool';");
    let script = titled("one.mjs");
    assert!(!asking.gets(&mut asking.command("node", &[text(&script)])));
    assert_eq!(asking.only_question()["program"]["is_known"], false);
}

#[test]
fn a_script_that_left_its_folder_is_not_another_of_that_name() {
    let asking = Asking::start();
    let python = asking.python();
    let run = |folder: &str| {
        let name = format!("{folder}/main.py");
        let script = asking.file(&name, &format!("import os\nos.chdir('/')\n{PYTHON}"));
        let mut command = asking.command(&python, &["main.py"]);
        command.current_dir(script.parent().unwrap());
        command
    };
    assert!(!asking.gets(&mut run("one")));
    assert_eq!(asking.only_question()["program"]["is_known"], false);
}

/// The statuses that a program printed that became another one, over one connection.
fn printed(asking: &Asking, python: &str, next: &str) -> Vec<String> {
    let mut command = asking.command(python, &["report.py"]);
    command.env("NEXT", next);
    let mut running = Running::start(&mut command);
    running.wait();
    let lines = running.finished_lines();
    lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn a_process_that_becomes_another_program_asks_anew() {
    let (asking, python) = allowed();
    asking.python_script("other.py");
    let home = asking.home();
    let next = format!("{}:other.py", home.display());
    assert_eq!(printed(&asking, &python, &next), [GRANTED, "403"]);
    // The same command line, in another folder: another script.
    asking.python_script("elsewhere/report.py");
    let next = format!("{}/elsewhere:report.py", home.display());
    assert_eq!(printed(&asking, &python, &next), [GRANTED, "403"]);
}
