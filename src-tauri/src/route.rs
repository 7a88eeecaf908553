//! The routes of the page that the shell opens.

#[cfg(test)]
use serde::Serialize;

/// A place in the page. The page has further routes of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Serialize, ts_rs::TS))]
#[cfg_attr(test, serde(tag = "page", rename_all = "snake_case"))]
pub(crate) enum Route {
    /// The list of connections.
    Connections,
    /// The details of one connection.
    Connection {
        id: String,
    },
    /// Who may use which connection, and what was not answered.
    Access,
    Settings,
}

impl Route {
    /// The fragment of the page's URL. Ids are UUIDs: nothing needs encoding.
    pub(crate) fn fragment(&self) -> String {
        match self {
            Self::Connections => "#/connections".to_owned(),
            Self::Connection { id } => format!("#/connection/{id}"),
            Self::Access => "#/access".to_owned(),
            Self::Settings => "#/settings".to_owned(),
        }
    }

    /// One of each.
    #[cfg(test)]
    pub(crate) fn examples() -> [Self; 4] {
        let id = "018f0000-0000-7000-8000-000000000001".to_owned();
        [
            Self::Connections,
            Self::Connection { id },
            Self::Access,
            Self::Settings,
        ]
    }
}
