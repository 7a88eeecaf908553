//! `valetkey import mcp-remote`: what is registered, and logins that are moved.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::add::saved;
use crate::connect::completed;
use crate::stub::{Ended, Stub};

const SERVER: &str = "https://mcp.linear.app/mcp";
/// As mcp-remote 0.15.1 calls its files.
const HASH: &str = "fcc436b0d1e0a1ed9a2b15bbd638eb13";
const TOKEN: &str = "planted-refresh-token-4711";

fn found() -> Value {
    json!({
        "url": SERVER, "kind": "mcp_server", "name": "linear", "resource_name": "Linear", "resource": SERVER,
        "issuer": "https://auth.linear.example", "issuers": ["https://auth.linear.example"], "scopes": ["read"],
        "registration": "dynamic",
        "draft": {
            "name": "linear", "authenticator_type": "custom", "issuer": "https://auth.linear.example",
            "authorize_url": "https://auth.linear.example/a", "token_url": "https://auth.linear.example/t",
            "discovered_from": SERVER, "scopes": ["read"],
        },
        "warnings": [], "needs": [],
    })
}

/// A store as mcp-remote 0.15.1 writes it, and an agent that says `ended` of the import. Until it is asked how
/// that went, the file must be gone.
fn store(ended: fn() -> Value) -> (Stub, PathBuf) {
    let agent = Stub::absent();
    let folder = agent.home().join(".mcp-auth/mcp-remote-v1");
    fs::create_dir_all(&folder).unwrap();
    let client = json!({
        "client_id": "registered-by-mcp-remote", "client_secret": "s3cret", "client_name": "MCP CLI Proxy",
        "redirect_uris": ["http://localhost:3736/oauth/callback"], "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
    });
    let tokens = json!({
        "access_token": "planted-access", "token_type": "Bearer", "expires_in": 3600, "scope": "read",
        "refresh_token": TOKEN, "expires_at": 1_795_000_000_000_u64, "requested_scope": "read",
    });
    let path = folder.join(format!("{HASH}_tokens.json"));
    let info = folder.join(format!("{HASH}_client_info.json"));
    fs::write(info, serde_json::to_vec_pretty(&client).unwrap()).unwrap();
    fs::write(&path, serde_json::to_vec_pretty(&tokens).unwrap()).unwrap();
    fs::write(folder.join(format!("{HASH}_code_verifier.txt")), "v").unwrap();
    let tokens = path.clone();
    agent.listen(move |request| {
        Some(match request.line.as_str() {
            line if line.starts_with("POST /oauth/discover") => (200, found()),
            "GET /oauth/authenticators" => (200, json!({ "authenticators": [] })),
            line if line.starts_with("GET /credentials/sessions/") => {
                assert!(!tokens.exists(), "it is used while mcp-remote has it");
                (200, ended())
            }
            "POST /credentials/connections" => {
                assert!(tokens.exists(), "it is kept before it is removed");
                let id = "018f0000-0000-7000-8000-000000000009";
                (
                    202,
                    json!({ "session_id": id, "expires_at": "2030-01-01T00:00:00Z" }),
                )
            }
            _ => (201, saved()),
        })
    });
    (agent, path)
}

fn import(agent: &Stub, more: &str) -> Ended {
    let mut command = agent.command(&format!("import mcp-remote --server {SERVER} {more}"));
    Ended::from(command.env("HOME", agent.home()).output().unwrap())
}

#[test]
fn a_registration_is_imported_and_its_login_stays_without_a_word_about_it() {
    let (agent, tokens) = store(completed);
    let shown = import(&agent, "--dry-run");
    assert_eq!(shown.code, Some(0), "{}", shown.err);
    for said in [
        "registered-by",
        "linear",
        "stays with mcp-remote unless you move it",
    ] {
        assert!(shown.err.contains(said), "{}", shown.err);
    }
    let ended = import(&agent, "--yes");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let requests = agent.requests();
    let added = requests
        .iter()
        .find(|it| it.line == "POST /oauth/authenticators")
        .unwrap();
    assert_eq!(added.body["client_id"], "registered-by-mcp-remote");
    assert_eq!(added.body["client_secret"], "s3cret");
    assert_eq!(
        added.body["redirect_uri"],
        "http://localhost:3736/oauth/callback"
    );
    assert_eq!(added.body["issuer"], "https://auth.linear.example");
    assert!(
        requests
            .iter()
            .all(|it| !it.line.starts_with("POST /credentials"))
    );
    assert!(tokens.exists());
    for ended in [shown, ended] {
        for secret in [TOKEN, "s3cret", "planted-access"] {
            assert!(!ended.err.contains(secret) && !ended.out.contains(secret));
        }
    }
}

#[test]
fn a_login_is_kept_here_then_removed_there_and_then_waited_for() {
    let (agent, tokens) = store(completed);
    let ended = import(&agent, "--yes --move-logins");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let requests = agent.requests();
    let moved = requests
        .iter()
        .find(|it| it.line == "POST /credentials/connections")
        .unwrap();
    assert_eq!(moved.body["method"], "refresh_token");
    assert_eq!(moved.body["secret"], TOKEN);
    let from = tokens.parent().unwrap().canonicalize().unwrap();
    assert_eq!(
        moved.body["moved_from"].as_str(),
        from.join(tokens.file_name().unwrap()).to_str()
    );
    assert!(!tokens.exists());
    let left = fs::read_dir(from).unwrap().count();
    assert_eq!(left, 2, "nothing of it is left beside it");
    assert!(!ended.err.contains(TOKEN) && !ended.out.contains(TOKEN));
}

#[test]
fn a_folder_is_as_good_as_the_word_and_servers_that_are_unknown_are_said() {
    let (agent, _) = store(completed);
    let mut command = agent.command("import .mcp-auth --dry-run");
    let ended = Ended::from(command.current_dir(agent.home()).output().unwrap());
    assert_eq!(ended.code, Some(66), "{}", ended.err);
    for told in [
        "name a server with `--server URL`",
        "there is nothing to import",
    ] {
        assert!(ended.err.contains(told), "{}", ended.err);
    }
    let ended = import(&agent, "--server https://other.example/mcp --dry-run");
    assert!(
        ended
            .err
            .contains("no registration for https://other.example/mcp"),
        "{}",
        ended.err
    );
    let ended = agent.run("import git --move-logins");
    assert_eq!(ended.code, Some(2), "{}", ended.err);
}

#[test]
fn a_login_that_is_refused_is_said_to_be() {
    let refused = || {
        let mut view = completed();
        let view_of = view.as_object_mut().unwrap();
        view_of.remove("connection");
        view_of.insert("state".to_owned(), json!("failed"));
        let error = json!({"code": "auth_required", "message": "Linear refused this refresh token", "hint": "sign in"});
        view_of.insert("error".to_owned(), error);
        view
    };
    let (agent, _) = store(refused);
    let ended = import(&agent, "--yes --move-logins");
    assert_ne!(ended.code, Some(0));
    assert!(
        ended.err.contains("refused this refresh token"),
        "{}",
        ended.err
    );
}
