use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::add::saved;
use crate::stub::{Ended, Stub};

const FILE: &str = r#"{"authenticators": [
    {"authenticator_type": "google", "name": "mail", "client_id": "1", "client_secret": "GOCSPX-s3cret", "scopes": ["openid"]},
    {"authenticator_type": "custom", "name": "Hub", "client_id": "2", "authorize_url": "https://hub.example/a",
     "token_url": "https://hub.example/t", "is_active": false, "profile": "work"}
]}"#;

/// An agent that has the authenticators `there` (in `default`), and takes every other.
pub(crate) fn agent_with(there: &[&str]) -> Stub {
    let views = there.iter().map(|name| {
        let mut view = saved()["authenticator"].take();
        view["name"] = json!(name);
        view
    });
    let list = json!({"authenticators": views.collect::<Vec<_>>()});
    let exported = json!({"authenticators": [{
        "authenticator_type": "google", "name": "mail", "client_id": "old", "client_secret": "${X}",
        "scopes": ["a"], "authorize_params": {"old": "1"},
    }]});
    Stub::new(move |request| {
        Some(match request.line.as_str() {
            "POST /oauth/export" => (200, exported.clone()),
            line if line.starts_with("GET ") => (200, list.clone()),
            _ => (201, saved()),
        })
    })
}

fn ended(agent: &Stub, args: &str) -> Ended {
    let mut command = agent.command(args);
    Ended::from(command.current_dir(agent.home()).output().unwrap())
}

fn with_file(there: &[&str], text: &str) -> Stub {
    let agent = agent_with(there);
    fs::write(agent.home().join("file"), text).unwrap();
    agent
}

fn changes(agent: &Stub) -> Vec<(String, Value)> {
    let requests = agent.requests().into_iter();
    requests
        .filter(|it| !it.line.starts_with("GET ") && it.line != "POST /oauth/export")
        .map(|it| (it.line, it.body))
        .collect()
}

#[test]
fn what_was_found_is_shown_and_nothing_is_stored_without_a_yes() {
    let agent = with_file(&["mail"], FILE);
    let dry = ended(&agent, "import file --dry-run");
    assert_eq!(dry.code, Some(0), "{}", dry.err);
    insta::assert_snapshot!(dry.err, @r"
    FOUND  NAME                PROVIDER  CLIENT ID  SECRET
    mail   mail                google    1          yes     name is taken
    Hub    hub --profile work  custom    2          no
    Hub: it stays disabled until you enable it
    ");
    let json = ended(&agent, "import file --dry-run --json");
    assert!(!json.out.contains("s3cret"), "{}", json.out);
    let shown: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(shown["found"][0]["state"], "taken");
    assert_eq!(shown["found"][0]["has_client_secret"], true);
    assert_eq!(shown["found"][1]["profile"], "work");

    let asked = ended(&agent, "import file --existing skip");
    assert_eq!(asked.code, Some(2));
    assert!(asked.err.contains("nobody can be asked"), "{}", asked.err);
    let taken = ended(&agent, "import file --yes");
    assert_eq!(taken.code, Some(1));
    assert!(
        taken.err.contains("`mail` is there already"),
        "{}",
        taken.err
    );
    assert_eq!(changes(&agent), []);
}

#[test]
fn a_name_that_is_taken_is_skipped_or_replaced_as_was_said() {
    let agent = with_file(&["mail"], FILE);
    let skipped = ended(&agent, "import file --yes --existing skip --json");
    assert_eq!(skipped.code, Some(0), "{}", skipped.err);
    let outcome: Value = serde_json::from_str(&skipped.out).unwrap();
    assert_eq!(outcome["there"], json!(["mail"]));
    let id = saved()["authenticator"]["id"].as_str().unwrap().to_owned();
    let patch = format!("PATCH /oauth/authenticators/{id}");
    let [(add, hub), (disable, disabled)] = &changes(&agent)[..] else {
        panic!("two: {:?}", agent.requests());
    };
    assert_eq!(add, "POST /oauth/authenticators?profile=work");
    assert_eq!(hub["name"], "Hub");
    assert_eq!(*disable, format!("{patch}?profile=work"));
    assert_eq!(*disabled, json!({"is_active": false}));

    let agent = with_file(&["mail"], FILE);
    let replaced = ended(&agent, "import file --yes --existing replace");
    assert_eq!(replaced.code, Some(0), "{}", replaced.err);
    let (line, body) = changes(&agent)[0].clone();
    assert_eq!(line, patch);
    assert_eq!(
        body,
        json!({
            "authenticator_type": "google", "name": "mail", "client_id": "1", "client_secret": "GOCSPX-s3cret",
            "scopes": ["openid"], "authorize_params": null, "is_active": true,
        })
    );
}

#[test]
fn another_name_is_for_one_authenticator() {
    let one = r#"{"installed": {"client_id": "1.apps.googleusercontent.com", "client_secret": "GOCSPX-1"}}"#;
    let agent = with_file(&["google"], one);
    assert_eq!(ended(&agent, "import file --yes").code, Some(1));
    let named = ended(&agent, "import file --yes --name mine");
    assert_eq!(named.code, Some(0), "{}", named.err);
    assert_eq!(changes(&agent)[0].1["name"], "mine");
    let agent = with_file(&[], FILE);
    let two = ended(&agent, "import file --yes --name mine");
    assert_eq!(two.code, Some(2));
    assert!(two.err.contains("2 were found"), "{}", two.err);
    assert_eq!(changes(&agent), []);
}

#[test]
fn one_that_is_not_complete_stops_all() {
    let text = FILE.replace("GOCSPX-s3cret", "${NOT_SET}");
    let agent = with_file(&[], &text);
    let refused = ended(&agent, "import file --yes");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("mail: `${NOT_SET}`"),
        "{}",
        refused.err
    );
    assert_eq!(changes(&agent), []);
}

#[test]
fn two_of_one_name_in_one_source_are_a_question() {
    let text = FILE
        .replace("Hub", "Mail")
        .replace(r#", "profile": "work""#, "");
    let agent = with_file(&[], &text);
    let refused = ended(&agent, "import file --yes");
    assert!(
        refused.err.contains("`mail` stands twice"),
        "{}",
        refused.err
    );
    assert_eq!(changes(&agent), []);
    assert_eq!(
        ended(&agent, "import file --yes --existing skip").code,
        Some(0)
    );
    assert_eq!(changes(&agent).len(), 1);
}

/// Somebody else was faster between the list and the request.
#[test]
fn of_two_imports_at_once_one_finds_it_there() {
    let conflict = json!({"detail": {"code": "conflict", "message": "taken", "hint": "no"}});
    let agent = Stub::new(move |request| {
        Some(if request.line.starts_with("GET ") {
            (200, json!({"authenticators": []}))
        } else {
            (409, conflict.clone())
        })
    });
    fs::write(agent.home().join("file"), FILE).unwrap();
    let ended = ended(&agent, "import file --yes");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(
        ended.err.contains("`mail` is there already"),
        "{}",
        ended.err
    );
}

#[test]
fn a_file_that_is_not_what_it_seems_is_refused() {
    let agent = with_file(&[], FILE);
    let home = agent.home();
    symlink(home.join("file"), home.join("link")).unwrap();
    fs::write(home.join("huge"), vec![b' '; (1 << 20) + 1]).unwrap();
    fs::create_dir(home.join("folder")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, home.join("pipe"), rustix::fs::Mode::RUSR).unwrap();
    for (name, words) in [
        ("link", "it is a link"),
        ("huge", "larger than 1 MiB"),
        ("folder", "it is no file"),
        ("pipe", "it is no file"),
        ("/dev/zero", "it is no file"),
        ("gone", "No such file"),
    ] {
        let refused = ended(&agent, &format!("import {name} --yes"));
        assert_eq!(refused.code, Some(2), "{name}");
        assert!(refused.err.contains(words), "{name}: {}", refused.err);
    }
    assert_eq!(agent.lines(), [""; 0]);
}

#[test]
fn git_and_oidc_agent_and_the_environment_are_asked_where_they_are() {
    let agent = agent_with(&[]);
    let home = agent.home().to_owned();
    let config = "[credential \"https://git.example.com\"]\n oauthClientId = gcm\n\
        oauthAuthorizeEndpoint = /authorize\n oauthTokenEndpoint = /token\n";
    fs::write(home.join(".gitconfig"), config).unwrap();
    fs::create_dir(home.join(".oidc-agent")).unwrap();
    fs::write(
        home.join(".oidc-agent/issuer.config"),
        r#"[{"issuer": "https://o.example", "accounts": ["egi"]}]"#,
    )
    .unwrap();
    let run = |args: &str| {
        let mut command = agent.command(args);
        command
            .current_dir(&home)
            .env("HOME", &home)
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [
            ("AUTH_ENDPOINT", "https://f.example/a"),
            ("TOKEN_ENDPOINT", "https://f.example/t"),
            ("CLIENT_ID", "f"),
        ] {
            command.env(format!("FMCP_OAUTH_{name}"), value);
        }
        Ended::from(command.output().unwrap())
    };
    let git = run("import git --yes");
    assert_eq!(git.code, Some(0), "{}", git.err);
    assert_eq!(
        changes(&agent)[0].1["token_url"],
        "https://git.example.com/token"
    );
    let env = run("import env --yes");
    assert_eq!(env.code, Some(0), "{}", env.err);
    assert_eq!(changes(&agent)[1].1["name"], "f.example");
    let oidc = run("import oidc-agent --yes");
    assert_eq!(oidc.code, Some(66), "{}", oidc.err);
    assert!(oidc.err.contains("`egi` are encrypted"), "{}", oidc.err);
    assert_eq!(changes(&agent).len(), 2);
}
