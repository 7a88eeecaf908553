//! Where a provider's device grants begin.

use serde::{Deserialize, Serialize};

/// Where a device grant begins (RFC 8628, section 3.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceEndpoint {
    /// Device authorization endpoint.
    pub url: String,
    /// Name of the scope parameter there, if it is another one.
    pub scope_param: Option<String>,
}
