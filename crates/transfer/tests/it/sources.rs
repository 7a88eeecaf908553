use std::path::Path;

use serde_json::json;
use valetkey_transfer::mcp_remote::{self, StoredFile};
use valetkey_transfer::{env_file, git, oidc_agent};

use crate::{all, fields, found};

#[test]
fn files_of_googles_console() {
    let installed = r#"{"installed": {"client_id": "1.apps.googleusercontent.com", "project_id": "p",
        "auth_uri": "https://evil.example/", "client_secret": "GOCSPX-1", "redirect_uris": ["http://localhost"]}}"#;
    assert_eq!(
        all(&found(installed)),
        json!([{ "installed": {
            "authenticator_type": "google", "client_id": "1.apps.googleusercontent.com",
            "client_secret": "GOCSPX-1",
        }}])
    );
    let web = r#"{"web": {"client_id": "1", "redirect_uris": ["http://localhost:4316/callback"]}}"#;
    assert_eq!(
        all(&found(web))[0]["web"]["redirect_uri"],
        "http://localhost:4316/callback"
    );
}

#[test]
fn clients_of_git_credential_manager_and_git_credential_oauth() {
    let config = [
        (
            "credential.https://git.example.com:8443.oauthclientid",
            "gcm",
        ),
        (
            "credential.https://git.example.com:8443.oauthclientsecret",
            "s",
        ),
        (
            "credential.https://git.example.com:8443.oauthauthorizeendpoint",
            "/oauth/authorize",
        ),
        (
            "credential.https://git.example.com:8443.oauthtokenendpoint",
            "/oauth/token",
        ),
        (
            "credential.https://git.example.com:8443.oauthdeviceendpoint",
            "https://d.example/device",
        ),
        (
            "credential.https://git.example.com:8443.oauthscopes",
            "read_repository write_repository",
        ),
        (
            "credential.https://git.example.com:8443.oauthuseclientauthheader",
            "False",
        ),
        (
            "credential.https://git.example.com:8443.oauthredirecturi",
            "http://127.0.0.1:4401/",
        ),
        ("credential.https://code.example.org.oauthclientid", "first"),
        ("credential.https://code.example.org.oauthclientid", "last"),
        (
            "credential.https://code.example.org.oauthauthurl",
            "/login/oauth/authorize",
        ),
        (
            "credential.https://code.example.org.oauthtokenurl",
            "/login/oauth/access_token",
        ),
        ("credential.https://github.com.oauthclientid", "hub"),
        ("credential.https://github.com.oauthclientsecret", "h"),
        ("credential.https://none.example.oauthscopes", "a"),
    ];
    let output = config.map(|(key, value)| format!("{key}\n{value}\0"));
    let output = output.concat();
    let found = git::read(output.as_bytes()).unwrap();
    assert_eq!(
        all(&found),
        json!([
            { "credential.https://code.example.org": {
                "authenticator_type": "custom", "name": "code.example.org", "client_id": "last",
                "authorize_url": "https://code.example.org/login/oauth/authorize",
                "token_url": "https://code.example.org/login/oauth/access_token",
                "api_hosts": ["code.example.org"],
            }},
            { "credential.https://git.example.com:8443": {
                "authenticator_type": "custom", "name": "git.example.com", "client_id": "gcm",
                "client_secret": "s", "client_auth": "client_secret_post",
                "authorize_url": "https://git.example.com:8443/oauth/authorize",
                "token_url": "https://git.example.com:8443/oauth/token",
                "device_authorization_url": "https://d.example/device",
                "redirect_uri": "http://127.0.0.1:4401/",
                "scopes": ["read_repository", "write_repository"],
                "api_hosts": ["git.example.com:8443"],
            }},
            { "credential.https://github.com": {
                "authenticator_type": "github", "client_id": "hub", "client_secret": "h",
            }},
        ])
    );
    assert_eq!(
        found.remarks,
        ["`credential.https://none.example` names no client id: nothing to import"]
    );
    for it in &found.authenticators {
        let checked = it.input.clone().check();
        assert!(checked.is_ok(), "{}: {checked:?}", it.origin);
    }
}

#[test]
fn fmcp_variables_of_a_file_and_of_the_environment() {
    let file = r#"
        # of FluidMCP
        PATH=/bin
        export FMCP_OAUTH_AUTH_ENDPOINT="https://login.example.com/authorize" # here
        FMCP_OAUTH_TOKEN_ENDPOINT=https://login.example.com/token # there
        FMCP_OAUTH_CLIENT_ID='one=two'
        FMCP_OAUTH_ACCESS_TOKEN=t0ken
    "#;
    let found = found(file);
    let [one] = &found.authenticators[..] else {
        panic!("one: {found:?}");
    };
    let expected = json!({
        "authenticator_type": "custom", "name": "login.example.com", "client_id": "one=two",
        "authorize_url": "https://login.example.com/authorize",
        "token_url": "https://login.example.com/token",
        "redirect_uri": "http://localhost:8088/callback", "scopes": ["openid", "profile", "email"],
    });
    assert_eq!(fields(one), expected);
    assert!(
        one.remarks[0].contains("is not imported"),
        "{:?}",
        one.remarks
    );

    let google = [
        ("HOME", "/root"),
        (
            "FMCP_OAUTH_AUTH_ENDPOINT",
            "https://accounts.google.com/o/oauth2/v2/auth",
        ),
        (
            "FMCP_OAUTH_TOKEN_ENDPOINT",
            "https://oauth2.googleapis.com/token",
        ),
        ("FMCP_OAUTH_CLIENT_ID", "1"),
        ("FMCP_OAUTH_CLIENT_SECRET", "s"),
        ("FMCP_OAUTH_SCOPE", "openid"),
    ];
    let google = google.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let found = env_file::of_environment(google.into_iter()).unwrap();
    assert_eq!(
        fields(&found.authenticators[0])["authenticator_type"],
        "google"
    );
}

#[test]
fn issuers_and_printed_accounts_of_oidc_agent() {
    let issuers = r#"[
        {"issuer": "https://aai.example.eu", "pubclient": {"client_id": "oidc-agent", "scope": "openid profile"},
         "device_authorization_endpoint": "https://aai.example.eu/device", "accounts": ["egi", "second"]},
        {"issuer": "https://own.example/", "accounts": ["mine"]},
        {"issuer": "https://unused.example/", "pubclient": {"client_id": "x"}}
    ]"#;
    let found_issuers = oidc_agent::issuer_file(issuers.as_bytes()).unwrap();
    assert_eq!(
        all(&found_issuers),
        json!([{ "https://aai.example.eu": {
            "name": "egi", "client_id": "oidc-agent", "scopes": ["openid", "profile"],
            "device_authorization_url": "https://aai.example.eu/device",
        }}])
    );
    assert!(
        found_issuers.remarks[0].contains("`mine` are encrypted"),
        "{found_issuers:?}"
    );

    let account = r#"{"name": "mine", "client_name": "oidc-agent:mine", "issuer_url": "https://own.example/",
        "client_id": "c", "client_secret": "s", "refresh_token": "r3fresh", "auth_scope": "openid",
        "redirect_uris": ["edu.kit.data.oidc-agent:/redirect", "http://localhost:4242"]}"#;
    let found = found(account);
    let [one] = &found.authenticators[..] else {
        panic!("one: {found:?}");
    };
    assert_eq!(
        fields(one),
        json!({
            "name": "mine", "client_id": "c", "client_secret": "s", "scopes": ["openid"],
            "redirect_uri": "http://localhost:4242",
        })
    );
    assert_eq!(one.discover.as_deref(), Some("https://own.example/"));
    assert!(
        one.remarks[0].contains("stays with oidc-agent"),
        "{:?}",
        one.remarks
    );
    let old = oidc_agent::issuer_file(b"https://iam.example.eu/ kit\n").unwrap_err();
    assert!(old.message.contains("oidc-agent 4"), "{old}");
}

const LINEAR: &str = "https://mcp.linear.app/mcp";
/// As mcp-remote calls its files.
const LINEAR_HASH: &str = "fcc436b0d1e0a1ed9a2b15bbd638eb13";

#[test]
fn registrations_of_mcp_remote_in_every_layout() {
    let client = |id: &str| {
        format!(
            r#"{{"client_id": "{id}", "client_secret": "s", "client_name": "MCP CLI Proxy",
            "redirect_uris": ["http://localhost:3736/oauth/callback"], "token_endpoint_auth_method": "none"}}"#
        )
    };
    let (info, tokens) = (
        format!("{LINEAR_HASH}_client_info.json"),
        format!("{LINEAR_HASH}_tokens.json"),
    );
    let folders = ["", "mcp-remote-0.1.9", "mcp-remote-0.1.37", "mcp-remote-v1"];
    for newest in 0..folders.len() {
        let contents: Vec<String> = folders.iter().map(|folder| client(folder)).collect();
        let mut files: Vec<StoredFile<'_>> = folders[..=newest]
            .iter()
            .zip(&contents)
            .map(|(folder, content)| StoredFile {
                path: Path::new(folder),
                folder,
                name: &info,
                content: content.as_bytes(),
            })
            .collect();
        files.push(StoredFile {
            path: Path::new("tokens"),
            folder: folders[newest],
            name: &tokens,
            content: br#"{"access_token": "a", "refresh_token": "r3fresh"}"#,
        });
        files.push(StoredFile {
            path: Path::new("other"),
            folder: "",
            name: "00_client_info.json",
            content: b"{}",
        });
        let servers = [LINEAR.to_owned(), "https://other.example/mcp".to_owned()];
        let found = mcp_remote::read(&files, &servers).unwrap();
        let [one] = &found.authenticators[..] else {
            panic!("one: {found:?}");
        };
        assert_eq!(one.discover.as_deref(), Some(LINEAR));
        assert_eq!(
            fields(one),
            json!({
                "client_id": folders[newest], "client_secret": "s",
                "redirect_uri": "http://localhost:3736/oauth/callback",
            })
        );
        assert!(one.remarks[0].contains("stays with mcp-remote"), "{one:?}");
        let login = one.login.as_ref().expect("it can be moved");
        assert_eq!(login.path, Path::new("tokens"));
        assert_eq!(login.refresh_token.expose(), "r3fresh");
        assert!(!format!("{found:?}").contains("r3fresh"));
        assert!(found.remarks[0].contains("no registration for https://other.example/mcp"));
        assert!(found.remarks[1].contains("knows 1 more"), "{found:?}");
    }
}

#[test]
fn a_damaged_registration_of_mcp_remote_is_refused() {
    let name = format!("{LINEAR_HASH}_client_info.json");
    for content in [&b"{}"[..], b"[]", b"\xff", b"{\"client_id\": 1}"] {
        let file = StoredFile {
            path: Path::new("info"),
            folder: "",
            name: &name,
            content,
        };
        let error = mcp_remote::read(&[file], &[LINEAR.to_owned()]).unwrap_err();
        assert!(error.message.contains("is damaged"), "{error}");
    }
}
