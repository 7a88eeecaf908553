//! How to ask a provider who is signed in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ApiAuth;

/// How to ask who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Userinfo {
    /// URL.
    pub url: String,
    /// GET, POST or INTROSPECT.
    #[serde(default)]
    pub method: UserinfoMethod,
    /// JSON that POST sends (a GraphQL query).
    pub body: Option<String>,
    /// Further headers (`Notion-Version`).
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How the token is carried, if not as in API requests.
    pub auth: Option<ApiAuth>,
    /// Fields that may name the account, best first. A dot leads into an object or a list
    /// (`data.viewer.email`, `0.name`).
    #[serde(default = "label_fields")]
    pub label_fields: Vec<String>,
    /// The fields that identify the account for ever, together: at Slack a user's id is unique within
    /// its team only.
    #[serde(default = "subject_fields")]
    pub subject_fields: Vec<String>,
    /// A field that says what the account belongs to (Slack's `team`).
    pub context_field: Option<String>,
}

/// Method of the userinfo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum UserinfoMethod {
    /// The rule.
    #[default]
    Get,
    /// Slack; GraphQL.
    Post,
    /// Token introspection (RFC 7662): the token in a form, with client authentication.
    Introspect,
}

impl Userinfo {
    /// An OpenID Connect userinfo endpoint (Core, section 5.3).
    pub fn standard(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            method: UserinfoMethod::Get,
            body: None,
            headers: BTreeMap::new(),
            auth: None,
            label_fields: label_fields(),
            subject_fields: subject_fields(),
            context_field: None,
        }
    }
}

fn label_fields() -> Vec<String> {
    ["email", "preferred_username", "name", "sub"]
        .map(str::to_owned)
        .into()
}

fn subject_fields() -> Vec<String> {
    vec!["sub".to_owned()]
}
