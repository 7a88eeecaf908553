//! Client keys: how programs come in by loopback HTTP. `GET`, `POST clients`; `DELETE clients/{id}`,
//! `POST clients/{id}/confirm`, where `{id}` is a UUID or a name.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::id::ClientKeyId;
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_core::secret::ClientKey;

use crate::wire_secret;

/// Reply to `GET clients`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientList {
    /// Oldest first.
    pub clients: Vec<ClientView>,
}

/// The holder of a client key. Never the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientView {
    /// Its id.
    pub id: ClientKeyId,
    /// Unique.
    pub name: String,
    /// The connections whose tokens it may have; null: all.
    pub connections: Option<Vec<ClientConnection>>,
    /// Whether it may also manage connections, authenticators, events and settings.
    pub manage: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends; null: when it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it last came in.
    pub used_at: Option<Timestamp>,
    /// False while it waits to be confirmed in the desktop app: it was made while none ran.
    pub is_active: bool,
}

/// A connection that a key may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientConnection {
    /// The set it belongs to.
    pub profile: ProfileName,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ConnectionName,
}

/// Body of `POST clients`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NewClient {
    /// What it is for; absent: `key-1` and so on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names or ids of connections; absent: all, those of later too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections: Option<Vec<String>>,
    /// Where the names stand; absent: `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// May manage, too.
    pub manage: bool,
    /// Seconds that it lives; absent: until it is revoked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
}

/// Reply to `POST clients` (201): the only time that the key is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ClientCreated {
    /// Who holds it.
    pub client: ClientView,
    /// `vk_...`; `Authorization: Bearer` takes it.
    #[serde(with = "wire_secret::client_key")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub key: ClientKey,
    /// Where it works (`http://127.0.0.1:4315`); null while the loopback listener is closed.
    pub base_url: Option<String>,
}
