//! JSON merge patch (RFC 7396): used to change settings over HTTP and to falsify responses.

use serde_json::{Map, Value};

/// Applies `patch` to `target`: objects are merged, `null` removes, any other value replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(members) = target else {
        return;
    };
    for (name, change) in patch {
        if change.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_removes_object_merges_and_the_rest_replaces() {
        let mut value = json!({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]});
        merge(
            &mut value,
            &json!({"a": null, "b": {"c": "x", "d": null}, "e": [2], "f": {"g": null}}),
        );
        assert_eq!(value, json!({"b": {"c": "x"}, "e": [2], "f": {}}));
    }
}
