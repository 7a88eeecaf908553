use std::os::unix::process::ExitStatusExt as _;

use crate::stub::{Ended, Stub, token_response};

fn serving() -> Stub {
    Stub::new(|_| Some((200, token_response())))
}

fn run(args: &[&str]) -> std::process::Output {
    let agent = serving();
    let mut command = agent.command("run --env GH_TOKEN=github --env B=google/ada --");
    command
        .args(args)
        .env("VALETKEY_PASSPHRASE", "pass")
        .env("KEPT", "kept");
    command.output().unwrap()
}

#[test]
fn tokens_stand_in_the_environment_and_not_in_argv() {
    let ended = Ended::from(run(&["sh", "-c", "env; tr '\\0' ' ' < /proc/$$/cmdline"]));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let (environment, argv) = ended.out.rsplit_once("sh -c").unwrap();
    for line in ["GH_TOKEN=ya29.s3cret", "B=ya29.s3cret", "KEPT=kept"] {
        assert!(environment.lines().any(|found| found == line), "{line}");
    }
    assert!(
        !environment.contains("VALETKEY_PASSPHRASE"),
        "{environment}"
    );
    assert!(!argv.contains("ya29"));
}

/// A `valetkey` in the command talks to the same agent.
#[test]
fn the_command_stays_in_this_home() {
    let agent = serving();
    let ended = agent.run("run --env X=github -- printenv VALETKEY_HOME");
    let home = format!("{}\n", agent.home().display());
    assert_eq!((ended.code, ended.out), (Some(0), home), "{}", ended.err);
}

#[test]
fn exit_codes_are_those_of_the_command() {
    assert_eq!(run(&["sh", "-c", "exit 7"]).status.code(), Some(7));
}

#[test]
fn signals_are_those_of_the_command() {
    assert_eq!(
        run(&["sh", "-c", "kill -TERM $$"]).status.signal(),
        Some(15)
    );
    let sigpipe = run(&["sh", "-c", "kill -PIPE $$; exit 3"]);
    assert_eq!(
        sigpipe.status.signal(),
        Some(13),
        "the command gets the default for SIGPIPE"
    );
}

#[test]
fn a_command_that_is_not_there_is_127() {
    let ended = Ended::from(run(&["/nonexistent/command"]));
    assert_eq!(ended.code, Some(127));
    assert!(
        ended
            .err
            .starts_with("error: `/nonexistent/command` cannot be run\n"),
        "{}",
        ended.err
    );
}

#[test]
fn nothing_is_run_without_every_token() {
    let agent = Stub::refusing(409, "auth_required");
    let ended = agent.run("run --env X=github -- sh -c echo");
    assert_eq!((ended.code, ended.out.as_str()), (Some(77), ""));
}
