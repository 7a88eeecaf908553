//! What a connection may be used for through the proxy, as the person set it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The settings of one connection.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ProxySettings {
    /// Its token is never handed out: programs reach its hosts through the proxy alone.
    pub only: bool,
    /// The methods that pass; None: all.
    pub methods: Option<Methods>,
}

/// What programs may do more than before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Widened {
    /// They get the token itself again.
    pub token: bool,
    /// More methods pass: all of these.
    pub methods: Option<String>,
}

impl ProxySettings {
    /// For a connection of which nobody knows what the person set: reading through the proxy.
    pub fn narrowest() -> Self {
        let reading = ["GET", "HEAD"].map(str::to_owned);
        Self {
            only: true,
            methods: Some(Methods(reading.into())),
        }
    }

    /// What programs may do more than with `old`.
    pub fn widened(&self, old: &Self) -> Widened {
        let methods = match (&self.methods, &old.methods) {
            (_, None) => None,
            (None, Some(_)) => Some("every method".to_owned()),
            (Some(new), Some(old)) => (!new.0.is_subset(&old.0)).then(|| new.to_string()),
        };
        Widened {
            token: old.only && !self.only,
            methods,
        }
    }

    /// Whether a request with this method passes.
    pub fn allows(&self, method: &str) -> bool {
        let methods = self.methods.as_ref();
        methods.is_none_or(|methods| methods.0.contains(method))
    }
}

/// Methods of HTTP requests: at least one, in capital letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Methods(BTreeSet<String>);

/// Why a list is no [`Methods`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMethods {
    /// It is empty.
    #[error("no method would pass")]
    None,
    /// A word that is no method.
    #[error("`{0}` is not a method that the proxy passes on")]
    Unknown(String),
}

/// CONNECT and TRACE never pass.
const KNOWN: &[&str] = &["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

impl Methods {
    /// Reads methods in any letter case.
    pub fn parse(words: &[String]) -> Result<Self, BadMethods> {
        let mut methods = BTreeSet::new();
        for word in words {
            let method = word.trim().to_ascii_uppercase();
            if !KNOWN.contains(&method.as_str()) {
                return Err(BadMethods::Unknown(word.chars().take(32).collect()));
            }
            methods.insert(method);
        }
        if methods.is_empty() {
            return Err(BadMethods::None);
        }
        Ok(Self(methods))
    }
}

impl fmt::Display for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        f.write_str(&words.join(", "))
    }
}

impl TryFrom<Vec<String>> for Methods {
    type Error = BadMethods;

    fn try_from(words: Vec<String>) -> Result<Self, BadMethods> {
        Self::parse(&words)
    }
}

impl From<Methods> for Vec<String> {
    fn from(methods: Methods) -> Self {
        methods.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(only: bool, methods: Option<&[&str]>) -> ProxySettings {
        let methods = methods.map(|words| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Methods::parse(&words).unwrap()
        });
        ProxySettings { only, methods }
    }

    #[test]
    fn less_protection_widens_and_more_does_not() {
        let all = settings(false, None);
        let read = settings(true, Some(&["GET", "HEAD"]));
        let write = settings(true, Some(&["get", "POST"]));
        for (new, old, widens) in [
            (&all, &all, false),
            (&read, &all, false),
            (&all, &read, true),
            (&write, &read, true),
            (&settings(true, None), &read, true),
            (&settings(false, Some(&["GET", "HEAD"])), &read, true),
            (&settings(true, Some(&["GET"])), &read, false),
        ] {
            let widened = new.widened(old);
            assert_eq!(
                widened != Widened::default(),
                widens,
                "{new:?} after {old:?}"
            );
        }
        let widened = |token, methods: &str| Widened {
            token,
            methods: Some(methods.to_owned()),
        };
        assert_eq!(all.widened(&read), widened(true, "every method"));
        assert_eq!(write.widened(&read), widened(false, "GET, POST"));
        assert!(write.allows("GET") && !write.allows("DELETE") && all.allows("PURGE"));
    }

    #[test]
    fn a_list_names_methods_that_pass() {
        for words in [&[][..], &["CONNECT"], &["TRACE"], &["GET", "FETCH"], &[""]] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert!(Methods::parse(&words).is_err(), "{words:?}");
        }
        let methods = settings(false, Some(&["head", "GET"])).methods.unwrap();
        assert_eq!(methods.to_string(), "GET, HEAD");
    }
}
