//! Programs that cannot be told apart.

use std::sync::Arc;

use valetkey_agent::{AgentError, Identity, Lasts, Requester};
use valetkey_core::program::{Program, UnknownReason};

use super::{Runs, allow, answer, app, ask, ask_now, question};
use crate::support::{eventually, me};

/// Another process may have its pid by now.
#[tokio::test]
async fn a_late_once_for_an_unknown_program_is_not_for_its_pid() {
    let bench = app().await;
    let unknown = || Requester {
        actor: me(),
        identity: Identity::Program(
            Arc::new(Program::unknown(UnknownReason::HiddenExecutable)),
            Arc::new(Runs(true.into())),
        ),
    };
    ask_now(&bench, &unknown()).await.unwrap_err();
    let id = question(&bench).await.id;
    let late = bench.agent.answer(id, allow(Lasts::Once), &me()).await;
    assert!(
        matches!(late, Err(AgentError::InvalidRequest { .. })),
        "{late:?}"
    );
    ask_now(&bench, &unknown()).await.expect_err("asks anew");
    // One that waits is allowed.
    let asking = ask(&bench, &unknown());
    eventually("it waits", || {
        let shown = bench.agent.approvals().list();
        shown.iter().any(|question| question.open_until.is_some())
    })
    .await;
    answer(&bench, allow(Lasts::Once)).await;
    asking.await.unwrap().expect("allowed once");
    ask_now(&bench, &unknown()).await.expect_err("only once");
}
