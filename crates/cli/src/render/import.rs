//! What an import found, before anything is stored. Secrets are only said to be there.

use std::fmt::Write as _;

use serde::Serialize;
use valetkey_api::core::draft::Problem;
use valetkey_api::core::name::{AuthenticatorName, InProfile, ProfileName};
use valetkey_api::core::printable::printable;

use super::authenticators::short;
use super::table::{Cell, Table};
use crate::style::{Style, Tone};

/// One authenticator that was found.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// As the source calls it.
    pub(crate) origin: String,
    /// None if it cannot be said.
    pub(crate) name: Option<AuthenticatorName>,
    pub(crate) profile: ProfileName,
    pub(crate) provider: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) has_client_secret: bool,
    pub(crate) state: State,
    pub(crate) problems: Vec<Problem>,
    pub(crate) remarks: Vec<String>,
}

impl Row {
    fn full_name(&self) -> String {
        let name = self
            .name
            .as_ref()
            .map(|name| InProfile::new(self.profile.clone(), name));
        name.map_or_else(|| "-".to_owned(), |name| name.argument())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// It can be imported.
    New,
    /// There is one of this name.
    Taken,
    /// Something must be mended first.
    Incomplete,
}

/// `valetkey import`, before the question.
pub(crate) fn preview(rows: &[Row], remarks: &[String], style: Style) -> String {
    let mut text = String::new();
    if !rows.is_empty() {
        let mut table = Table::new(&["FOUND", "NAME", "PROVIDER", "CLIENT ID", "SECRET", ""]);
        for row in rows {
            table.row([
                Cell::toned(&row.origin, Tone::Heading),
                row.full_name().into(),
                row.provider.as_deref().unwrap_or("-").into(),
                row.client_id
                    .as_deref()
                    .map_or_else(|| "-".to_owned(), short)
                    .into(),
                if row.has_client_secret { "yes" } else { "no" }.into(),
                match row.state {
                    State::New => "".into(),
                    State::Taken => Cell::toned("name is taken", Tone::Warning),
                    State::Incomplete => Cell::toned("incomplete", Tone::Warning),
                },
            ]);
        }
        text.push_str(&table.render(style));
    }
    for row in rows {
        for remark in &row.remarks {
            let (origin, remark) = (printable(&row.origin), printable(remark));
            writeln!(text, "{origin}: {remark}").expect("a String takes everything");
        }
    }
    for remark in remarks {
        writeln!(text, "{}", printable(remark)).expect("a String takes everything");
    }
    text
}
