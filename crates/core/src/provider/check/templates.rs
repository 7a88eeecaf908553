//! URLs with placeholders: each is filled with sample values and must then be an endpoint.

use std::collections::BTreeMap;

use url::Url;

use super::Check;
use crate::api_host::ApiHost;
use crate::endpoint_url::EndpointUrl;
use crate::provider::{Placeholder, PlaceholderKind, RevocationMethod};

impl<'a> Check<'a> {
    pub(super) fn placeholders(&mut self) {
        let provider = self.provider;
        for (index, placeholder) in provider.placeholders.iter().enumerate() {
            let name = &placeholder.name;
            let field = format!("placeholders.{name}");
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            let is_name = !name.is_empty() && name.bytes().all(plain) && !name.ends_with("_url")
                || name == "base_url";
            self.require(is_name, &field, "use small letters and `_` for its name");
            let earlier = &provider.placeholders[..index];
            let is_new = !earlier.iter().any(|other| other.name == *name);
            self.require(is_new, &field, "it is there twice");
            let has_note = !placeholder.note.trim().is_empty();
            self.require(has_note, &field, "say in `note` what it means");
            if let Some(words) = placeholder
                .default
                .as_ref()
                .and_then(|default| placeholder.refuses(default))
            {
                self.say(&field, format!("its default cannot be used: {words}"));
            }
            let written = format!("{{{name}}}");
            let in_urls = self
                .url_templates()
                .iter()
                .any(|(_, url)| url.contains(&written));
            let in_params = provider
                .authorize_params
                .values()
                .any(|value| value.contains(&written));
            let is_used = match placeholder.kind {
                PlaceholderKind::Segment | PlaceholderKind::BaseUrl => in_urls,
                PlaceholderKind::Text => in_params && !in_urls,
            };
            self.require(is_used, &field, "nothing that may hold it does");
        }
        for (name, value) in &provider.authorize_params {
            let filled = provider.fill(value, &self.samples());
            if let Some(unknown) = unknown_placeholder(&filled) {
                self.say(
                    "authorize_params",
                    format!("`{name}` names {unknown}, which is no placeholder"),
                );
            }
        }
    }

    pub(super) fn urls(&mut self) {
        let provider = self.provider;
        if provider.id != "custom" {
            for (field, url) in [
                ("authorize_url", &provider.authorize_url),
                ("token_url", &provider.token_url),
            ] {
                self.require(!url.is_empty(), field, "it is missing");
            }
        }
        let samples = self.samples();
        for (field, template) in self.url_templates() {
            let mut filled = provider.fill(template, &samples);
            for run_time in self.run_time_names(field) {
                filled = filled.replace(&format!("{{{run_time}}}"), "x");
            }
            if let Some(unknown) = unknown_placeholder(&filled) {
                self.say(field, format!("{unknown} is no placeholder of this file"));
            } else if let Err(error) = EndpointUrl::parse(&filled) {
                self.say(field, error.to_string());
            }
        }
        // Pages for people, which may have a fragment.
        let pages = [
            ("api_keys.page", &provider.api_keys.page),
            ("console_url", &provider.console_url),
            ("docs_url", &provider.docs_url),
        ];
        for (field, url) in pages {
            let Some(template) = url else { continue };
            let filled = provider.fill(template, &samples);
            let is_page = Url::parse(&filled).is_ok_and(|url| url.scheme() == "https");
            let fits = is_page && unknown_placeholder(&filled).is_none();
            self.require(fits, field, &format!("`{template}` is no https page"));
        }
        for host in &provider.api_hosts {
            if provider.api_host(host, &samples).is_none() {
                self.say("api_hosts", format!("`{host}` is no host"));
            }
        }
    }

    /// Every URL that requests go to.
    fn url_templates(&self) -> Vec<(&'static str, &'a str)> {
        let provider = self.provider;
        let revocation = provider.revocation.as_ref();
        let mut urls = vec![
            ("authorize_url", Some(&provider.authorize_url)),
            ("token_url", Some(&provider.token_url)),
            ("refresh_url", provider.refresh_url.as_ref()),
            ("device.url", provider.device.as_ref().map(|it| &it.url)),
            ("issuer", provider.issuer.as_ref()),
            ("assertion_audience", provider.assertion_audience.as_ref()),
            ("discovery_url", provider.discovery_url.as_ref()),
            ("userinfo.url", provider.userinfo.as_ref().map(|it| &it.url)),
            ("revocation.url", revocation.map(|it| &it.url)),
            (
                "revocation.consent_url",
                revocation.and_then(|it| it.consent_url.as_ref()),
            ),
        ];
        urls.extend(
            provider
                .closed_urls
                .iter()
                .map(|url| ("closed_urls", Some(url))),
        );
        urls.into_iter()
            .filter_map(|(field, url)| Some((field, url?.as_str())))
            .filter(|(_, url)| !url.is_empty())
            .collect()
    }

    /// What the app fills in itself.
    fn run_time_names(&self, field: &str) -> &'static [&'static str] {
        let method = self.provider.revocation.as_ref().map(|it| it.method);
        match (field, method) {
            ("revocation.url", Some(RevocationMethod::DeleteUrl)) => {
                &["client_id", "refresh_token"]
            }
            ("revocation.url" | "revocation.consent_url" | "closed_urls", _) => &["client_id"],
            // Microsoft's metadata holds it literally.
            ("issuer", _) => &["tenantid"],
            (_, _) => &[],
        }
    }

    fn samples(&self) -> BTreeMap<String, String> {
        let sample = |placeholder: &Placeholder| match (placeholder.kind, &placeholder.default) {
            (PlaceholderKind::Text, _) => "text".to_owned(),
            (_, Some(default)) => default.clone(),
            (PlaceholderKind::Segment, None) => "sample.example".to_owned(),
            (PlaceholderKind::BaseUrl, None) => "https://sample.example".to_owned(),
        };
        let placeholders = self.provider.placeholders.iter();
        placeholders
            .map(|placeholder| (placeholder.name.clone(), sample(placeholder)))
            .collect()
    }
}

impl crate::provider::Provider {
    /// An entry of [`Self::api_hosts`], filled; a URL means its host.
    pub(crate) fn api_host(
        &self,
        template: &str,
        values: &BTreeMap<String, String>,
    ) -> Option<ApiHost> {
        let filled = self.fill(template, values);
        match Url::parse(&filled) {
            Ok(url) if url.has_host() => ApiHost::of(&url),
            _ => ApiHost::parse(&filled).ok(),
        }
    }
}

/// What still stands in braces.
fn unknown_placeholder(filled: &str) -> Option<String> {
    let start = filled.find(['{', '}'])?;
    let rest = &filled[start..];
    let end = rest.find('}').map_or(rest.len(), |end| end + 1);
    Some(format!("`{}`", &rest[..end]))
}
