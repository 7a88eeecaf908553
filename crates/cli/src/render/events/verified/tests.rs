use serde_json::json;

use super::*;

#[test]
fn what_was_found_and_what_cannot_be_known_is_said() {
    let sound = json!({
        "intact": true, "lines": 9, "first": 4, "last": 12, "uncovered": 0, "pruned_until": 3, "problems": [],
        "further_problems": 0, "unclean_ends": 1, "chained_late": 2,
        "last_unclean_end": {"line": 7, "at": "2026-11-21T08:00:00.5Z"},
    });
    let problem = |kind: &str, first: i64, last: i64, why: Option<&str>| json!({"kind": kind, "first": first, "last": last, "why": why});
    let problems = json!([
        problem("changed", 5, 5, None),
        problem("removed", 7, 8, None),
        problem("found_at_start", 9, 9, Some("lines_missing")),
        problem("found_at_start", 10, 10, Some("database_replaced")),
        problem("found_at_start", 11, 11, Some("key_missing")),
        problem("found_at_start", 12, 12, Some("changed_before_pruning")),
        problem("cut", 13, 20, None),
    ]);
    let damaged = json!({
        "intact": false, "lines": 1, "first": 5, "last": 5, "uncovered": 4, "pruned_until": null, "problems": problems,
        "further_problems": 2, "unclean_ends": 0, "last_unclean_end": null, "chained_late": 0,
    });
    let empty = json!({
        "intact": true, "lines": 0, "first": null, "last": null, "uncovered": 0, "pruned_until": null, "problems": [],
        "further_problems": 0, "unclean_ends": 0, "last_unclean_end": null, "chained_late": 0,
    });
    let texts = [sound, damaged, empty].map(|found| {
        let found: EventsVerified = serde_json::from_value(found).unwrap();
        verified(&found, Style::PLAIN)
    });
    insta::assert_snapshot!(texts.join("---\n"));
}
