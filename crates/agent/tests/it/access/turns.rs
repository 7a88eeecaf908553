//! One question is shown at a time; the others wait for their turn.

use valetkey_agent::Clock as _;

use super::*;

/// `/bin/other`, which works in `/work`.
fn other() -> Requester {
    requester("/bin/other", Some("/work"))
}

fn in_list(bench: &Bench, at: usize) -> Option<Approval> {
    bench.agent.approvals().list().into_iter().nth(at)
}

/// Waits until exactly the question at this place of the list is shown.
async fn shown(bench: &Bench, at: usize) -> Approval {
    eventually("its turn", || {
        let list = bench.agent.approvals().list();
        let shown: Vec<bool> = list.iter().map(|it| it.open_until.is_some()).collect();
        shown.iter().position(|it| *it) == Some(at) && shown.iter().filter(|it| **it).count() == 1
    })
    .await;
    in_list(bench, at).expect("just seen")
}

/// Two programs that ask: the first question is shown, the second waits.
async fn both(bench: &Bench) -> (Asking, Asking) {
    let first = ask(bench, &tool());
    shown(bench, 0).await;
    let second = ask(bench, &other());
    eventually("two questions", || {
        bench.agent.approvals().list().len() == 2
    })
    .await;
    let waiting = in_list(bench, 1).expect("just seen");
    assert!(waiting.is_queued, "{waiting:?}");
    assert_eq!(waiting.open_until, None);
    (first, second)
}

#[tokio::test]
async fn a_question_that_waited_for_its_turn_is_shown_for_a_whole_minute() {
    let bench = app().await;
    let (first, second) = both(&bench).await;
    bench.pass(seconds(50), seconds(5)).await;
    bench.pass(seconds(11), seconds(1)).await;
    assert_eq!(refusal(first.await.expect("it ends")), Refusal::NotAnswered);
    let own = shown(&bench, 1).await;
    let left = own
        .open_until
        .expect("shown")
        .duration_since(bench.clock.now());
    assert!(left > SignedDuration::from_secs(55), "{left:?}");
    bench.pass(seconds(50), seconds(5)).await;
    assert!(!second.is_finished(), "111 s after it asked");
    let answered = bench.agent.answer(own.id, allow(Lasts::Once), &me()).await;
    answered.expect("it is asked");
    second
        .await
        .expect("it ends")
        .expect("allowed in its minute");
}

#[tokio::test]
async fn a_caller_with_less_patience_is_told_at_its_time_and_its_question_stays() {
    let bench = app().await;
    let first = ask(&bench, &tool());
    shown(&bench, 0).await;
    let hasty = TokenRequirements {
        wait: Some(seconds(20)),
        ..TokenRequirements::default()
    };
    let (agent, id) = (bench.agent.clone(), bench.view("demo").row.id);
    let second: Asking = tokio::spawn(async move { agent.token(id, &hasty, &other()).await });
    eventually("two questions", || {
        bench.agent.approvals().list().len() == 2
    })
    .await;
    bench.pass(seconds(21), seconds(7)).await;
    assert_eq!(
        refusal(second.await.expect("it ends")),
        Refusal::NotAnswered
    );
    answer(&bench, Answer::Deny).await;
    first.await.expect("it ends").unwrap_err();
    // Now it is its turn, and the answer counts for the next time.
    shown(&bench, 0).await;
    answer(&bench, allow(Lasts::Once)).await;
    ask_now(&bench, &other()).await.expect("the answer waited");
}

#[tokio::test]
async fn the_next_question_is_shown_when_one_is_answered_closed_or_gone() {
    let bench = app().await;
    let (first, second) = both(&bench).await;
    let third = ask(&bench, &requester("/bin/third", None));
    eventually("three questions", || {
        bench.agent.approvals().list().len() == 3
    })
    .await;
    answer(&bench, allow(Lasts::Once)).await;
    first.await.expect("it ends").expect("allowed");
    let own = shown(&bench, 0).await;
    bench.agent.dismiss_approval(own.id);
    assert_eq!(
        refusal(second.await.expect("it ends")),
        Refusal::NotAnswered
    );
    shown(&bench, 1).await;
    third.abort();
}

#[tokio::test]
async fn a_question_whose_turn_does_not_come_is_listed() {
    let bench = app().await;
    let callers: Vec<Asking> = (0..6)
        .map(|number| ask(&bench, &requester(&format!("/bin/tool-{number}"), None)))
        .collect();
    eventually("all asked", || bench.agent.approvals().list().len() == 6).await;
    for caller in callers {
        // Two are shown, each for a minute, and by then the others have waited too long.
        for _ in 0..60 {
            if caller.is_finished() {
                break;
            }
            bench.pass(seconds(5), seconds(5)).await;
        }
        assert_eq!(
            refusal(caller.await.expect("it ends")),
            Refusal::NotAnswered
        );
    }
    let list = bench.agent.approvals().list();
    assert_eq!(list.len(), 6);
    let idle = |it: &Approval| it.open_until.is_none() && !it.is_queued;
    assert!(list.iter().all(idle), "{list:?}");
    let began = list[0].asked_at;
    let took = bench.clock.now().duration_since(began);
    assert!(took <= SignedDuration::from_secs(200), "{took:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_back_keeps_no_question_open() {
    let bench = app().await;
    let asking = ask(&bench, &tool());
    shown(&bench, 0).await;
    bench.clock.set(-SignedDuration::from_hours(1));
    bench.pass(seconds(61), seconds(5)).await;
    assert_eq!(
        refusal(asking.await.expect("it ends")),
        Refusal::NotAnswered
    );
    eventually("it closes", || {
        in_list(&bench, 0).is_some_and(|it| it.open_until.is_none())
    })
    .await;
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_any_more_is_not_asked_about() {
    let bench = app().await;
    let question = ChangeQuestion {
        title: "Stop Valet Key?".to_owned(),
        text: String::new(),
        asked_by: "a test".to_owned(),
        confirm: "Stop".to_owned(),
    };
    let agent = bench.agent.clone();
    let caller = tokio::spawn(async move { agent.confirm(question).await });
    shown(&bench, 0).await;
    caller.abort();
    eventually("it is dropped", || {
        bench.agent.approvals().list().is_empty()
    })
    .await;
}
