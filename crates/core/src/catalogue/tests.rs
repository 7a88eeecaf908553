use std::collections::BTreeSet;

use super::*;
use crate::redirect::RedirectUri;

#[test]
fn every_file_of_ours_is_valid() {
    for (id, _) in FILES {
        let provider = provider(id).unwrap();
        assert_eq!(provider.id, *id, "the file is called after its id");
        assert_eq!(provider.check(), [], "{id}");
    }
    assert_eq!(FILES.len(), 47, "46 providers and `custom`");
}

#[test]
fn our_files_name_http_on_this_machine_only() {
    for (id, text) in FILES {
        for rest in text.split("http://").skip(1) {
            let host = ["127.0.0.1", "localhost", "[::1]"]
                .iter()
                .find_map(|host| rest.strip_prefix(host));
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '@');
            assert!(host.is_some_and(ends), "{id}: http://{}", &rest[..20]);
        }
    }
}

/// Where every sign-in comes back to the same port, only the path tells two providers apart
/// (RFC 9700, section 2.1: distinct redirect URIs defend against mix-up).
#[test]
fn redirect_uris_at_a_fixed_port_are_distinct() {
    let mut seen = BTreeSet::new();
    for provider in providers() {
        let redirect = &provider.redirect.default;
        if let RedirectUri::Loopback {
            port: Some(_),
            path,
            ..
        } = redirect
        {
            assert!(seen.insert(path), "{}: {path} is shared", provider.id);
            assert_ne!(path, "/callback", "{}", provider.id);
        }
    }
}

/// The initials are white or nearly black (WCAG 2.2, 1.4.3: a contrast of 4.5).
#[test]
fn initials_are_legible_on_their_colour() {
    let luminance = |colour: &str| -> f64 {
        let part = |at: usize| {
            let value = f64::from(u8::from_str_radix(&colour[at..at + 2], 16).unwrap()) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    };
    let contrast = |light: f64, dark: f64| (light + 0.05) / (dark + 0.05);
    for provider in providers() {
        let own = luminance(&provider.colour);
        let best = contrast(1.0, own).max(contrast(own, luminance("#14151a")));
        assert!(best >= 4.5, "{}: {best}", provider.id);
    }
}

#[test]
fn the_list_is_by_name_with_custom_last() {
    let names: Vec<&str> = providers()
        .iter()
        .map(|p| p.display_name.as_str())
        .collect();
    let (last, rest) = names.split_last().unwrap();
    assert_eq!(*last, "Custom");
    assert!(
        rest.is_sorted_by_key(|name| name.to_lowercase()),
        "{rest:?}"
    );
}

#[test]
fn a_search_finds_products_by_the_beginnings_of_words() {
    let found = |words: &str| -> Vec<&str> {
        let all = providers().into_iter();
        all.filter(|provider| provider.matches(words))
            .map(|provider| provider.id.as_str())
            .collect()
    };
    assert_eq!(found("jira"), ["atlassian"]);
    assert_eq!(found("Gmail"), ["google"]);
    assert_eq!(
        found("git app"),
        ["github", "github-app"],
        "an OAuth App too"
    );
    assert_eq!(found("hub"), ["hubspot"], "`hub` begins no word of GitHub");
    assert_eq!(found("entra graph"), ["microsoft"]);
    assert_eq!(found("nothing like it"), [""; 0]);
    assert_eq!(found("").len(), FILES.len());
}

const ACME: &str = include_str!("acme.toml");

fn read(name: &str, text: &str) -> OwnProviders {
    OwnProviders::read([OwnFile {
        name: name.to_owned(),
        text: Ok(text.to_owned()),
    }])
}

fn wrong(name: &str, text: &str) -> Vec<String> {
    let own = read(name, text);
    assert_eq!(own.providers, [], "{name}");
    own.wrong.iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_of_ones_own_adds_a_provider() {
    let own = read("acme.toml", ACME);
    assert_eq!(own.wrong, []);
    assert!(own.providers[0].is_own);
    assert!(!provider("github").unwrap().is_own);
}

#[test]
fn mistakes_are_named_with_file_and_field() {
    insta::assert_snapshot!([
        wrong("acme.toml", &ACME.replace("token_url", "tokenurl")),
        wrong("acme.toml", &ACME.replace("\"Acme\"", "7")),
        wrong("acme.toml", "id = "),
        wrong("other.toml", ACME),
        wrong("github.toml", &ACME.replace("\"acme\"", "\"github\"")),
        wrong("acme.toml", &ACME.replace("https://login.acme.example/token", "http://acme.example/{region}")),
        wrong("acme.toml", &ACME.replace("https://login.acme.example/token", "http://acme.example/t")),
        wrong("acme.toml", &format!("{ACME}unconfirmed = [\"token_url\", \"mood\"]\n[refresh]\nidle_seconds = 1\nopen_ended = true\n[authorize_params]\nstate = \"1\"")),
        wrong("acme.toml", &format!("{ACME}[[placeholders]]\nname = \"region\"\nnote = \"\"\n")),
    ]
    .concat()
    .join("\n"));
}

#[test]
fn one_bad_file_leaves_the_others_in_use() {
    let file = |name: &str, text| OwnFile {
        name: name.to_owned(),
        text,
    };
    let own = OwnProviders::read([
        file(
            "bad.toml",
            Err("it cannot be read: permission denied".to_owned()),
        ),
        file("acme.toml", Ok(ACME.to_owned())),
    ]);
    assert_eq!(own.providers.len(), 1);
    assert_eq!(
        own.wrong[0].to_string(),
        "bad.toml: it cannot be read: permission denied"
    );
}
