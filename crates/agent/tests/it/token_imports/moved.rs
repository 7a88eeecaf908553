//! Refresh tokens that are moved here from the file of another tool.

use std::path::{Path, PathBuf};

use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{SignInState, SignInView, TokenOptions};
use valetkey_demo_provider::{Fault, FaultKind, Filter};

use super::{begin, imports, nothing_pending, options, token_of};
use crate::support::{Bench, completed, eventually, failed, key, me, seconds};

/// A token in a file, and its import.
async fn moving(bench: &Bench) -> (String, PathBuf, SignInView) {
    let token = token_of(bench, "ada").await;
    let path = bench.home.path().join("x_tokens.json");
    std::fs::write(&path, format!("{{\"refresh_token\": \"{token}\"}}")).expect("a file");
    let view = begin(bench, from(&token, &path)).await;
    (token, path, view)
}

fn from(token: &str, path: &Path) -> TokenOptions {
    TokenOptions {
        moved_from: Some(path.to_owned()),
        ..options(token)
    }
}

/// How it ended, while time passes.
async fn finished(bench: &Bench, view: &SignInView) -> SignInState {
    for _ in 0..100 {
        bench.pass(seconds(1), seconds(1)).await;
        let view = bench.agent.sign_in(view.id).expect("a known sign-in");
        if view.state.has_ended() {
            return view.state;
        }
    }
    panic!("it does not end");
}

/// The process stops while time passes, and starts again.
async fn restart(bench: &mut Bench) {
    let agent = bench.agent.clone();
    let stop = tokio::spawn(async move { agent.shutdown().await });
    while !stop.is_finished() {
        bench.clock.advance(seconds(1));
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    stop.await.expect("no panic");
    bench.start_again().await;
}

#[tokio::test]
async fn it_is_used_when_it_is_gone_from_there() {
    let bench = Bench::start().await;
    let (_, path, view) = moving(&bench).await;
    bench.pass(seconds(10), seconds(1)).await;
    assert_eq!((bench.refreshes(), imports(&bench)), (0, 1));
    std::fs::remove_file(path).expect("it is there");
    completed(finished(&bench, &view).await);
    bench.access("demo").await;
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn a_file_that_keeps_other_logins_lacks_this_one() {
    let bench = Bench::start().await;
    let (_, path, view) = moving(&bench).await;
    std::fs::write(path, r#"{"refresh_token": "of a newer login"}"#).expect("a file");
    completed(finished(&bench, &view).await);
}

#[tokio::test]
async fn one_that_stays_there_is_not_imported() {
    let bench = Bench::start().await;
    let (_, path, view) = moving(&bench).await;
    let why = failed(finished(&bench, &view).await);
    assert!(why.contains("still holds the refresh token"), "{why}");
    assert_eq!(bench.refreshes(), 0);
    assert!(path.exists());
    nothing_pending(&bench).await;
}

#[tokio::test]
async fn after_a_kill_the_file_decides_who_holds_it() {
    let mut bench = Bench::start().await;
    let (_, path, _) = moving(&bench).await;
    restart(&mut bench).await;
    bench.settle().await;
    assert_eq!(
        (bench.refreshes(), imports(&bench)),
        (0, 1),
        "it may be removed any moment"
    );
    std::fs::remove_file(path).expect("it is there");
    restart(&mut bench).await;
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    bench.access("demo").await;
    nothing_pending(&bench).await;

    let mut bench = Bench::start().await;
    let (token, path, _) = moving(&bench).await;
    restart(&mut bench).await;
    bench.pass(seconds(62), seconds(1)).await;
    nothing_pending(&bench).await;
    assert_eq!(bench.refreshes(), 0);
    // Nothing is lost: it can be moved again.
    let view = begin(&bench, from(&token, &path)).await;
    std::fs::remove_file(path).expect("it is there");
    completed(finished(&bench, &view).await);
}

#[tokio::test]
async fn one_that_nobody_else_holds_is_kept_while_the_provider_does_not_answer() {
    let bench = Bench::start().await;
    bench.provider.fault(Fault::refresh(FaultKind::status(503)));
    let (token, path, view) = moving(&bench).await;
    std::fs::remove_file(path).expect("it is there");
    let why = failed(finished(&bench, &view).await);
    assert!(why.contains("the refresh token is kept"), "{why}");
    let again = bench.agent.import_token(options(&token), &me()).await;
    assert!(
        matches!(again, Err(AgentError::Conflict { .. })),
        "{again:?}"
    );
    bench.pass(seconds(180), seconds(15)).await;
    bench.provider.ended(Filter::refreshes(), 2).await;
    eventually("imported", || bench.agent.connection(&key("demo")).is_ok()).await;
    bench.access("demo").await;
}

#[tokio::test]
async fn a_path_that_means_another_file_elsewhere_is_refused() {
    let bench = Bench::start().await;
    let refused = bench
        .agent
        .import_token(from("abcdefgh", Path::new("x.json")), &me())
        .await;
    assert!(
        matches!(refused, Err(AgentError::InvalidRequest { .. })),
        "{refused:?}"
    );
    // Neither a pipe nor a link can hold the agent up, and neither is gone.
    let pipe = bench.home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo").success());
    let view = begin(&bench, from("abcdefgh", &pipe)).await;
    failed(finished(&bench, &view).await);
    assert_eq!(bench.refreshes(), 0);
}
