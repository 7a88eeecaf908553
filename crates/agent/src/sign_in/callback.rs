//! The browser's answer: reading the query of a redirect (RFC 6749, 4.1.2; RFC 9207). Pure.

use url::{Url, form_urlencoded};

/// Longest query that is read, in bytes.
const MAX_QUERY_BYTES: usize = 16 * 1024;

/// A redirect's query, read but not yet believed.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Names the run; must be compared before anything else is believed.
    pub(super) state: String,
    /// Who answers, if it says so.
    pub(super) issuer: Option<String>,
    /// What it answers.
    pub(super) result: Result<Code, Refused>,
}

/// An authorization code: single use, and a secret until then.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Code(pub(super) String);

/// `error` and `error_description`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) error: String,
    pub(super) description: Option<String>,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer([redacted])")
    }
}

/// Why a query is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    #[error("this is not an address of the form http://…?code=…&state=…")]
    NotAUrl,
    #[error("the address is too long")]
    TooLong,
    #[error("the address has no `state`")]
    NoState,
    #[error("the address has neither a `code` nor an `error`")]
    Empty,
    #[error("the address has `{0}` twice")]
    Twice(&'static str),
}

/// Reads a query string.
pub(super) fn read_query(query: &str) -> Result<Answer, BadAnswer> {
    if query.len() > MAX_QUERY_BYTES {
        return Err(BadAnswer::TooLong);
    }
    let once = |name: &'static str| {
        let mut values = form_urlencoded::parse(query.as_bytes())
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned());
        let first = values.next();
        match values.next() {
            Some(_) => Err(BadAnswer::Twice(name)),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    };
    let state = once("state")?.ok_or(BadAnswer::NoState)?;
    let issuer = once("iss")?;
    let (code, error) = (once("code")?, once("error")?);
    let description = once("error_description")?;
    let result = match (code, error) {
        (_, Some(error)) => Err(Refused { error, description }),
        (Some(code), None) => Ok(Code(code)),
        (None, None) => return Err(BadAnswer::Empty),
    };
    Ok(Answer {
        state,
        issuer,
        result,
    })
}

/// Reads the address that a person copied from the browser.
pub(super) fn read_pasted(text: &str) -> Result<Answer, BadAnswer> {
    let text = text.trim().trim_matches(['"', '\'', '<', '>']);
    if text.len() > MAX_QUERY_BYTES {
        return Err(BadAnswer::TooLong);
    }
    let url = Url::parse(text).map_err(|_| BadAnswer::NotAUrl)?;
    read_query(url.query().ok_or(BadAnswer::NotAUrl)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_with_state_and_issuer_is_read() {
        let answer = read_query("state=s&code=a%2Bb&iss=https%3A%2F%2Fh").unwrap();
        assert_eq!(answer.state, "s");
        assert_eq!(answer.issuer.as_deref(), Some("https://h"));
        assert!(answer.result == Ok(Code("a+b".into())));
    }

    #[test]
    fn an_error_wins_over_a_code() {
        let answer = read_query("state=s&code=x&error=access_denied&error_description=no").unwrap();
        let refused = answer.result.err().unwrap();
        assert_eq!(refused.error, "access_denied");
        assert_eq!(refused.description.as_deref(), Some("no"));
    }

    #[test]
    fn doubled_missing_and_empty_parameters_are_refused() {
        assert_eq!(
            read_query("state=a&state=b&code=x"),
            Err(BadAnswer::Twice("state"))
        );
        assert_eq!(
            read_query("state=a&code=x&code=y"),
            Err(BadAnswer::Twice("code"))
        );
        assert_eq!(read_query("code=x"), Err(BadAnswer::NoState));
        assert_eq!(read_query("state=&code=x"), Err(BadAnswer::NoState));
        assert_eq!(read_query("state=a"), Err(BadAnswer::Empty));
        assert_eq!(
            read_query(&"x".repeat(MAX_QUERY_BYTES + 1)),
            Err(BadAnswer::TooLong)
        );
    }

    #[test]
    fn a_pasted_address_may_be_quoted() {
        let answer = read_pasted(" 'http://127.0.0.1:1/cb?code=c&state=s' \n").unwrap();
        assert!(answer.result == Ok(Code("c".into())));
        assert_eq!(read_pasted("code=c&state=s"), Err(BadAnswer::NotAUrl));
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query in ".{0,400}") {
            let _ = read_query(&query);
            let _ = read_pasted(&query);
        }

        #[test]
        fn what_was_sent_is_what_is_read(state in ".{1,60}", code in ".{1,60}") {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("code", &code)
                .append_pair("state", &state)
                .finish();
            let answer = read_query(&query).unwrap();
            prop_assert_eq!(answer.state, state);
            prop_assert!(answer.result == Ok(Code(code)));
        }
    }
}
