//! The proxy of a connection.

use serde::Serialize;
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::api_host::ApiHost;

use crate::style::Style;

/// Where the hosts of a connection are reached.
#[derive(Debug, Serialize)]
pub(crate) struct Urls {
    hosts: Vec<HostUrls>,
}

#[derive(Debug, Serialize)]
struct HostUrls {
    host: String,
    /// None while the loopback listener is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// As VS Code writes it.
    socket_url: String,
}

impl Urls {
    /// `name` as it stands in a path.
    pub(crate) fn new(name: &str, hosts: &[ApiHost], port: Option<u16>, socket: &str) -> Self {
        let of = |(index, host): (usize, &ApiHost)| {
            let host = host.authority();
            let path = match index {
                0 => format!("/proxy/{name}"),
                _ => format!("/proxy/{name}/@{host}"),
            };
            HostUrls {
                host: host.to_owned(),
                url: port.map(|port| format!("http://127.0.0.1:{port}{path}")),
                socket_url: format!("unix://{socket}#{path}"),
            }
        };
        Self {
            hosts: hosts.iter().enumerate().map(of).collect(),
        }
    }
}

/// `valetkey proxy-url`: one URL a line, those of the first host first.
pub(crate) fn urls(urls: &Urls, _: Style) -> String {
    let mut text = String::new();
    for host in &urls.hosts {
        for url in host.url.iter().chain([&host.socket_url]) {
            text.push_str(url);
            text.push('\n');
        }
    }
    text
}

/// `valetkey proxy-only`, `valetkey proxy-methods`
pub(crate) fn changed(view: &ConnectionView, _: Style) -> String {
    format!("`{}`: {}\n", view.name, policy(view))
}

/// What programs may do with a connection.
pub(super) fn policy(view: &ConnectionView) -> String {
    let token = if view.proxy_only {
        "used through the proxy alone"
    } else {
        "token handed out"
    };
    match &view.allowed_methods {
        Some(methods) => format!("{token}; the proxy passes {methods} only"),
        None => token.to_owned(),
    }
}
