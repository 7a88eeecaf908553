//! The connect page, whose link `auth_required` carries. It shows the authenticator and who asked; its
//! button starts the sign-in and redirects the browser to the provider.
//!
//! The link is the only credential, so it is random and short-lived; the page is not cached or framed,
//! and sends no referrer to another site. Values in it are escaped.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};

use valetkey_agent::LinkTarget;
use valetkey_api::core::printable::printable;
use valetkey_api::core::provider::Provider;

const STYLE: &str = include_str!("connect_page.css");

/// The page with the button. Its URL holds the nonce, so the form needs none.
pub(crate) fn sign_in_page(title: &str, provider: &Provider, target: &LinkTarget) -> Response {
    let (title, asked_by) = (escape(title), escape(&target.asked_by));
    let scopes = if target.scopes.is_empty() {
        String::new()
    } else {
        let items: String = target
            .scopes
            .iter()
            .map(|scope| scope_item(scope, provider))
            .collect();
        format!("<p>It will be asked for more access than it has:</p><ul>{items}</ul>")
    };
    let reason = target.reason.as_deref().map_or_else(String::new, |reason| {
        format!(
            "<p class=\"small\">Reason given: {}</p>",
            escape(&printable(reason))
        )
    });
    let body = format!(
        "<h1>Sign in to {title}</h1>\
         <p><code>{asked_by}</code> on this computer needs <strong>{title}</strong>. \
         Sign in once; it then gets short-lived tokens from Valet Key.</p>{scopes}{reason}\
         <form method=\"post\"><button autofocus>Continue to sign-in</button></form>\
         <p class=\"small\">You did not ask for this? Close this page; nothing happens.</p>"
    );
    page(StatusCode::OK, &body)
}

/// A scope in words, with a warning if it gives too much.
fn scope_item(scope: &str, provider: &Provider) -> String {
    let words = provider.scope_words(scope);
    let words = words.map_or_else(String::new, |words| format!("{} ", escape(words)));
    let scope_code = escape(&printable(scope));
    let broad = if provider.is_broad(scope) {
        " <strong>Gives far more than most programs need.</strong>"
    } else {
        ""
    };
    format!("<li>{words}<code>{scope_code}</code>{broad}</li>")
}

/// Sends the browser to the provider.
pub(crate) fn redirect_to(authorize_url: &str) -> Response {
    let mut response = page(StatusCode::SEE_OTHER, "<h1>One moment</h1>");
    match HeaderValue::from_str(authorize_url) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => sign_in_failed("the provider's address cannot be opened"),
    }
}

/// The sign-in needs nobody: it runs by itself.
pub(crate) fn signing_in() -> Response {
    page(
        StatusCode::OK,
        "<h1>Signing in</h1>\
         <p>Valet Key signs in by itself; no page of the provider is needed. You can close this \
         page. <code>valetkey status</code> shows how it ended.</p>",
    )
}

/// The link has expired, or is unknown.
pub(crate) fn link_expired() -> Response {
    page(
        StatusCode::NOT_FOUND,
        "<h1>This link has expired</h1>\
         <p>A sign-in link works for ten minutes. Run the program again to get a new one, \
         or run <code>valetkey connect</code> in a terminal.</p>",
    )
}

/// The sign-in could not begin.
pub(crate) fn sign_in_failed(why: &str) -> Response {
    let body = format!(
        "<h1>The sign-in could not be started</h1><p>{}</p>\
         <p>Run <code>valetkey connect</code> in a terminal to try again.</p>",
        escape(why)
    );
    page(StatusCode::CONFLICT, &body)
}

/// Too many sign-ins that links have begun are open.
pub(crate) fn too_many_sign_ins(retry_after: u64) -> Response {
    let mut response = sign_in_failed("too many sign-ins are open; try again in a few minutes");
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, retry_after.into());
    response
}

fn page(status: StatusCode, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Valet Key</title><style>{STYLE}</style>\
         <main><p class=\"brand\">Valet Key</p>{body}</main></html>"
    );
    let mut response = Response::new(Body::from(html));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // `form-action` must name the provider too: browsers apply it to the redirect that follows.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                  frame-ancestors 'none'; \
                  form-action 'self' https: http://127.0.0.1:* http://localhost:*";
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, policy),
        (CACHE_CONTROL, "no-store"),
        // Nothing leaves to others. Not `no-referrer`: with it a browser sends `Origin: null` for
        // our own button, which the guard rightly refuses.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use valetkey_api::core::catalogue;
    use valetkey_api::core::name::ProfileName;
    use valetkey_api::core::scope::Scopes;

    use super::*;

    async fn text(response: Response) -> String {
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    fn target(scopes: &str, asked_by: &str, reason: &str) -> LinkTarget {
        LinkTarget {
            profile: ProfileName::default(),
            connection: "github".parse().unwrap(),
            scopes: Scopes::parse_any(scopes),
            reason: Some(reason.to_owned()),
            asked_by: asked_by.to_owned(),
        }
    }

    #[tokio::test]
    async fn names_cannot_become_markup() {
        let custom = catalogue::provider_or_custom("custom");
        let target = target("<i>", "<b>", "<u>\u{202e}");
        let html = sign_in_page("<script>alert(1)</script>\"'&", custom, &target);
        let html = text(html).await;
        for markup in ["<script>", "<i>", "<b>", "<u>", "\u{202e}"] {
            assert!(!html.contains(markup), "{markup}: {html}");
        }
        assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    }

    #[tokio::test]
    async fn added_scopes_stand_in_words_with_the_reason() {
        let github = catalogue::provider_or_custom("github");
        let target = target("gist repo", "key ci", "api.github.com refused a request");
        let html = text(sign_in_page("GitHub", github, &target)).await;
        for words in [
            "<li>Create gists <code>gist</code></li>",
            "<code>repo</code> <strong>Gives far more than most programs need.</strong></li>",
            "Reason given: api.github.com refused a request<",
        ] {
            assert!(html.contains(words), "{words}: {html}");
        }
    }

    #[tokio::test]
    async fn the_page_takes_nothing_from_elsewhere() {
        for response in [
            link_expired(),
            sign_in_failed("x"),
            signing_in(),
            redirect_to("https://example.com/authorize?x=1"),
        ] {
            let policy = response.headers()[CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap();
            assert!(policy.starts_with("default-src 'none'"));
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            let html = text(response).await;
            assert!(!html.contains("src=") && !html.contains("href="), "{html}");
        }
    }
}
