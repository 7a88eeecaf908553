//! Scopes that a connection got after a program was allowed.

use jiff::SignedDuration;
use valetkey_agent::sign_in::{SignInMethod, SignInOptions};
use valetkey_agent::{Answer, Lasts, Question, Refusal};
use valetkey_core::scope::Scopes;

use crate::access::{allow, answer, app, ask_now, question, refusal, requester};
use crate::support::{authenticator_key, authorize_url, completed, me, visit};

#[tokio::test]
async fn a_scope_added_after_the_rule_is_asked_about() {
    let bench = app().await;
    let tool = || requester("/bin/tool", None);
    ask_now(&bench, &tool()).await.unwrap_err();
    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &tool()).await.expect("allowed");
    let more = SignInOptions {
        authenticator: authenticator_key("demo"),
        account: None,
        replace: false,
        scopes: Scopes::parse_any("files.write"),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Browser,
        reason: None,
    };
    let view = bench.agent.begin_sign_in(more, &me()).await.unwrap();
    visit(authorize_url(&view)).await;
    completed(bench.finished(view.id).await);
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
    match question(&bench).await.question {
        Question::Access(question) => assert_eq!(question.added.to_string(), "files.write"),
        Question::Change(change) => panic!("not about access: {change:?}"),
    }

    // A no to them is none to what was allowed: only they are asked about again.
    answer(&bench, Answer::Deny).await;
    let denied = refusal(ask_now(&bench, &tool()).await);
    assert!(matches!(denied, Refusal::Denied(Some(_))), "{denied:?}");
    assert_eq!(bench.agent.rules().len(), 2, "{:?}", bench.agent.rules());
    bench.clock.jump(SignedDuration::from_mins(11));
    assert_eq!(
        refusal(ask_now(&bench, &tool()).await),
        Refusal::NotAnswered
    );
    match question(&bench).await.question {
        Question::Access(question) => assert_eq!(question.added.to_string(), "files.write"),
        Question::Change(change) => panic!("not about access: {change:?}"),
    }

    answer(&bench, allow(Lasts::Always)).await;
    ask_now(&bench, &tool()).await.expect("allowed again");
    assert_eq!(bench.agent.rules().len(), 1);
}
