//! What a provider says about itself (RFC 8414, OpenID Connect Discovery).

use crate::client::Client;

/// The issuer that an answer must name, if it names one (RFC 9207).
pub fn expected_issuer(client: &Client) -> Option<String> {
    client
        .endpoints
        .issuer
        .clone()
        .filter(|issuer| !issuer.contains('{'))
}
