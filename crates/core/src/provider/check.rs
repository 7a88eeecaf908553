//! What a catalogue file may say, beyond its schema: the same for our files and for the person's own.

mod templates;

use super::{Provider, RevocationMethod, TokenShape, UserinfoMethod};
use crate::name::AuthenticatorName;
use crate::provider::ClientAuth;
use crate::redirect::RedirectUri;
use crate::scope::is_scope_token;

/// Parameters that we set ourselves; another value would break the sign-in or its protection.
pub(crate) const OWN_PARAMS: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "response_type",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "dpop_jkt",
    "request_uri",
];
/// As [`OWN_PARAMS`], in token requests.
const OWN_TOKEN_PARAMS: &[&str] = &[
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "redirect_uri",
    "grant_type",
    "code",
    "code_verifier",
    "refresh_token",
];
/// What [`Provider::unconfirmed`] can name, and what that is for people.
const FACTS: &[(&str, &str)] = &[
    (
        "access_token_lifetime_seconds",
        "how long access tokens live",
    ),
    ("api_hosts", "the hosts of its APIs"),
    ("api_keys", "API keys"),
    ("authorize_params", "parameters of the sign-in"),
    ("authorize_url", "the authorization URL"),
    ("client_auth", "client authentication"),
    ("console_url", "the console page"),
    ("default_scopes", "the default scopes"),
    ("device", "sign-in with a code"),
    ("discovery_url", "the metadata URL"),
    ("errors", "what its errors mean"),
    ("issuer", "the issuer"),
    ("needs_client_secret", "whether a secret is needed"),
    ("pkce", "PKCE"),
    ("public_client_auth", "sign-in without a secret"),
    ("redirect", "redirect URIs"),
    ("refresh", "how long refresh tokens live"),
    ("revocation", "revocation"),
    ("scope_errors", "how a missing scope is told"),
    ("scope_presets", "scopes"),
    ("setup_steps", "the set-up steps"),
    ("token_shape", "the token reply"),
    ("token_url", "the token URL"),
    ("userinfo", "who is signed in"),
];

/// A field with a value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{field}`: {message}")]
pub struct WrongField {
    /// Its name, with dots where it is nested.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// Collects what is wrong; nothing stops the other checks.
struct Check<'a> {
    provider: &'a Provider,
    wrong: Vec<WrongField>,
}

impl Provider {
    /// What is not confirmed about it, in words.
    pub fn unconfirmed_facts(&self) -> Vec<&'static str> {
        let named = |(name, _): &&(&str, &str)| self.unconfirmed.iter().any(|field| field == name);
        FACTS
            .iter()
            .filter(named)
            .map(|(_, words)| *words)
            .collect()
    }

    /// Everything that is wrong with it.
    pub fn check(&self) -> Vec<WrongField> {
        let mut check = Check {
            provider: self,
            wrong: Vec::new(),
        };
        check.look();
        check.placeholders();
        check.urls();
        check.requests();
        check.scopes();
        check.tokens();
        check.account();
        check.words();
        check.wrong
    }
}

impl Check<'_> {
    fn say(&mut self, field: &str, message: impl Into<String>) {
        self.wrong.push(WrongField {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    fn require(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.say(field, message);
        }
    }

    fn look(&mut self) {
        let provider = self.provider;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_id =
            provider.id.bytes().all(plain) && provider.id.parse::<AuthenticatorName>().is_ok();
        self.require(is_id, "id", "use small letters, digits and `-`");
        let name = provider.display_name.trim();
        let is_name =
            !name.is_empty() && name.chars().count() <= 64 && !name.chars().any(char::is_control);
        self.require(is_name, "display_name", "use 1 to 64 characters");
        let count = provider.initials.chars().count();
        self.require(
            (1..=2).contains(&count),
            "initials",
            "use one or two letters",
        );
        let is_colour = provider.colour.strip_prefix('#').is_some_and(|digits| {
            digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        self.require(is_colour, "colour", "write it as `#24292f`");
    }

    fn requests(&mut self) {
        let provider = self.provider;
        for (field, params, own) in [
            ("authorize_params", &provider.authorize_params, OWN_PARAMS),
            (
                "exchange_params",
                &provider.exchange_params,
                OWN_TOKEN_PARAMS,
            ),
            ("refresh_params", &provider.refresh_params, OWN_TOKEN_PARAMS),
        ] {
            for name in params.keys() {
                let is_ours = own.contains(&name.as_str()) || *name == provider.scope_param;
                self.require(
                    !is_ours,
                    field,
                    &format!("`{name}` is set by Valet Key itself"),
                );
            }
        }
        let is_public = matches!(
            provider.public_client_auth,
            ClientAuth::None | ClientAuth::ClientSecretBasic
        );
        let message = "use `none`, or `client_secret_basic` for an empty password";
        self.require(is_public, "public_client_auth", message);
        let secretless = provider.default_client.is_none() || !provider.needs_client_secret;
        self.require(
            secretless,
            "default_client",
            "a shipped client has no secret",
        );
        let redirect = &provider.redirect;
        if let RedirectUri::Loopback { host, port, .. } = &redirect.default {
            let known = redirect.hosts.contains(host);
            self.require(
                known,
                "redirect.default",
                "its host is not in `redirect.hosts`",
            );
            let fits = redirect.any_port || port.is_some();
            self.require(
                fits,
                "redirect.default",
                "without `any_port` it needs a port",
            );
        }
        let Some(revocation) = &provider.revocation else {
            return;
        };
        let is_json = revocation.method == RevocationMethod::Json;
        let names_token = revocation.fields.values().any(|value| value == "{token}");
        let message = "`json` needs a field with the value `{token}`; other methods have no fields";
        let fits = is_json == names_token && (is_json || revocation.fields.is_empty());
        self.require(fits, "revocation.fields", message);
    }

    fn scopes(&mut self) {
        let provider = self.provider;
        let is_separated = !provider.scope_separator.is_empty();
        self.require(is_separated, "scope_separator", "it is empty");
        let presets = provider.scope_presets.iter();
        for scope in presets
            .clone()
            .flat_map(|preset| &preset.scopes)
            .chain(&provider.default_scopes)
        {
            let fits = is_scope_token(scope)
                && (!is_separated || !scope.contains(&provider.scope_separator));
            self.require(fits, "scopes", &format!("`{scope}` is not a scope"));
        }
        for scope in &provider.broad_scopes {
            let begins = scope.strip_suffix('*').unwrap_or(scope);
            let message = format!("`{scope}` is not a scope");
            self.require(is_scope_token(begins), "broad_scopes", &message);
        }
        for preset in presets {
            let has_words = !preset.description.trim().is_empty() && !preset.scopes.is_empty();
            self.require(
                has_words,
                "scope_presets",
                "one lacks its description or its scopes",
            );
        }
    }

    fn tokens(&mut self) {
        let refresh = self.provider.refresh;
        let message = "a refresh token with `idle_seconds` is not `open_ended`";
        let fits = refresh.idle_seconds.is_none() || !refresh.open_ended;
        self.require(fits, "refresh.open_ended", message);
        let fits = refresh.grace_seconds.is_none() || refresh.rotates != Some(false);
        self.require(
            fits,
            "refresh.grace_seconds",
            "a token that is not replaced has none",
        );
        let is_slack = self.provider.token_shape == TokenShape::AuthedUser;
        let fits = !is_slack || self.provider.scope_param != "scope";
        self.require(
            fits,
            "token_shape",
            "`authed_user` goes with a scope parameter of its own",
        );
        let lives = self.provider.access_token_lifetime_seconds != Some(0);
        self.require(lives, "access_token_lifetime_seconds", "it is 0");
    }

    fn account(&mut self) {
        let header = |name: &str| {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let fits = header(&self.provider.api_auth.header);
        self.require(fits, "api_auth.header", "it is no name of a header");
        let keys = &self.provider.api_keys;
        let fits = keys.auth.as_ref().is_none_or(|auth| header(&auth.header));
        self.require(fits, "api_keys.auth", "its header is no name of one");
        let has_name = !keys.name.trim().is_empty();
        self.require(has_name, "api_keys.name", "it is empty");
        let Some(userinfo) = &self.provider.userinfo else {
            return;
        };
        for (name, value) in &userinfo.headers {
            let fits = header(name) && value.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
            self.require(
                fits,
                "userinfo.headers",
                &format!("`{name}` cannot be sent"),
            );
        }
        if let Some(body) = &userinfo.body {
            let fits = userinfo.method == UserinfoMethod::Post
                && serde_json::from_str::<serde_json::Value>(body).is_ok();
            self.require(
                fits,
                "userinfo.body",
                "it is JSON that goes with the method POST",
            );
        }
        let has_label = !userinfo.label_fields.is_empty();
        self.require(has_label, "userinfo.label_fields", "it is empty");
    }

    fn words(&mut self) {
        let provider = self.provider;
        let has_steps = !provider.setup_steps.is_empty() || provider.default_client.is_some();
        self.require(has_steps, "setup_steps", "say how a client is registered");
        for step in &provider.setup_steps {
            let is_sentence = step.ends_with('.') && step.chars().count() <= 400;
            let message = format!("`{step}` is not one sentence with a full stop");
            self.require(is_sentence, "setup_steps", &message);
        }
        for field in &provider.unconfirmed {
            let is_fact = FACTS.iter().any(|(name, _)| name == field);
            let names: Vec<&str> = FACTS.iter().map(|(name, _)| *name).collect();
            let message = format!("`{field}` is none of {}", names.join(", "));
            self.require(is_fact, "unconfirmed", &message);
        }
    }
}

#[cfg(test)]
mod tests;
