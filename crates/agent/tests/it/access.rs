//! Programs ask, the person answers, and things change in between.

mod turns;
mod unknown;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use tokio::task::JoinHandle;
use valetkey_agent::{
    Actor, AgentError, Answer, Approval, ChangeQuestion, Grant, Identity, Lasts, NewKey, Process,
    Refusal, Requester, ServedToken, TokenRequirements,
};
use valetkey_core::access::Usage;
use valetkey_core::event::EventKind;
use valetkey_core::program::{Client, Code, Program};
use valetkey_demo_provider::{Fault, Filter};

use crate::support::{Bench, eventually, key, me, seconds};

type Asking = JoinHandle<Result<ServedToken, AgentError>>;

/// A process whose program is what a test says.
#[derive(Debug)]
struct Runs(AtomicBool);

impl Process for Runs {
    fn still_runs(&self, _: &Program) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

fn program(path: &str, project: Option<&str>) -> Arc<Program> {
    Arc::new(Program {
        client: Client {
            code: Code::Executable { path: path.into() },
            through: Vec::new(),
            application: None,
        },
        project: project.map(Into::into),
    })
}

pub(crate) fn requester(path: &str, project: Option<&str>) -> Requester {
    Requester {
        actor: me(),
        identity: Identity::Program(program(path, project), Arc::new(Runs(true.into()))),
    }
}

/// `/bin/tool`, which works in `/work`.
fn tool() -> Requester {
    requester("/bin/tool", Some("/work"))
}

pub(crate) async fn app() -> Bench {
    let mut bench = Bench::connected().await;
    bench.restart_as_app().await;
    bench
}

fn ask(bench: &Bench, who: &Requester) -> Asking {
    let (agent, who) = (bench.agent.clone(), who.clone());
    let id = bench.view("demo").row.id;
    tokio::spawn(async move { agent.token(id, &TokenRequirements::default(), &who).await })
}

/// Without waiting for the person.
pub(crate) async fn ask_now(bench: &Bench, who: &Requester) -> Result<ServedToken, AgentError> {
    let at_once = TokenRequirements {
        wait: Some(Duration::ZERO),
        ..TokenRequirements::default()
    };
    let id = bench.view("demo").row.id;
    bench.agent.token(id, &at_once, who).await
}

pub(crate) async fn question(bench: &Bench) -> Approval {
    eventually("a question", || !bench.agent.approvals().list().is_empty()).await;
    bench.agent.approvals().list().remove(0)
}

pub(crate) fn allow(lasts: Lasts) -> Answer {
    Answer::Allow(Grant {
        lasts,
        only_project: false,
        usage: Usage::Token,
        only_scopes: None,
    })
}

pub(crate) async fn answer(bench: &Bench, answer: Answer) {
    let id = question(bench).await.id;
    let answered = bench.agent.answer(id, answer, &me()).await;
    answered.expect("it is asked");
}

pub(crate) fn refusal(answer: Result<ServedToken, AgentError>) -> Refusal {
    match answer {
        Err(AgentError::NotAllowed(refused)) => refused.why,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn two_callers_at_once_are_one_question_and_one_answer() {
    let bench = app().await;
    let both = [ask(&bench, &tool()), ask(&bench, &tool())];
    eventually("both asked", || {
        let list = bench.agent.approvals().list();
        list.first().is_some_and(|it| it.count == 2)
    })
    .await;
    assert_eq!(bench.agent.approvals().list().len(), 1);
    answer(&bench, allow(Lasts::Once)).await;
    for asking in both {
        asking
            .await
            .expect("it ends")
            .expect("allowed once, both waited");
    }
    refusal(ask_now(&bench, &tool()).await);
    assert_eq!(bench.count(EventKind::AccessAllowed).await, 1);
}

#[tokio::test]
async fn an_answer_after_the_caller_hung_up_counts_for_one_request() {
    let bench = app().await;
    let asking = ask(&bench, &tool());
    question(&bench).await;
    asking.abort();
    assert!(asking.await.unwrap_err().is_cancelled());
    answer(&bench, allow(Lasts::Once)).await;
    let other = requester("/bin/other", Some("/work"));
    assert_eq!(refusal(ask_now(&bench, &other).await), Refusal::NotAnswered);
    ask_now(&bench, &tool()).await.expect("the answer waited");
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
}

#[tokio::test]
async fn an_answer_that_nobody_used_ends() {
    let bench = app().await;
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
    answer(&bench, allow(Lasts::Once)).await;
    bench.clock.jump(SignedDuration::from_mins(11));
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
}

#[tokio::test]
async fn no_answer_is_not_now_and_the_question_stays() {
    let bench = app().await;
    let asking = ask(&bench, &tool());
    assert!(question(&bench).await.open_until.is_some());
    bench.pass(seconds(61), seconds(5)).await;
    assert_eq!(
        refusal(asking.await.expect("it ends")),
        Refusal::NotAnswered
    );
    eventually("the window closes", || {
        let list = bench.agent.approvals().list();
        list.len() == 1 && list[0].open_until.is_none()
    })
    .await;
    assert_eq!(bench.agent.rules(), [], "no denial");
    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &tool()).await.expect("allowed late");
}

#[tokio::test]
async fn a_denial_holds_ten_minutes() {
    let mut bench = app().await;
    let asking = ask(&bench, &tool());
    answer(&bench, Answer::Deny).await;
    assert!(matches!(
        refusal(asking.await.expect("it ends")),
        Refusal::Denied(Some(_))
    ));
    bench.clock.jump(SignedDuration::from_mins(9));
    assert!(matches!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::Denied(Some(_))
    ));
    assert_eq!(bench.agent.approvals().list(), []);
    bench.restart_as_app().await;
    assert!(matches!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::Denied(Some(_))
    ));
    bench.clock.jump(SignedDuration::from_mins(2));
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
    assert_eq!(bench.agent.approvals().list().len(), 1);
}

/// Asks with an expired token; `meanwhile` happens during its refresh.
async fn during_a_refresh(
    bench: &Bench,
    who: &Requester,
    meanwhile: impl AsyncFnOnce(),
) -> Refusal {
    bench.expire();
    let latch = bench.provider.latch(Fault::refresh);
    let asking = ask(bench, who);
    bench.provider.arrived(Filter::refreshes(), 1).await;
    meanwhile().await;
    latch.release();
    refusal(asking.await.expect("it ends"))
}

#[tokio::test]
async fn a_rule_removed_during_the_refresh_counts() {
    let bench = app().await;
    ask_now(&bench, &tool()).await.unwrap_err();
    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &tool()).await.expect("allowed");
    let rule = bench.agent.rules()[0].rule.id;
    let why = during_a_refresh(&bench, &tool(), async || {
        bench.agent.remove_rule(rule, &me()).await.unwrap();
    })
    .await;
    assert_eq!(why, Refusal::Withdrawn);
}

#[tokio::test]
async fn a_process_that_became_another_program_gets_nothing() {
    let bench = app().await;
    let process = Arc::new(Runs(true.into()));
    let who = Requester {
        actor: me(),
        identity: Identity::Program(program("/bin/tool", None), Arc::clone(&process) as Arc<_>),
    };
    ask_now(&bench, &who).await.unwrap_err();
    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &who).await.expect("allowed");
    let why = during_a_refresh(&bench, &who, async || {
        process.0.store(false, Ordering::SeqCst);
    });
    assert_eq!(why.await, Refusal::Withdrawn);
}

#[tokio::test]
async fn a_key_revoked_during_the_refresh_gets_nothing() {
    let bench = app().await;
    let ask = NewKey {
        name: "ci".to_owned(),
        connections: None,
        manage: false,
        expires_at: None,
    };
    let (row, _) = bench.agent.create_key(ask, &me()).await.expect("a key");
    let who = Requester {
        actor: Actor::agent(),
        identity: Identity::Key(row.id),
    };
    ask_now(&bench, &who).await.expect("a key needs no rule");
    let why = during_a_refresh(&bench, &who, async || {
        bench.agent.revoke_key("ci", &me()).await.expect("ours");
    });
    assert_eq!(why.await, Refusal::Withdrawn);
}

#[tokio::test]
async fn an_answer_for_any_project_answers_the_questions_of_the_others() {
    let bench = app().await;
    let projects = ["/one", "/two", "/three"];
    let asking = projects.map(|project| ask(&bench, &requester("/bin/git", Some(project))));
    eventually("all asked", || bench.agent.approvals().list().len() == 3).await;
    let other = ask(&bench, &tool());
    eventually("another", || bench.agent.approvals().list().len() == 4).await;
    answer(&bench, allow(Lasts::Always)).await;
    for asking in asking {
        asking.await.expect("it ends").expect("one answer for all");
    }
    assert_eq!(
        bench.agent.approvals().list().len(),
        1,
        "that of the other program"
    );
    other.abort();
}

#[tokio::test]
async fn only_in_this_project_needs_a_project() {
    let bench = app().await;
    let nowhere = requester("/bin/tool", None);
    ask_now(&bench, &nowhere).await.unwrap_err();
    let id = question(&bench).await.id;
    let here = Answer::Allow(Grant {
        lasts: Lasts::Always,
        only_project: true,
        usage: Usage::Token,
        only_scopes: None,
    });
    let answered = bench.agent.answer(id, here, &me()).await;
    assert!(
        matches!(answered, Err(AgentError::InvalidRequest { .. })),
        "{answered:?}"
    );
    assert_eq!(bench.agent.rules(), [], "no rule for everywhere");
    assert_eq!(bench.agent.approvals().list().len(), 1, "still asked");
}

#[tokio::test]
async fn the_list_of_questions_is_bounded() {
    let bench = app().await;
    let first = ask(&bench, &tool());
    question(&bench).await;
    for number in 0..40 {
        let who = requester(&format!("/bin/tool-{number}"), None);
        ask_now(&bench, &who).await.unwrap_err();
    }
    let list = bench.agent.approvals().list();
    assert_eq!(list.len(), 32);
    assert!(
        !first.is_finished(),
        "a question with a window is not pushed out"
    );
    answer(&bench, allow(Lasts::Once)).await;
    first.await.unwrap().expect("it still waited");
}

#[tokio::test]
async fn a_stop_tells_the_callers_that_wait() {
    let bench = app().await;
    let asking = ask(&bench, &tool());
    question(&bench).await;
    tokio::time::timeout(seconds(30), bench.agent.shutdown())
        .await
        .expect("it stops");
    let answer = tokio::time::timeout(seconds(30), asking)
        .await
        .expect("it was told");
    answer.unwrap().unwrap_err();
}

#[tokio::test]
async fn a_disconnect_tells_the_callers_that_wait() {
    let bench = app().await;
    let asking = ask(&bench, &tool());
    question(&bench).await;
    bench
        .agent
        .disconnect(&key("demo"), true, &me())
        .await
        .expect("removed");
    assert_eq!(bench.agent.approvals().list(), []);
    let answer = tokio::time::timeout(seconds(30), asking)
        .await
        .expect("it was told");
    let error = answer.unwrap().unwrap_err();
    assert!(matches!(error, AgentError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn once_the_app_has_run_an_agent_without_it_needs_a_rule() {
    let mut bench = Bench::connected().await;
    ask_now(&bench, &tool()).await.expect("as with ssh-agent");
    bench.restart_as_app().await;
    bench.restart().await;
    assert_eq!(refusal(ask_now(&bench, &tool()).await), Refusal::NotDecided);
    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &tool()).await.expect("by a rule");
    bench.restart_as_app().await;
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
    let rule = bench.agent.rules()[0].rule.id;
    bench.agent.confirm_rule(rule, &me()).await.expect("ours");
    ask_now(&bench, &tool())
        .await
        .expect("confirmed in the app");
}

#[tokio::test]
async fn an_answer_gives_no_more_than_was_asked_for() {
    let bench = app().await;
    let (agent, id) = (bench.agent.clone(), bench.view("demo").row.id);
    let asking = tokio::spawn(async move { agent.proxy_grant(id, &tool()).await });
    answer(&bench, allow(Lasts::Always)).await;
    asking.await.expect("it ends").expect("through the proxy");
    assert_eq!(bench.agent.rules()[0].rule.usage, Usage::Proxy);
    assert_eq!(refusal(ask_now(&bench, &tool()).await), Refusal::ProxyOnly);
}

#[tokio::test]
async fn the_proxy_alone_is_no_answer_where_it_leads_nowhere() {
    let bench = app().await;
    ask_now(&bench, &tool()).await.unwrap_err();
    let id = question(&bench).await.id;
    let through_proxy = Answer::Allow(Grant {
        lasts: Lasts::Always,
        only_project: false,
        usage: Usage::Proxy,
        only_scopes: None,
    });
    let answered = bench.agent.answer(id, through_proxy, &me()).await;
    let refused = matches!(answered, Err(AgentError::InvalidRequest { .. }));
    assert!(refused, "{answered:?}");
    assert_eq!(bench.agent.rules(), []);
    assert_eq!(bench.agent.approvals().list().len(), 1, "still asked");
}
