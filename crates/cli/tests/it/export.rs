use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use serde_json::{Value, json};

use crate::stub::{Ended, Stub};

const SECRET: &str = "gh-s3cret-77";

fn export(secret: &str) -> Value {
    json!({"authenticators": [{"authenticator_type": "github", "client_id": "a", "client_secret": secret}]})
}

/// An agent with one authenticator: its secret is only in the answer to a request for secrets.
fn agent() -> Stub {
    Stub::new(|request| {
        let with_secrets = request.body["secrets"] == true;
        Some((
            200,
            export(if with_secrets {
                SECRET
            } else {
                "${GITHUB_CLIENT_SECRET}"
            }),
        ))
    })
}

fn ended(agent: &Stub, args: &str) -> Ended {
    let mut command = agent.command(args);
    command
        .current_dir(agent.home())
        .env("PASSPHRASE", "correct horse");
    Ended::from(command.output().unwrap())
}

#[test]
fn an_export_is_text_or_a_private_file_that_is_never_written_over() {
    let agent = agent();
    let printed = ended(&agent, "export github");
    assert_eq!(printed.code, Some(0), "{}", printed.err);
    let text: Value = serde_json::from_str(&printed.out).unwrap();
    assert_eq!(text, export("${GITHUB_CLIENT_SECRET}"));
    let request = &agent.requests()[0];
    assert_eq!(request.line, "POST /oauth/export");
    assert_eq!(
        request.body,
        json!({"authenticators": ["github"], "secrets": false})
    );

    let path = agent.home().join("mine.json");
    let wrote = ended(&agent, "export --output mine.json");
    assert_eq!(wrote.code, Some(0), "{}", wrote.err);
    assert_eq!(wrote.err, "wrote 1 authenticator to `mine.json`\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), printed.out);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

    fs::write(&path, "older").unwrap();
    let asked = agent.requests().len();
    let refused = ended(&agent, "export --output mine.json");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("`mine.json` is there already"),
        "{}",
        refused.err
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "older");
    assert_eq!(agent.requests().len(), asked, "nobody was asked in vain");
    let forced = ended(&agent, "export --output mine.json --force");
    assert_eq!(forced.code, Some(0), "{}", forced.err);
    assert_eq!(fs::read_to_string(&path).unwrap(), printed.out);
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let agent = agent();
    let other = agent.home().join("other");
    fs::write(&other, "not mine to write").unwrap();
    symlink(&other, agent.home().join("link")).unwrap();
    assert_eq!(ended(&agent, "export --output link").code, Some(2));
    assert_eq!(ended(&agent, "export --output link --force").code, Some(0));
    assert_eq!(fs::read_to_string(&other).unwrap(), "not mine to write");
    let names = fs::read_dir(agent.home()).unwrap();
    let drafts = names.filter(|it| {
        it.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .ends_with(".new")
    });
    assert_eq!(drafts.count(), 0);
}

#[test]
fn client_secrets_are_written_encrypted_and_read_back() {
    let agent = agent();
    let wrote = ended(
        &agent,
        "export --with-secrets --output all.age --passphrase-env PASSPHRASE",
    );
    assert_eq!(wrote.code, Some(0), "{}", wrote.err);
    let text = fs::read_to_string(agent.home().join("all.age")).unwrap();
    assert!(
        text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----"),
        "{text}"
    );
    assert!(!text.contains(SECRET));

    let reader = crate::import::agent_with(&[]);
    fs::copy(agent.home().join("all.age"), reader.home().join("all.age")).unwrap();
    let wrong = reader.home().join("wrong");
    fs::write(&wrong, "correct house\n").unwrap();
    let refused = ended(&reader, "import all.age --yes --passphrase-file wrong");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.err.contains("the passphrase is wrong"),
        "{}",
        refused.err
    );
    assert_eq!(reader.lines(), [""; 0]);
    let read = ended(&reader, "import all.age --yes --passphrase-env PASSPHRASE");
    assert_eq!(read.code, Some(0), "{}", read.err);
    assert!(!read.err.contains(SECRET), "{}", read.err);
    assert_eq!(
        reader.requests().last().unwrap().body["client_secret"],
        SECRET
    );
}

#[test]
fn nothing_is_asked_for_while_no_passphrase_can_be_had() {
    let agent = agent();
    let refused = ended(&agent, "export --with-secrets");
    assert_eq!(refused.code, Some(2));
    insta::assert_snapshot!(refused.err, @r"
    error: the file needs a passphrase, and nobody can be asked

    hint: give it with `--passphrase-file` or `--passphrase-env`
    ");
    fs::write(agent.home().join("empty"), "\nsecond line").unwrap();
    let empty = ended(&agent, "export --with-secrets --passphrase-file empty");
    assert!(
        empty.err.contains("the passphrase is empty"),
        "{}",
        empty.err
    );
    assert_eq!(agent.lines(), [""; 0]);
}
