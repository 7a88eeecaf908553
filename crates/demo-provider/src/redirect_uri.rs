//! Which redirect addresses a client may use (RFC 8252 section 7.3: loopback with any port).

use url::{Host, Url};

use crate::settings::Client;

pub(crate) fn is_allowed(client: &Client, text: &str, url: &Url) -> bool {
    if url.fragment().is_some() {
        return false;
    }
    if client.redirect_uris.is_empty() {
        return is_loopback(url);
    }
    client.redirect_uris.iter().any(|registered| {
        registered == text
            || Url::parse(registered).is_ok_and(|registered| differs_in_port_only(&registered, url))
    })
}

fn differs_in_port_only(registered: &Url, url: &Url) -> bool {
    registered.port().is_none()
        && is_loopback(registered)
        && is_loopback(url)
        && registered.host() == url.host()
        && registered.path() == url.path()
        && registered.query() == url.query()
}

fn is_loopback(url: &Url) -> bool {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "http" && loopback && url.username().is_empty() && url.password().is_none()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn allowed(registered: &[&str], text: &str) -> bool {
        let redirect_uris = registered.iter().map(ToString::to_string).collect();
        let client = Client {
            redirect_uris,
            ..Client::public("demo")
        };
        Url::parse(text).is_ok_and(|url| is_allowed(&client, text, &url))
    }

    #[test]
    fn client_without_addresses_may_use_any_loopback_but_nothing_else() {
        for good in [
            "http://127.0.0.1:5/cb",
            "http://[::1]:5/",
            "http://localhost:1/x?y=z",
        ] {
            assert!(allowed(&[], good), "{good}");
        }
        for bad in [
            "https://127.0.0.1/cb",
            "http://localhost.evil.example/cb",
            "http://127.0.0.1@evil.example/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1/#fragment",
            "app://callback",
        ] {
            assert!(!allowed(&[], bad), "{bad}");
        }
    }

    #[test]
    fn registered_loopback_without_port_takes_any_port_but_no_other_path() {
        let registered = ["http://127.0.0.1/callback"];
        assert!(allowed(&registered, "http://127.0.0.1:43211/callback"));
        assert!(!allowed(&registered, "http://127.0.0.1:43211/callback/"));
        assert!(!allowed(&registered, "http://localhost:43211/callback"));
    }

    #[test]
    fn registered_port_is_compared_exactly() {
        let registered = ["http://127.0.0.1:4316/callback"];
        assert!(allowed(&registered, "http://127.0.0.1:4316/callback"));
        assert!(!allowed(&registered, "http://127.0.0.1:4317/callback"));
    }

    proptest! {
        #[test]
        fn hosts_elsewhere_are_never_allowed(host in "[a-z]{1,10}\\.[a-z]{2,5}", path in "[a-z/]{0,10}") {
            let text = format!("http://{host}/{path}");
            prop_assert!(!allowed(&[], &text));
        }

        #[test]
        fn any_text_is_answered(text: String) {
            let _ = allowed(&["http://127.0.0.1/callback"], &text);
        }
    }
}
