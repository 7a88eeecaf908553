//! `WWW-Authenticate`: what a protected resource says about the token that it refused (RFC 9110,
//! section 11.6.1; RFC 6750, section 3). Text from outside: read leniently, and never far.

use std::collections::BTreeMap;

/// Longest header that is read, in bytes.
const MAX_LENGTH: usize = 8 * 1024;

/// The parameters of the `Bearer` and `DPoP` challenges in one header, in their order. Names are in
/// small letters.
pub fn token_challenges(header: &str) -> Vec<BTreeMap<String, String>> {
    let mut challenges: Vec<BTreeMap<String, String>> = Vec::new();
    if header.len() > MAX_LENGTH {
        return challenges;
    }
    let mut is_ours = false;
    for item in items(header) {
        let (scheme, param) = scheme_and_param(item);
        if let Some(scheme) = scheme {
            is_ours = ["bearer", "dpop"]
                .iter()
                .any(|ours| scheme.eq_ignore_ascii_case(ours));
            if is_ours {
                challenges.push(BTreeMap::new());
            }
        }
        let Some((name, value)) = param.split_once('=') else {
            continue;
        };
        if let Some(params) = challenges.last_mut().filter(|_| is_ours) {
            let name = name.trim().to_ascii_lowercase();
            params.entry(name).or_insert_with(|| unquoted(value.trim()));
        }
    }
    challenges
}

/// What commas outside of quotes separate.
fn items(header: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let items = header.split(move |c| {
        let was_escaped = is_escaped;
        is_escaped = is_quoted && c == '\\' && !was_escaped;
        if c == '"' && !was_escaped {
            is_quoted = !is_quoted;
        }
        c == ',' && !is_quoted
    });
    items.map(str::trim).filter(|item| !item.is_empty())
}

/// A new challenge begins with its scheme, before its first parameter.
fn scheme_and_param(item: &str) -> (Option<&str>, &str) {
    let end = item.find([' ', '\t', '=']).unwrap_or(item.len());
    let (head, rest) = item.split_at(end);
    let rest = rest.trim_start();
    if rest.starts_with('=') {
        (None, item)
    } else {
        (Some(head), rest)
    }
}

fn unquoted(value: &str) -> String {
    let inner = value.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(header: &str) -> BTreeMap<String, String> {
        let mut all = token_challenges(header);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    }

    #[test]
    fn the_challenge_of_a_missing_scope_is_read() {
        let read = one(
            "Bearer realm=\"a, \\\"b\\\"\", ERROR=insufficient_scope , scope=\"mail.read  files,all\"",
        );
        assert_eq!(read["realm"], "a, \"b\"");
        assert_eq!(read["error"], "insufficient_scope");
        assert_eq!(read["scope"], "mail.read  files,all");
    }

    #[test]
    fn other_schemes_are_skipped() {
        let read = one("Basic realm=\"x\", error=\"no\", bEARER error=\"yes\", Negotiate abc==");
        assert_eq!(read["error"], "yes");
        assert_eq!(read.len(), 1);
        assert_eq!(one("Bearer"), BTreeMap::new());
    }

    #[test]
    fn what_is_no_challenge_or_too_long_is_nothing() {
        for header in ["", ",,,", "=", "\"", "Basic x", &"Bearer a=b,".repeat(2000)] {
            assert_eq!(token_challenges(header), Vec::<BTreeMap<_, _>>::new());
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_panics(header in ".{0,200}") {
            token_challenges(&header);
        }
    }
}
