//! The fields of an authenticator as JSON, wiped on drop: any of them may hold a secret, also one whose
//! name is mistyped.

use std::ops::{Deref, DerefMut};

use serde_json::{Map, Value};
use zeroize::Zeroize as _;

/// Fields by their JSON names.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Sets a field; what it held before is wiped.
    pub(super) fn set(&mut self, field: String, value: Value) {
        if let Some(mut old) = self.0.insert(field, value) {
            wipe(&mut old);
        }
    }

    /// The fields themselves; whoever has them wipes them.
    pub(super) fn take(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.0)
    }

    /// Merges a patch (RFC 7396): `null` takes away, objects are merged, everything else replaces.
    pub(super) fn merge(&mut self, mut patch: Self) {
        merge(&mut self.0, std::mem::take(&mut patch.0));
    }
}

impl From<Map<String, Value>> for Members {
    fn from(members: Map<String, Value>) -> Self {
        Self(members)
    }
}

impl Deref for Members {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Members {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        self.0.values_mut().for_each(wipe);
    }
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (value, target.get_mut(&name)) {
            (Value::Null, _) => {
                target.remove(&name);
            }
            (Value::Object(patch), Some(Value::Object(target))) => merge(target, patch),
            (value, _) => {
                target.insert(name, value);
            }
        }
    }
}

fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_wiped_at_any_depth() {
        let mut value = json!({ "a": "secret", "b": ["secret", { "c": "secret" }] });
        wipe(&mut value);
        assert_eq!(value, json!({ "a": "", "b": ["", { "c": "" }] }));
    }
}
