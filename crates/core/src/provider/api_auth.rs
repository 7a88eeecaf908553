//! How an API request carries the token.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::AccessToken;

/// The header of an API request that carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ApiAuth {
    /// Its name.
    pub header: String,
    /// What stands before the token; empty: nothing.
    pub scheme: String,
}

impl Default for ApiAuth {
    /// RFC 6750, section 2.1.
    fn default() -> Self {
        Self {
            header: "authorization".to_owned(),
            scheme: "Bearer".to_owned(),
        }
    }
}

/// A header that cannot carry a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no header that can carry a key")]
pub struct BadHeader;

/// Headers that say something else about a request, or about who sends it.
const OTHER_PURPOSES: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "origin",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl fmt::Display for ApiAuth {
    /// As [`ApiAuth::parse`] reads it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scheme.as_str() {
            "" => f.write_str(&self.header),
            scheme => write!(f, "{}: {scheme}", self.header),
        }
    }
}

impl ApiAuth {
    /// Reads `X-Api-Key`, or `Authorization: Token` with what stands before the key.
    pub fn parse(text: &str) -> Result<Self, BadHeader> {
        let (header, scheme) = text.split_once(':').unwrap_or((text, ""));
        let (header, scheme) = (header.trim(), scheme.trim());
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        let is_header = (1..=64).contains(&header.len())
            && header.bytes().all(is_name)
            && !OTHER_PURPOSES.contains(&header.to_ascii_lowercase().as_str());
        let is_scheme = scheme.len() <= 32 && scheme.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_header || !is_scheme {
            return Err(BadHeader);
        }
        Ok(Self {
            header: header.to_owned(),
            scheme: scheme.to_owned(),
        })
    }

    /// The header's value for this token.
    pub fn value(&self, token: &AccessToken) -> Zeroizing<String> {
        let token = token.expose();
        Zeroizing::new(match self.scheme.as_str() {
            "" => token.to_owned(),
            scheme => format!("{scheme} {token}"),
        })
    }
}

/// Serde for the form that people write ([`ApiAuth::parse`]).
pub(crate) mod as_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    use super::ApiAuth;

    #[expect(clippy::ref_option, reason = "serde gives the field")]
    pub(crate) fn serialize<S: Serializer>(
        auth: &Option<ApiAuth>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match auth {
            Some(auth) => serializer.collect_str(auth),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ApiAuth>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| ApiAuth::parse(&text).map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_as_it_is_written() {
        for text in ["X-Api-Key", "Authorization: Token", "PRIVATE-TOKEN"] {
            assert_eq!(ApiAuth::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            ApiAuth::parse(" Authorization:Bot ").unwrap().to_string(),
            "Authorization: Bot"
        );
        for text in [
            "",
            "Host",
            "content-length: x",
            "X Api",
            "X-Api: a b",
            "X-Api: a\r\nb",
            "Cookie",
        ] {
            assert_eq!(ApiAuth::parse(text), Err(BadHeader), "{text}");
        }
    }
}
