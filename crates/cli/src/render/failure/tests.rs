use valetkey_api::core::draft::Problem;

use super::*;
use crate::exit::Exit;

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let problem = Problem {
        field: "client_id".to_owned(),
        message: "`client_id` is missing".to_owned(),
        hint: "copy it from <https://github.com/settings/developers>".to_owned(),
    };
    let text = failure(&Failure::Problems(vec![problem]), Style::PLAIN);
    insta::assert_snapshot!(text, @r"
    error: the authenticator cannot be used as it is
      `client_id` is missing
        copy it from <https://github.com/settings/developers>
    ");
}

#[test]
fn a_failure_of_our_own_looks_the_same() {
    let own = Failure::new(Exit::Unavailable, "the agent cannot be started")
        .why("`valetkey-agent` ended with exit status: 1")
        .hint("run `valetkey serve` to see why");
    insta::assert_snapshot!(failure(&own, Style::PLAIN), @r"
    error: the agent cannot be started
      `valetkey-agent` ended with exit status: 1

    hint: run `valetkey serve` to see why
    ");
}

#[test]
fn colour_sets_the_first_word_apart() {
    let own = Failure::new(Exit::Failed, "no").hint("yes");
    let text = failure(&own, Style { colour: true });
    assert_eq!(
        text,
        "\u{1b}[1;31merror:\u{1b}[0m no\n\n\u{1b}[1;36mhint:\u{1b}[0m yes\n"
    );
}
