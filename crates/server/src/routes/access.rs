//! Who may use which connection: rules, and questions to the person.

use axum::extract::State;
use valetkey_agent::{Answer, ApprovalId, Grant};
use valetkey_api::access::{AnswerRequest, ApprovalDone, ApprovalList, Lasts, RuleList, RuleView};
use valetkey_api::core::access::{Policy, Rule, Usage, Verdict};
use valetkey_api::core::id::RuleId;
use valetkey_api::core::scope::Scopes;

use crate::app::App;
use crate::caller::Caller;
use crate::confirmation::Change;
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam};
use crate::permission::Action;
use crate::response::Ok200;

/// List rules
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/rules", tag = "access",
    responses((status = 200, body = RuleList))
))]
pub(super) async fn rules(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<RuleList>, ErrorResponse> {
    app.allow(&caller, Action::ReadAccess)?;
    let rules = app.agent().rules().into_iter().map(convert::rule);
    Ok(Ok200(RuleList {
        rules: rules.collect(),
        policy: app.agent().policy(),
    }))
}

/// Remove a rule
///
/// The removal of a denial, or of a rule that allows less than another one or the policy, is confirmed in the
/// desktop app while one runs.
#[cfg_attr(test, utoipa::path(
    delete, path = "/api/v1/rules/{id}", tag = "access",
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = RuleView))
))]
pub(super) async fn remove_rule(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Ok200<RuleView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::RemoveRule)?;
    let id = rule_id(&id)?;
    let one_change = &app.changes().rules;
    let _guard = app
        .confirm_all(&caller, one_change, || widening(&app, id))
        .await?;
    let removed = app.agent().remove_rule(id, &actor).await?;
    Ok(Ok200(convert::rule(removed)))
}

/// What the removal of this rule widens.
fn widening(app: &App, id: RuleId) -> Result<Vec<Change>, ErrorResponse> {
    let agent = app.agent();
    let view = agent.rule(id)?;
    let (rule, connection) = (&view.rule, view.connection.to_string());
    let program = rule.client.name();
    if rule.verdict == Verdict::Deny {
        return Ok(vec![Change::RemoveDenial {
            program,
            connection,
        }]);
    }
    let is_limit = rule.usage == Usage::Proxy || rule.narrowed;
    let allows_too = |other: &Rule| {
        other.id != rule.id
            && other.verdict == Verdict::Allow
            && (&other.client, other.connection) == (&rule.client, rule.connection)
    };
    let others_allow = agent.policy() == Policy::Allow
        || agent.rules().iter().any(|other| allows_too(&other.rule));
    Ok(if is_limit && others_allow {
        vec![Change::RemoveLimit {
            program,
            connection,
        }]
    } else {
        Vec::new()
    })
}

/// Confirm a rule
///
/// One that was written while no desktop app ran. Confirmed in the desktop app.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/rules/{id}/confirm", tag = "access",
    params(("id" = String, Path, description = "UUID")),
    responses((status = 200, body = RuleView))
))]
pub(super) async fn confirm_rule(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Ok200<RuleView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::ConfirmRule)?;
    let id = rule_id(&id)?;
    let view = app.agent().rule(id)?;
    let change = Change::ConfirmRule {
        program: view.rule.client.name(),
        connection: view.connection.to_string(),
        location: view.rule.client.location(),
    };
    app.confirm(change, caller.asked_by()).await?;
    app.agent().confirm_rule(id, &actor).await?;
    Ok(Ok200(convert::rule(app.agent().rule(id)?)))
}

/// List questions
///
/// What programs asked for, and nobody has answered.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/approvals", tag = "access",
    responses((status = 200, body = ApprovalList))
))]
pub(super) async fn approvals(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<ApprovalList>, ErrorResponse> {
    app.allow(&caller, Action::ReadAccess)?;
    let list = app.agent().approvals().list();
    let approvals = list.into_iter().map(convert::approval).collect();
    Ok(Ok200(ApprovalList { approvals }))
}

/// Show a question
///
/// The desktop app shows it in its window, after those that are asked already.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/approvals/{id}/show", tag = "access",
    params(("id" = u64, Path, description = "as listed")),
    responses((status = 200, body = ApprovalDone))
))]
pub(super) async fn show_approval(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Ok200<ApprovalDone>, ErrorResponse> {
    app.allow(&caller, Action::ShowApproval)?;
    let id = approval_id(&id)?;
    app.agent().show_approval(id)?;
    Ok(Ok200(ApprovalDone { id: id.0 }))
}

/// Answer a question
///
/// Over the socket, while no desktop app runs: its window is then the only place for answers.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/approvals/{id}/answer", tag = "access",
    params(("id" = u64, Path, description = "as listed")),
    request_body = AnswerRequest,
    responses((status = 200, body = ApprovalDone))
))]
pub(super) async fn answer_approval(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
    JsonBody(request): JsonBody<AnswerRequest>,
) -> Result<Ok200<ApprovalDone>, ErrorResponse> {
    let actor = app.allow(&caller, Action::AnswerApproval)?;
    let id = approval_id(&id)?;
    app.agent().answer(id, answer(request), &actor).await?;
    Ok(Ok200(ApprovalDone { id: id.0 }))
}

fn answer(request: AnswerRequest) -> Answer {
    match request.verdict {
        Verdict::Deny => Answer::Deny,
        Verdict::Allow => Answer::Allow(Grant {
            lasts: match request.lasts {
                Some(Lasts::Once) => valetkey_agent::Lasts::Once,
                Some(Lasts::Hour) => valetkey_agent::Lasts::Hour,
                Some(Lasts::Always) | None => valetkey_agent::Lasts::Always,
            },
            only_project: request.only_project,
            usage: if request.only_proxy {
                Usage::Proxy
            } else {
                Usage::Token
            },
            only_scopes: request.only_scopes.map(Scopes::from),
        }),
    }
}

fn rule_id(text: &str) -> Result<RuleId, ErrorResponse> {
    text.parse().map_err(|_| {
        ErrorResponse::not_found(
            format!("there is no rule `{text}`"),
            "`valetkey access list` lists them",
        )
    })
}

fn approval_id(text: &str) -> Result<ApprovalId, ErrorResponse> {
    text.parse().map(ApprovalId).map_err(|_| {
        ErrorResponse::not_found(
            format!("there is no question `{text}`"),
            "`valetkey access list` lists them",
        )
    })
}
