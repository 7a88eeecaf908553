//! What the browser shows at the end of a sign-in: one static page, nothing from elsewhere.

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
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#5d6673;--line:#e3e6ea;--ok:#1a7f4b;--bad:#b3261e}\
@media(prefers-color-scheme:dark){:root{--bg:#15181c;--card:#1d2126;--text:#eceff3;--soft:#9aa4b1;--line:#2c3239;--ok:#4ec98a;--bad:#ff8a80}}\
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--bg);color:var(--text);\
font:16px/1.5 system-ui,sans-serif}main{width:min(30rem,92vw);background:var(--card);border:1px solid var(--line);border-radius:14px;\
padding:2.25rem;text-align:center}svg{width:52px;height:52px}.ok{color:var(--ok)}.bad{color:var(--bad)}h1{font-size:1.35rem;margin:.75rem 0 .25rem}\
p{margin:.5rem 0;color:var(--soft);overflow-wrap:anywhere}.small{font-size:.85rem}strong{color:var(--text)}";

const TICK: &str = "<svg class=ok viewBox='0 0 24 24' fill=none stroke=currentColor stroke-width=2 stroke-linecap=round \
stroke-linejoin=round aria-hidden=true><circle cx=12 cy=12 r=10 /><path d='m8 12.5 2.7 2.7L16 9.5'/></svg>";
const CROSS: &str = "<svg class=bad viewBox='0 0 24 24' fill=none stroke=currentColor stroke-width=2 stroke-linecap=round \
stroke-linejoin=round aria-hidden=true><circle cx=12 cy=12 r=10 /><path d='M12 7.5v5.5M12 16.5v.01'/></svg>";

/// The page for the end of a run.
pub(super) fn end(view: &SignInView, state: &SignInState) -> Page {
    let provider = &view.provider;
    match state {
        SignInState::Completed(done) => {
            let account = done.account.as_deref().unwrap_or("your account");
            let mut lines = vec![
                format!(
                    "<p><strong>{}</strong> at {}</p>",
                    escape(account),
                    escape(provider)
                ),
                "<p>You can close this tab.</p>".to_owned(),
            ];
            if !done.missing.is_empty() {
                lines.push(format!(
                    "<p class=small>Not granted: {}</p>",
                    escape(&done.missing.to_string())
                ));
            }
            let connection = done.connection.to_string();
            lines.push(format!(
                "<p class=small>Programs on this computer can now use <strong>{}</strong>.</p>",
                escape(&connection)
            ));
            layout(TICK, "Signed in", &lines.concat())
        }
        SignInState::Denied(_) => layout(
            CROSS,
            "Access was not granted",
            &format!(
                "<p>You said no at {}. Nothing was stored.</p><p>You can close this tab.</p>",
                escape(provider)
            ),
        ),
        SignInState::Failed(failed) => {
            let hint = failed
                .hint
                .as_deref()
                .map(|hint| format!("<p>{}</p>", escape(hint)));
            layout(
                CROSS,
                "Sign-in failed",
                &format!(
                    "<p>{}</p>{}",
                    escape(&failed.message),
                    hint.unwrap_or_default()
                ),
            )
        }
        SignInState::Started
        | SignInState::Authorized
        | SignInState::TimedOut
        | SignInState::Cancelled => stale(),
    }
}

/// For an answer that no run waits for: late, replayed, or forged.
pub(super) fn stale() -> Page {
    layout(
        CROSS,
        "This sign-in is over",
        "<p>It was finished, cancelled, or took longer than five minutes.</p><p>Start it again from Valet Key.</p>",
    )
}

/// For everything that is no answer at all.
pub(super) fn not_ours() -> Page {
    layout(
        CROSS,
        "Nothing here",
        "<p>Valet Key waits here for the end of a sign-in, and for nothing else.</p>",
    )
}

fn layout(mark: &str, title: &str, body: &str) -> Page {
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\
<title>{title} - Valet Key</title><style>{STYLE}</style><main>{mark}<h1>{title}</h1>{body}</main><script>{FORGET}</script></html>"
    );
    Page { html }
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

    use super::*;

    #[test]
    fn the_policy_names_the_script_that_is_sent() {
        let hash = STANDARD.encode(Sha256::digest(FORGET));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "{hash}");
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
