//! Who may use which connection. `GET rules`, `DELETE rules/{id}`, `POST rules/{id}/confirm`; `GET
//! approvals`, `POST approvals/{id}/show`, `POST approvals/{id}/answer`.
//!
//! While the desktop app runs, questions are answered in a window of its own and nowhere else: neither
//! a program nor the app's page can.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::access::{Policy, Usage, Verdict};
use valetkey_core::id::RuleId;
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_core::program::Client;
use valetkey_core::scope::Scopes;

/// A program, as it is shown and as rules know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProgramView {
    /// For a person: `report.py`, `Terminal, through git`.
    pub name: String,
    /// What runs: `python3 /home/me/report.py`.
    pub location: String,
    /// The application that started it; null: none, or it is not known.
    pub started_by: Option<String>,
    /// Whether it can be told apart from others; else no answer is remembered.
    pub is_known: bool,
    /// Its identity.
    pub client: Client,
}

/// Reply to `GET rules`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleList {
    /// Newest first. Those that have ended are left out.
    pub rules: Vec<RuleView>,
    /// What a program gets that no rule decides about.
    pub policy: Policy,
}

/// A remembered answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RuleView {
    pub id: RuleId,
    pub program: ProgramView,
    /// Only in this project (its folder); null: in any.
    pub project: Option<String>,
    pub profile: ProfileName,
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub connection: ConnectionName,
    pub usage: Usage,
    pub verdict: Verdict,
    /// The scopes that it covers.
    pub scopes: Scopes,
    /// Whether these are fewer than the connection has, by choice.
    pub narrowed: bool,
    pub created_at: Timestamp,
    /// When it ends; null: when it is removed.
    pub ends_at: Option<Timestamp>,
    /// When it last decided a request.
    pub used_at: Option<Timestamp>,
    /// False while it waits to be confirmed in the desktop app.
    pub is_active: bool,
}

/// Reply to `GET approvals`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalList {
    /// Oldest first.
    pub approvals: Vec<ApprovalView>,
}

/// A question that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalView {
    /// Counts up while the agent runs.
    pub id: u64,
    /// What is asked.
    pub question: QuestionView,
    /// When it was first asked.
    pub asked_at: Timestamp,
    /// When its window closes; null: it is not shown.
    pub open_until: Option<Timestamp>,
    /// Whether it waits for its turn: one question is shown at a time.
    pub is_queued: bool,
    /// How often it was asked.
    pub count: u32,
}

/// What is asked.
#[expect(clippy::large_enum_variant, reason = "lists of them are short")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QuestionView {
    /// May this program use this connection?
    Access {
        program: ProgramView,
        /// Of the process that asked first.
        pid: Option<i32>,
        /// The folder that it works in.
        project: Option<String>,
        profile: ProfileName,
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        connection: ConnectionName,
        usage: Usage,
        /// What its token may do.
        scopes: Scopes,
        /// Those that an earlier answer did not cover.
        added: Scopes,
    },
    /// Shall this change be made?
    Change {
        title: String,
        text: String,
        asked_by: String,
    },
}

/// For how long a program is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Lasts {
    /// For one request.
    Once,
    Hour,
    /// Until the rule is removed.
    Always,
}

/// Body of `POST approvals/{id}/answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    pub verdict: Verdict,
    /// Of an allowance; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Lasts>,
    /// Only in the project in which it asked.
    #[serde(default)]
    pub only_project: bool,
    /// Through the proxy only, without the token.
    #[serde(default)]
    pub only_proxy: bool,
    /// Only while the token has no other scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_scopes: Option<Vec<String>>,
}

/// Reply to `POST approvals/{id}/show` and `answer`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApprovalDone {
    pub id: u64,
}
