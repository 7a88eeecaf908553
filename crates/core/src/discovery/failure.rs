//! What can be wrong with what servers publish, in words for a person.

use super::shown;

/// Why a URL leads to no authenticator. Texts of servers are quoted as far as a person can judge them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryFailure {
    /// Neither an issuer nor an MCP server.
    #[error("`{}` publishes no OAuth metadata, neither as an issuer nor as an MCP server", shown(.url))]
    NothingFound {
        /// As typed.
        url: String,
    },
    /// The issuer that a resource names publishes nothing.
    #[error("`{}` publishes no metadata as an authorization server", shown(.issuer))]
    NoServerMetadata {
        /// As the resource names it.
        issuer: String,
    },
    /// The document is something else.
    #[error("`{}` is no OAuth metadata", shown(.url))]
    NotMetadata {
        /// Where it was found.
        url: String,
    },
    /// The metadata is that of another issuer (RFC 8414, section 3.3).
    #[error("the metadata of `{}` is that of another issuer, `{}`", shown(.expected), shown(.found))]
    OtherIssuer {
        /// The one that was asked for.
        expected: String,
        /// The one that it names.
        found: String,
    },
    /// The metadata is that of another resource (RFC 9728, section 3.3).
    #[error("the metadata of `{}` is that of another resource, `{}`", shown(.expected), shown(.found))]
    OtherResource {
        /// The one that was asked for.
        expected: String,
        /// The one that it names.
        found: String,
    },
    /// An endpoint that no request may go to, and no browser.
    #[error("the `{field}` that `{}` names cannot be used: `{}`: {why}", shown(.issuer), shown(.url))]
    BadEndpoint {
        /// Who names it.
        issuer: String,
        /// As in the document.
        field: &'static str,
        /// As in the document.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// A URL of metadata that no request may go to.
    #[error("`{}` cannot be asked: {why}", shown(.url))]
    BadUrl {
        /// As in the document.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// An endpoint is missing without which there is no sign-in.
    #[error("the metadata of `{}` names no `{field}`", shown(.issuer))]
    NoEndpoint {
        /// Whose metadata.
        issuer: String,
        /// As in the document.
        field: &'static str,
    },
    /// The resource does not say where its tokens come from.
    #[error("the metadata of `{}` names no authorization server", shown(.resource))]
    NoAuthorizationServer {
        /// The resource.
        resource: String,
    },
    /// The chosen issuer is not among those of the resource.
    #[error("`{}` takes no tokens of `{}`; it names `{}`", shown(.resource), shown(.issuer), shown(&.offered.join("`, `")))]
    NotOffered {
        /// The resource.
        resource: String,
        /// As chosen.
        issuer: String,
        /// What it names.
        offered: Vec<String>,
    },
    /// PKCE with S256 is not offered, or nothing is said about it where that counts as a no.
    #[error("`{}` {}", shown(.issuer), if *.is_silent { "does not say that it supports PKCE (`code_challenge_methods_supported` is missing)" } else { "does not support PKCE with S256" })]
    NoPkce {
        /// The server.
        issuer: String,
        /// Nothing is said about it.
        is_silent: bool,
    },
    /// The server sends us elsewhere, which is followed by nobody.
    #[error("`{}` redirects to `{}`", shown(.url), shown(.to))]
    Redirected {
        /// What was asked.
        url: String,
        /// Where it points.
        to: String,
    },
    /// A document is larger than any of its kind.
    #[error("the answer of `{}` is larger than 1 MiB", shown(.url))]
    TooLarge {
        /// What was asked.
        url: String,
    },
    /// The document about the client does not describe it.
    #[error("the client metadata at `{}` cannot be used: {why}", shown(.url))]
    BadClientMetadata {
        /// Where it is.
        url: String,
        /// What is wrong with it.
        why: String,
    },
}

impl DiscoveryFailure {
    /// What to do.
    pub fn hint(&self) -> String {
        match self {
            Self::NothingFound { .. } => "check the address; a provider without metadata is added with \
                 `valetkey add custom --authorize-url URL --token-url URL --client-id ID`"
                .to_owned(),
            Self::OtherIssuer { found, expected }
                if found.trim_end_matches('/') == expected.trim_end_matches('/') =>
            {
                format!("the two differ by a slash: use `{}`", shown(found))
            }
            Self::OtherResource { found, .. } => format!(
                "tokens would be for that one; if it is the server that you mean, add `{}`",
                shown(found)
            ),
            Self::NoPkce { is_silent: true, .. } => {
                "if its documentation says that it supports PKCE, repeat it with `--assume-pkce`".to_owned()
            }
            Self::NoPkce { is_silent: false, .. } => {
                "sign-in without PKCE could be intercepted, so there is none; ask its operator for PKCE"
                    .to_owned()
            }
            Self::Redirected { to, .. } => {
                format!("redirects are not followed; if you trust it, add `{}` instead", shown(to))
            }
            Self::NotOffered { .. } => "choose one of those with `--issuer`".to_owned(),
            Self::BadClientMetadata { .. } => {
                "correct the document, or leave `--client-metadata-url` out".to_owned()
            }
            Self::BadUrl { .. } | Self::BadEndpoint { .. } => {
                "nothing was sent there and no browser was opened; tell the operator of the server".to_owned()
            }
            Self::NoServerMetadata { .. }
            | Self::NotMetadata { .. }
            | Self::OtherIssuer { .. }
            | Self::NoEndpoint { .. }
            | Self::NoAuthorizationServer { .. }
            | Self::TooLarge { .. } => "tell the operator of the server; nothing was stored".to_owned(),
        }
    }
}
