//! Somebody tries client keys.

use valetkey_api::core::event::EventKind;
use valetkey_api::events::EventView;

use super::{Action, Kind, Notification};

/// The agent reports it at most every ten minutes.
pub(super) fn wrong_keys(events: &[EventView]) -> Option<Notification> {
    let tried = events.iter().any(|it| it.kind == EventKind::KeysGuessed);
    tried.then(|| Notification {
        kind: Kind::WrongKeys,
        title: "Many wrong client keys were tried".to_owned(),
        body:
            "A program sends keys that Valet Key did not make or that have ended. None of them got \
               anything"
                .to_owned(),
        action: Action::Open,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn wrong_keys_are_told() {
        let event = |kind: &str| {
            let event =
                json!({ "id": 3, "at": "2026-01-02T03:04:05Z", "kind": kind, "detail": null });
            serde_json::from_value::<EventView>(event).unwrap()
        };
        assert_eq!(wrong_keys(&[event("key.created")]), None);
        let told = wrong_keys(&[event("key.guessed"), event("key.guessed")]);
        assert_eq!(told.unwrap().kind, Kind::WrongKeys);
    }
}
