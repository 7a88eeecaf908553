//! What a typed URL leads to.

use std::fmt::Write as _;

use valetkey_api::core::printable::printable;
use valetkey_api::discovery::{ClientRegistration, Discovered, DiscoveredKind};

use super::table::fields;
use crate::render;
use crate::style::{Style, Tone};

/// What was found, before it is added.
pub(crate) fn found(found: &Discovered, style: Style) -> String {
    let mut rows = vec![
        (
            "found",
            match found.kind {
                DiscoveredKind::Issuer => "an issuer of tokens".to_owned(),
                DiscoveredKind::McpServer => "an MCP server".to_owned(),
            },
        ),
        ("address", found.url.clone()),
    ];
    rows.extend(
        found
            .resource_name
            .iter()
            .map(|name| ("calls itself", name.clone())),
    );
    rows.extend(
        found
            .resource
            .iter()
            .map(|resource| ("tokens for", resource.clone())),
    );
    rows.extend(
        found
            .issuer
            .iter()
            .map(|issuer| ("tokens from", issuer.clone())),
    );
    let scopes = if found.scopes.is_empty() {
        "none; the server decides".to_owned()
    } else {
        found.scopes.to_string()
    };
    rows.push(("scopes", scopes));
    rows.extend(
        found
            .registration
            .map(|how| ("client", client(how).to_owned())),
    );
    rows.push(("name", found.name.to_string()));
    let mut text = fields(&rows, style);
    for warning in &found.warnings {
        text.push_str(&render::warning(&warning.message, &warning.hint, style));
    }
    text
}

const fn client(how: ClientRegistration) -> &'static str {
    match how {
        ClientRegistration::Registered => "registered by you",
        ClientRegistration::ClientMetadata => "described by your client metadata document",
        ClientRegistration::Dynamic => "is registered when you add it",
        ClientRegistration::ByHand => "to be registered by you",
    }
}

/// The authorization servers to choose from.
pub(crate) fn issuers(found: &Discovered, style: Style) -> String {
    let heading = format!(
        "{} gets its tokens from one of these:",
        printable(&found.url)
    );
    let mut text = format!("{}\n", style.paint(Tone::Heading, &heading));
    for (index, issuer) in found.issuers.iter().enumerate() {
        writeln!(text, "  {}. {}", index + 1, printable(issuer))
            .expect("a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::style::Style;

    fn mcp() -> Discovered {
        Discovered {
            url: "https://mcp.example.com/mcp".to_owned(),
            kind: DiscoveredKind::McpServer,
            name: "example".parse().unwrap(),
            resource_name: Some("Example\u{202e}".to_owned()),
            resource: Some("https://mcp.example.com/mcp".to_owned()),
            issuer: Some("https://auth.example.org".to_owned()),
            issuers: vec!["https://auth.example.org".to_owned()],
            scopes: vec!["read".to_owned()].into(),
            registration: Some(ClientRegistration::Dynamic),
            draft: None,
            warnings: Vec::new(),
            needs: Vec::new(),
        }
    }

    #[test]
    fn what_was_found_names_the_server_that_tokens_come_from() {
        insta::assert_snapshot!(found(&mcp(), Style { colour: false }), @r"
        found         an MCP server
        address       https://mcp.example.com/mcp
        calls itself  Example\u{202e}
        tokens for    https://mcp.example.com/mcp
        tokens from   https://auth.example.org
        scopes        read
        client        is registered when you add it
        name          example
        ");
    }

    #[test]
    fn issuers_are_numbered() {
        let mut several = mcp();
        several.issuers.push("https://b.example.org".to_owned());
        insta::assert_snapshot!(issuers(&several, Style { colour: false }), @r"
        https://mcp.example.com/mcp gets its tokens from one of these:
          1. https://auth.example.org
          2. https://b.example.org
        ");
    }
}
