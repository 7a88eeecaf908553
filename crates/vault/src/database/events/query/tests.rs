use super::*;
use crate::database::events::{Durability, Effects, append};
use crate::database::{migration, schema};

const CONNECTION: &str = "00000000-0000-4000-8000-000000000007";

/// What SQLite does for each step of the query.
fn plan(connection: &Connection, filter: &EventFilter) -> String {
    let (sql, values) = query(filter);
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let values = rusqlite::params_from_iter(values.iter().map(AsRef::as_ref));
    let steps = statement.query_map(values, |row| row.get::<_, String>(3));
    let steps: Vec<_> = steps.unwrap().collect::<Result<_, _>>().unwrap();
    steps.join("; ")
}

#[test]
fn every_filter_has_an_index_and_no_list_is_sorted() {
    let mut connection = Connection::open_in_memory().unwrap();
    migration::migrate(&mut connection, "none".as_ref(), &schema::migrations()).unwrap();
    let id = Some(CONNECTION.parse().unwrap());
    let kinds = vec![EventKind::TokenServed];
    let all = EventFilter::default;
    let places = [
        all(),
        EventFilter {
            after: Some(EventId(7)),
            ..all()
        },
        EventFilter {
            before: Some(EventId(7)),
            ..all()
        },
    ];
    for place in places {
        let cases = [
            (place.clone(), ""),
            (
                EventFilter {
                    connection: id,
                    ..place.clone()
                },
                "INDEX events_by_connection",
            ),
            (
                EventFilter {
                    kinds: kinds.clone(),
                    ..place.clone()
                },
                "INDEX events_by_kind",
            ),
            (
                EventFilter {
                    connection: id,
                    kinds: kinds.clone(),
                    ..place.clone()
                },
                "INDEX events_by_",
            ),
        ];
        for (filter, index) in cases {
            let plan = plan(&connection, &filter);
            assert!(plan.contains(index), "{filter:?}: {plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{filter:?}: {plan}");
            // Without a filter the newest are read, from the end of the table.
            let is_bounded = plan.contains("SEARCH") || index.is_empty();
            assert!(is_bounded, "{filter:?}: {plan}");
        }
    }
}

#[test]
fn events_of_the_first_version_are_read_back_after_the_migration() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("valetkey.db");
    let mut connection = Connection::open(&path).unwrap();
    let (old, new): (Vec<_>, Vec<_>) = schema::migrations()
        .into_iter()
        .partition(|migration| migration.version < 9);
    migration::migrate(&mut connection, &path, &old).unwrap();
    let insert = format!(
        "INSERT INTO events (at, kind, connection, authenticator, sign_in, actor, detail)
         VALUES ('2026-03-01T12:00:00.000000789Z', 'token.served', '{CONNECTION}',
             '{CONNECTION}', '{CONNECTION}', 'process 7', '{{\"scopes\":[\"a\"]}}'),
             ('1969-12-31T23:59:59.500000000Z', 'agent.started', NULL, NULL, NULL, NULL, NULL)"
    );
    connection.execute_batch(&insert).unwrap();
    let all = [old, new].concat();
    migration::migrate(&mut connection, &path, &all).unwrap();
    let id: Uuid = CONNECTION.parse().unwrap();
    let served = Event::new(
        EventKind::TokenServed,
        "2026-03-01T12:00:00.000000789Z".parse().unwrap(),
    )
    .connection(ConnectionId::new(id))
    .authenticator(AuthenticatorId::new(id))
    .sign_in(SignInId::new(id))
    .actor(Actor::parse("process 7"))
    .detail(serde_json::json!({ "scopes": ["a"] }));
    let started = Event::new(
        EventKind::AgentStarted,
        "1969-12-31T23:59:59.5Z".parse().unwrap(),
    );
    let read = select(&connection, &EventFilter::default()).unwrap();
    assert_eq!(read, [(EventId(1), served), (EventId(2), started.clone())]);
    let next = append(
        &mut connection,
        None,
        [started].into_iter(),
        Effects::default(),
        Durability::Durable,
        || false,
    )
    .unwrap();
    assert_eq!(next, EventId(3), "ids go on");
}
