//! npm `oidc-provider`, the certified OpenID provider, on loopback.

use serde_json::{Value, json};

use crate::cli;
use crate::desktop::Desktop;
use crate::process::Running;

/// A client registered there that has no secret.
pub const PUBLIC_CLIENT: &str = "public-client";
/// A client registered there with [`CLIENT_SECRET`] (HTTP Basic).
pub const CONFIDENTIAL_CLIENT: &str = "confidential-client";
/// A client registered there that asks for itself (client credentials), with [`CLIENT_SECRET`].
pub const ROBOT_CLIENT: &str = "robot-client";
/// A client registered there that has a key, if `privateKeyFile` says where to write it.
pub const KEY_CLIENT: &str = "key-client";
/// The secret of those that have one, searched for by the leak tests.
pub const CLIENT_SECRET: &str = "planted-client-secret";

/// The running provider. Any login is accepted; it becomes account and email address.
pub struct OidcProvider {
    node: Running,
    issuer: String,
}

impl OidcProvider {
    /// With access tokens that live an hour.
    pub fn start(desktop: &Desktop) -> Self {
        Self::with(desktop, &json!({}))
    }

    /// With access tokens that live `seconds`.
    pub fn with_short_tokens(desktop: &Desktop, seconds: u32) -> Self {
        Self::with(desktop, &json!({ "accessTokenSeconds": seconds }))
    }

    /// Options: see `node/oidc-provider.mjs`.
    pub fn with(desktop: &Desktop, options: &Value) -> Self {
        let script = crate::browser::node_script("oidc-provider.mjs");
        let mut command = desktop.command("node");
        let node = Running::start(command.arg(script).arg(options.to_string()));
        let issuer = node.wait_for("where it listens", |line| {
            let output: Value = serde_json::from_str(&line.text).ok()?;
            Some(output.get("issuer")?.as_str()?.to_owned())
        });
        Self { node, issuer }
    }

    /// Its issuer, `http://127.0.0.1:PORT`.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Adds an authenticator `acme` at this provider; `fields` win over the usual ones.
    pub fn add_to(&self, desktop: &Desktop, fields: &Value) {
        let mut config = json!({
            "name": "Acme",
            "authenticator_type": "custom",
            "scopes": ["openid", "email", "profile", "offline_access"],
            "redirect_uri": "http://127.0.0.1/callback",
            "issuer": self.issuer(),
            "authorize_url": self.endpoint("auth"),
            "token_url": self.endpoint("token"),
            "revocation_url": self.endpoint("token/revocation"),
            "userinfo_url": self.endpoint("me"),
            // OpenID Connect Core, section 11: without it `offline_access` is not granted.
            "authorize_params": { "prompt": "consent" },
        });
        let fields = fields.as_object().expect("an object").clone();
        config.as_object_mut().expect("an object").extend(fields);
        let file = desktop.folder().join("acme.json");
        std::fs::write(&file, config.to_string()).expect("our own folder");
        cli::ok(desktop, &["add", "--config", file.to_str().expect("plain")]);
    }

    /// An endpoint, by its path after the issuer: `auth`, `token`, `me`, `token/revocation`.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}", self.issuer)
    }

    /// The events of this name so far, oldest first.
    pub fn events(&self, event: &str) -> Vec<Value> {
        let lines = self.node.lines();
        lines
            .iter()
            .filter_map(|line| parse(&line.text, event))
            .collect()
    }

    /// Waits for the `count`-th event of this name.
    pub fn wait_for_event(&self, event: &str, count: usize) -> Value {
        let mut from = 0;
        for _ in 1..count {
            from = self.next_event(from, event).0;
        }
        self.next_event(from, event).1
    }

    /// Requests that reached `path`, by their status.
    pub fn requests(&self, path: &str) -> Vec<u64> {
        let requests = self.events("request");
        let here = requests.iter().filter(|request| request["path"] == path);
        here.filter_map(|request| request["status"].as_u64())
            .collect()
    }

    /// Ends every grant: the next refresh is `invalid_grant`.
    pub fn revoke_grants(&mut self) {
        let from = self.node.lines().len();
        self.node.write("{\"do\":\"revoke_grants\"}\n");
        self.next_event(from, "grants_ended");
    }

    /// What the introspection endpoint says about a token (RFC 7662).
    pub fn introspect(&mut self, token: &str) -> Value {
        let from = self.node.lines().len();
        let command = json!({ "do": "introspect", "token": token });
        self.node.write(&format!("{command}\n"));
        self.next_event(from, "introspected").1
    }

    fn next_event(&self, from: usize, event: &str) -> (usize, Value) {
        self.node
            .wait_from(from, event, |line| parse(&line.text, event))
    }
}

fn parse(line: &str, event: &str) -> Option<Value> {
    let printed: Value = serde_json::from_str(line).ok()?;
    (printed["event"] == event).then_some(printed)
}
