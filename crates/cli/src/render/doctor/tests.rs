use super::*;

#[test]
fn findings_stand_in_lines_with_what_to_do_below() {
    let check = |name: &str, outcome, message: &str, todo: Option<&str>| Check {
        name: name.to_owned(),
        outcome,
        message: message.to_owned(),
        hint: todo.map(str::to_owned),
    };
    let version = |name: &str, version: &str| Version {
        name: name.to_owned(),
        version: version.to_owned(),
    };
    let found = Findings {
        checks: vec![
            check("agent", CheckOutcome::Ok, "runs (pid 4711)", None),
            check(
                "keychain_write",
                CheckOutcome::Failed,
                "the keychain is locked",
                Some("unlock it"),
            ),
            check("keychain_read", CheckOutcome::Skipped, "not tried", None),
            check(
                "browser",
                CheckOutcome::Warning,
                "`xdg-open` would open it, but there is no display",
                Some("sign in with `valetkey connect --no-browser`, or set `$BROWSER`"),
            ),
        ],
        versions: vec![version("valetkey", "0.1.0"), version("sqlite", "3.51.0")],
    };
    insta::assert_snapshot!(findings(&found, Style::PLAIN));
}
