//! What the browser shows at the end of a sign-in: one static page, nothing from elsewhere.

use std::fmt::Write as _;

use valetkey_core::name::ProfileName;

use super::{Completed, Remedy};
use super::{SignInState, SignInView};

/// A page, ready to send.
pub(super) struct Page {
    pub(super) html: String,
}

/// Styles and the one script by their hash; nothing else may load, nobody may frame it.
/// The hash is that of [`FORGET`]; a test compares them.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src \
'sha256-UBodp8UhLR9ASBc1PNRKcs3r2CjAFWxCbrUGPN7u1jo='; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The code must not stay in the history (RFC 9700, 4.3).
const FORGET: &str = "history.replaceState(null,'',location.pathname)";

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#f6f6f4;--card:#fff;--text:#1c1d1f;--soft:#5a5d63;--line:#e6e6e2;--ok:#17704a;--bad:#b02f26}\
@media(prefers-color-scheme:dark){:root{--bg:#17181a;--card:#1f2023;--text:#eceded;--soft:#a9acb2;--line:#2d2f33;--ok:#5cc796;--bad:#f08a80}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--text);\
font:16px/1.5 'Inter Variable',Inter,system-ui,sans-serif}main{width:min(30rem,92vw);background:var(--card);border:1px solid var(--line);border-radius:14px;\
padding:2.25rem;text-align:center}svg{width:52px;height:52px}.ok{color:var(--ok)}.bad{color:var(--bad)}h1{font-size:1.35rem;margin:.75rem 0 .25rem}\
p{margin:.5rem 0;color:var(--soft);overflow-wrap:anywhere;text-wrap:balance}.small{font-size:.85rem}strong,code{color:var(--text)}\
code{font:.9em ui-monospace,monospace;background:var(--bg);border-radius:5px;padding:.1em .35em}";

const TICK: &str = "<svg class=ok viewBox='0 0 24 24' fill=none stroke=currentColor stroke-width=2 stroke-linecap=round \
stroke-linejoin=round aria-hidden=true><circle cx=12 cy=12 r=10 /><path d='m8 12.5 2.7 2.7L16 9.5'/></svg>";
const CROSS: &str = "<svg class=bad viewBox='0 0 24 24' fill=none stroke=currentColor stroke-width=2 stroke-linecap=round \
stroke-linejoin=round aria-hidden=true><circle cx=12 cy=12 r=10 /><path d='M12 7.5v5.5M12 16.5v.01'/></svg>";

/// The page for the end of a run.
pub(super) fn end(view: &SignInView, state: &SignInState) -> Page {
    let provider = escape(short_name(&view.provider));
    match state {
        SignInState::Completed(done) => completed(view, done),
        SignInState::Denied(_) => {
            let body = format!(
                "<p>You did not allow access at {provider}. Nothing was stored.</p>{}",
                next_step(view, &asked_connection(view), "Connect", "to try again")
            );
            layout(CROSS, "Access was not granted", &body)
        }
        SignInState::Failed(failed) => {
            let hint = if view.in_app {
                in_app(failed.remedy)
            } else {
                failed.hint.as_deref().map(paragraph).unwrap_or_default()
            };
            layout(
                CROSS,
                "Sign-in failed",
                &(paragraph(&failed.message) + &hint),
            )
        }
        SignInState::Started
        | SignInState::Authorized
        | SignInState::TimedOut
        | SignInState::Cancelled => stale(),
    }
}

fn completed(view: &SignInView, done: &Completed) -> Page {
    let provider = escape(short_name(&view.provider));
    let connection = escape(&done.connection.to_string());
    let account = match &done.account {
        Some(account) => format!(" as <strong>{}</strong>", escape(account)),
        None => String::new(),
    };
    let mut body = format!(
        "<p>You are signed in to {provider}{account}.</p>\
         <p>Programs on this computer can now use the connection <code>{connection}</code>.</p>"
    );
    if let Some(other) = &done.instead_of {
        let other = escape(&other.to_string());
        let _ = write!(
            body,
            "<p>It is another account than that of <code>{other}</code>, which stays as it is; \
             <code>{connection}</code> is new.</p>"
        );
    }
    if !done.missing.is_empty() {
        let scopes: Vec<String> = done
            .missing
            .iter()
            .map(|scope| format!("<code>{}</code>", escape(scope)))
            .collect();
        let _ = write!(
            body,
            "<p class=small>{provider} did not grant everything that was asked for. Missing: {}.</p>",
            scopes.join(", ")
        );
        body += &next_step(
            view,
            &done.connection.to_string(),
            "Sign in again",
            "to ask for it again",
        );
    }
    layout(
        TICK,
        "Signed in",
        &(body + "<p>You can close this tab.</p>"),
    )
}

/// The name of the connection that the sign-in was begun for.
fn asked_connection(view: &SignInView) -> String {
    match &view.account {
        Some(account) => format!("{}/{account}", view.authenticator),
        None => view.authenticator.to_string(),
    }
}

/// A button of the desktop app, or the command, whichever the person used.
fn next_step(view: &SignInView, connection: &str, button: &str, purpose: &str) -> String {
    if view.in_app {
        return format!("<p>In Valet Key, click <strong>{button}</strong> {purpose}.</p>");
    }
    let profile = if view.profile == ProfileName::default() {
        String::new()
    } else {
        format!(" --profile {}", view.profile)
    };
    let command = format!("valetkey connect {connection}{profile}");
    format!("<p>Run <code>{}</code> {purpose}.</p>", escape(&command))
}

/// What to do in the desktop app after a failure.
fn in_app(remedy: Remedy) -> String {
    let text = match remedy {
        Remedy::Replace => "In Valet Key, choose whether this account takes its place.",
        Remedy::StartAgain => "In Valet Key, click <strong>Connect</strong> to start again.",
        Remedy::FixClient => "In Valet Key, click <strong>Edit authenticator</strong>.",
        Remedy::TryLater => "In Valet Key, click <strong>Connect</strong> again in a few minutes.",
        Remedy::MendKeychain => {
            "Unlock your keychain; then click <strong>Connect</strong> in Valet Key."
        }
        Remedy::Report => "Valet Key's log has the details: see <strong>Settings</strong>.",
    };
    format!("<p>{text}</p>")
}

/// One of our messages as a whole sentence: they begin in lower case, end without a full stop, and
/// put literals in back-ticks.
fn paragraph(message: &str) -> String {
    let mut text = String::new();
    for (index, part) in message.split('`').enumerate() {
        let part = escape(part);
        if index % 2 == 1 {
            let _ = write!(text, "<code>{part}</code>");
        } else if index == 0 {
            let mut rest = part.chars();
            text.extend(rest.next().into_iter().flat_map(char::to_uppercase));
            text += rest.as_str();
        } else {
            text += &part;
        }
    }
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("<p>{text}{end}</p>")
}

/// For an answer that no run waits for: late, replayed, or forged.
pub(super) fn stale() -> Page {
    layout(
        CROSS,
        "This sign-in is over",
        "<p>It was finished or cancelled, or it took longer than five minutes.</p><p>Start it again in Valet Key.</p>",
    )
}

/// For everything that is no answer at all.
pub(super) fn not_ours() -> Page {
    layout(
        CROSS,
        "No sign-in at this address",
        "<p>Valet Key receives the results of sign-ins here. This address holds no result.</p>",
    )
}

fn layout(mark: &str, title: &str, body: &str) -> Page {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
<title>{title} - Valet Key</title><style>{STYLE}</style><main>{mark}<h1>{title}</h1>{body}</main><script>{FORGET}</script></html>"
    );
    Page { html }
}

/// "GitHub" of "GitHub (OAuth App)".
fn short_name(provider: &str) -> &str {
    provider.split(" (").next().unwrap_or(provider)
}

/// Text from outside, made harmless.
fn escape(text: &str) -> String {
    text.chars()
        .fold(String::with_capacity(text.len()), |mut safe, c| {
            match c {
                '&' => safe.push_str("&amp;"),
                '<' => safe.push_str("&lt;"),
                '>' => safe.push_str("&gt;"),
                '"' => safe.push_str("&quot;"),
                '\'' => safe.push_str("&#39;"),
                c => safe.push(c),
            }
            safe
        })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use sha2::{Digest as _, Sha256};

    use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
    use valetkey_core::scope::Scopes;

    use super::super::state::Failed;
    use super::*;

    #[test]
    fn the_policy_names_the_script_that_is_sent() {
        let hash = STANDARD.encode(Sha256::digest(FORGET));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
    }

    fn view(in_app: bool) -> SignInView {
        let now = jiff::Timestamp::UNIX_EPOCH;
        SignInView {
            id: SignInId::new(uuid::Uuid::nil()),
            profile: "staging".parse().unwrap(),
            authenticator: "hub".parse().unwrap(),
            authenticator_id: AuthenticatorId::new(uuid::Uuid::nil()),
            account: Some("work".parse().unwrap()),
            provider: "A & B (OAuth App)".to_owned(),
            catalogue_id: "custom".to_owned(),
            authorize_url: None,
            pushed_url: None,
            redirect_uri: None,
            device: None,
            client_may_be_unknown: false,
            paste_only: false,
            asked: Scopes::default(),
            added: Scopes::default(),
            dropped: Scopes::default(),
            reason: None,
            in_app,
            asked_by: None,
            started_at: now,
            expires_at: now,
            state: SignInState::Started,
        }
    }

    /// The sentences of the page, without its frame.
    fn body(in_app: bool, state: &SignInState) -> String {
        let html = end(&view(in_app), state).html;
        let (_, rest) = html.split_once("</h1>").unwrap();
        rest.split_once("</main>").unwrap().0.to_owned()
    }

    #[test]
    fn the_next_step_is_a_button_or_a_command_as_the_sign_in_began() {
        let denied = SignInState::Denied(Failed {
            remedy: Remedy::StartAgain,
            message: "you said no".to_owned(),
            hint: None,
        });
        let first = "<p>You did not allow access at A &amp; B. Nothing was stored.</p>";
        assert_eq!(
            body(true, &denied),
            format!("{first}<p>In Valet Key, click <strong>Connect</strong> to try again.</p>")
        );
        let command = "valetkey connect hub/work --profile staging";
        assert_eq!(
            body(false, &denied),
            format!("{first}<p>Run <code>{command}</code> to try again.</p>")
        );
    }

    #[test]
    fn a_failure_is_told_in_whole_sentences_with_code_marked() {
        let failed = SignInState::Failed(Failed {
            remedy: Remedy::FixClient,
            message: "the provider refused the client `hub` (invalid_client)".to_owned(),
            hint: Some("run `valetkey update hub --client-secret-stdin`".to_owned()),
        });
        let first = "<p>The provider refused the client <code>hub</code> (invalid_client).</p>";
        assert_eq!(
            body(true, &failed),
            format!("{first}<p>In Valet Key, click <strong>Edit authenticator</strong>.</p>")
        );
        assert_eq!(
            body(false, &failed),
            format!("{first}<p>Run <code>valetkey update hub --client-secret-stdin</code>.</p>")
        );
    }

    #[test]
    fn a_sign_in_names_the_account_and_each_missing_scope() {
        let done = SignInState::Completed(Completed {
            id: ConnectionId::new(uuid::Uuid::nil()),
            connection: "hub/work".parse().unwrap(),
            account: Some("ada@example.com".to_owned()),
            granted: Scopes::default(),
            missing: Scopes::parse_any("repo gist"),
            renewed: false,
            instead_of: None,
            replaced_key: None,
            unverified: None,
        });
        assert_eq!(
            body(true, &done),
            "<p>You are signed in to A &amp; B as <strong>ada@example.com</strong>.</p>\
             <p>Programs on this computer can now use the connection <code>hub/work</code>.</p>\
             <p class=small>A &amp; B did not grant everything that was asked for. \
             Missing: <code>repo</code>, <code>gist</code>.</p>\
             <p>In Valet Key, click <strong>Sign in again</strong> to ask for it again.</p>\
             <p>You can close this tab.</p>"
        );
    }

    #[test]
    fn missing_scopes_are_asked_for_again_with_the_connection_that_was_made() {
        let done = SignInState::Completed(Completed {
            id: ConnectionId::new(uuid::Uuid::nil()),
            connection: "hub/grace".parse().unwrap(),
            account: None,
            granted: Scopes::default(),
            missing: Scopes::parse_any("repo"),
            renewed: false,
            instead_of: Some("hub/work".parse().unwrap()),
            replaced_key: None,
            unverified: None,
        });
        let command = "<code>valetkey connect hub/grace --profile staging</code>";
        assert!(body(false, &done).contains(command));
    }

    #[test]
    fn text_from_outside_is_escaped() {
        assert_eq!(
            escape("<b onload='x'>&\""),
            "&lt;b onload=&#39;x&#39;&gt;&amp;&quot;"
        );
    }

    #[test]
    fn pages_load_nothing_from_elsewhere() {
        for page in [stale(), not_ours()] {
            assert!(!page.html.contains("http"), "{}", page.html);
        }
    }
}
