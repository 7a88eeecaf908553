use crate::provider::Provider;

const VALID: &str = r##"
id = "acme"
display_name = "Acme"
initials = "Ac"
colour = "#123456"
authorize_url = "https://{tenant}.acme.example/authorize"
token_url = "https://acme.example/token"
setup_steps = ["Ask the help desk for a client ID."]
scope_separator = " "
default_scopes = ["read"]
public_client_auth = "none"
needs_client_secret = false
[refresh]
idle_seconds = 60
[redirect]
hosts = ["localhost"]
any_port = false
default = "http://localhost:4316/callback/acme"
[userinfo]
url = "https://acme.example/me"
[revocation]
url = "https://acme.example/revoke"
[[placeholders]]
name = "tenant"
default = "main"
note = "your tenant"
"##;

fn wrong_fields(text: &str) -> Vec<String> {
    let provider: Provider = toml::from_str(text).unwrap();
    provider.check().into_iter().map(|it| it.field).collect()
}

#[test]
fn a_valid_entry_has_no_wrong_field() {
    assert_eq!(wrong_fields(VALID), [""; 0]);
}

/// What is replaced in [`VALID`], by what, and the field that is then wrong.
const MISTAKES: &[(&str, &str, &str)] = &[
    ("\"acme\"", "\"Ac me\"", "id"),
    ("\"Acme\"", "\" \"", "display_name"),
    ("\"Ac\"", "\"Acme\"", "initials"),
    ("#123456", "123456", "colour"),
    ("https://acme.example/token", "", "token_url"),
    (
        "https://acme.example/token",
        "http://acme.example",
        "token_url",
    ),
    (
        "https://acme.example/token",
        "https://{host}/t",
        "token_url",
    ),
    (
        "https://acme.example/me",
        "https://u:p@acme.example/",
        "userinfo.url",
    ),
    (
        "https://acme.example/revoke",
        "https://{refresh_token}/",
        "revocation.url",
    ),
    ("{tenant}.", "", "placeholders.tenant"),
    ("\"main\"", "\"a/b\"", "placeholders.tenant"),
    ("your tenant", " ", "placeholders.tenant"),
    ("[\"read\"]", "[\"read mail\"]", "scopes"),
    (
        "scope_separator = \" \"",
        "scope_separator = \"\"",
        "scope_separator",
    ),
    ("\"none\"", "\"client_secret_post\"", "public_client_auth"),
    ("[\"localhost\"]", "[\"127.0.0.1\"]", "redirect.default"),
    ("localhost:4316", "localhost", "redirect.default"),
    (
        "idle_seconds = 60",
        "idle_seconds = 60\nopen_ended = true",
        "refresh.open_ended",
    ),
    (
        "idle_seconds = 60",
        "rotates = false\ngrace_seconds = 1",
        "refresh.grace_seconds",
    ),
    ("client ID.", "client ID", "setup_steps"),
    (
        "[\"Ask the help desk for a client ID.\"]",
        "[]",
        "setup_steps",
    ),
    ("/me\"", "/me\"\nbody = \"{}\"", "userinfo.body"),
    (
        "/me\"",
        "/me\"\nheaders = { \"a b\" = \"x\" }",
        "userinfo.headers",
    ),
    ("/me\"", "/me\"\nlabel_fields = []", "userinfo.label_fields"),
    (
        "/revoke\"",
        "/revoke\"\nmethod = \"json\"",
        "revocation.fields",
    ),
    (
        "/revoke\"",
        "/revoke\"\nfields = { token = \"{token}\" }",
        "revocation.fields",
    ),
    (
        "[refresh]",
        "[authorize_params]\nstate = \"1\"\n[refresh]",
        "authorize_params",
    ),
    (
        "[refresh]",
        "[authorize_params]\na = \"{b}\"\n[refresh]",
        "authorize_params",
    ),
    (
        "[refresh]",
        "[exchange_params]\ncode = \"1\"\n[refresh]",
        "exchange_params",
    ),
    (
        "[refresh]",
        "[refresh_params]\nrefresh_token = \"1\"\n[refresh]",
        "refresh_params",
    ),
    (
        "[refresh]",
        "[api_auth]\nheader = \"a:b\"\n[refresh]",
        "api_auth.header",
    ),
    (
        "needs_client_secret = false",
        "unconfirmed = [\"mood\"]",
        "unconfirmed",
    ),
    (
        "needs_client_secret = false",
        "console_url = \"javascript:1\"",
        "console_url",
    ),
    (
        "needs_client_secret = false",
        "api_hosts = [\"a b\"]",
        "api_hosts",
    ),
    (
        "needs_client_secret = false",
        "closed_urls = [\"x\"]",
        "closed_urls",
    ),
    (
        "needs_client_secret = false",
        "access_token_lifetime_seconds = 0",
        "access_token_lifetime_seconds",
    ),
    (
        "needs_client_secret = false",
        "token_shape = \"authed_user\"",
        "token_shape",
    ),
    (
        "needs_client_secret = false",
        "needs_client_secret = true\ndefault_client = { client_id = \"c\" }",
        "default_client",
    ),
];

#[test]
fn each_rule_names_its_field() {
    for (from, to, field) in MISTAKES {
        let text = VALID.replacen(from, to, 1);
        assert_ne!(text, VALID, "{from}");
        assert_eq!(wrong_fields(&text), [*field], "{from} -> {to}");
    }
}
