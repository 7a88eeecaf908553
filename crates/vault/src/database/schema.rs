//! The schema: the migrations of all tables. Each stands in the module of its table.

use super::migration::Migration;
use super::{
    authenticators, client_keys, connections, events, profiles, rules, settings, sign_ins,
    token_imports, unlogged,
};

/// All migrations in order.
pub(super) fn migrations() -> Vec<Migration> {
    let mut all: Vec<_> = [
        settings::MIGRATIONS,
        profiles::MIGRATIONS,
        authenticators::MIGRATIONS,
        connections::MIGRATIONS,
        sign_ins::MIGRATIONS,
        client_keys::MIGRATIONS,
        rules::MIGRATIONS,
        events::MIGRATIONS,
        unlogged::MIGRATIONS,
        token_imports::MIGRATIONS,
    ]
    .concat();
    all.sort_by_key(|migration| migration.version);
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::database::migration::{migrate, schema_version};
    use crate::error::VaultError;

    fn database() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("valetkey.db");
        (folder, path)
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let sql = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap()
    }

    #[test]
    fn versions_are_counted_without_gaps() {
        let versions: Vec<u32> = migrations()
            .iter()
            .map(|migration| migration.version)
            .collect();
        let count = u32::try_from(versions.len()).unwrap();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    }

    #[test]
    fn every_older_database_becomes_the_newest_and_leaves_a_copy() {
        let newest = {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate(&mut connection, Path::new("none"), &migrations()).unwrap();
            schema(&connection)
        };
        for version in 1..migrations().len() {
            let (_folder, path) = database();
            let mut connection = Connection::open(&path).unwrap();
            migrate(&mut connection, &path, &migrations()[..version]).unwrap();
            connection
                .execute("INSERT INTO settings VALUES ('kept', 'yes')", [])
                .unwrap();
            migrate(&mut connection, &path, &migrations()).unwrap();
            assert_eq!(schema(&connection), newest);

            let copy = Connection::open(path.with_extension(format!("db.before-{}", version + 1)));
            for database in [connection, copy.unwrap()] {
                let kept = settings::get(&database, "kept").unwrap();
                assert_eq!(kept.as_deref(), Some("yes"));
            }
        }
    }

    #[test]
    fn a_refresh_error_of_an_older_database_is_kept() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &migrations()[..7]).unwrap();
        let id = "018f0000-0000-7000-8000-000000000001";
        connection
            .execute_batch(&format!(
                r#"PRAGMA foreign_keys = OFF;
                   INSERT INTO connections VALUES ('{id}', '{id}', NULL, NULL, NULL, NULL, 'expired', 3, '[]', '[]', NULL,
                   NULL, NULL, 1, '2026-01-01T00:00:00Z', NULL, '"when_used"',
                   '{{"kind":"later","reason":"HTTP 503","at":"2026-01-01T00:00:00Z","attempts":2,"retry_at":null}}')"#
            ))
            .unwrap();
        migrate(&mut connection, &path, &migrations()).unwrap();
        let row = connections::all(&connection).unwrap().remove(0);
        let error = row.refresh_error.unwrap();
        assert_eq!((error.reason.as_str(), error.attempts), ("HTTP 503", 2));
        assert_eq!(error.since, error.at);
    }

    #[test]
    fn a_new_database_and_the_newest_one_need_no_copy() {
        let (folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        for _ in 0..2 {
            migrate(&mut connection, &path, &migrations()).unwrap();
        }
        drop(connection);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failing_migration_changes_nothing() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &migrations()).unwrap();
        let before = (schema(&connection), schema_version(&connection).unwrap());
        let version = before.1 + 1;
        let sql = "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)";
        let failing = [migrations(), vec![Migration { version, sql }]].concat();
        migrate(&mut connection, &path, &failing).unwrap_err();
        assert_eq!(
            (schema(&connection), schema_version(&connection).unwrap()),
            before
        );
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 99).unwrap();
        let known = migrations().last().unwrap().version;
        let refused = migrate(&mut connection, &path, &migrations());
        assert_eq!(refused, Err(VaultError::NewerSchema { found: 99, known }));
        assert_eq!(schema(&connection), Vec::<String>::new());
    }

    #[test]
    fn a_full_disk_is_its_own_error_and_loses_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("none"), &migrations()).unwrap();
        settings::set(&connection, "kept", Some("yes")).unwrap();
        let pages: u32 = connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .unwrap();
        connection
            .pragma_update(None, "max_page_count", pages)
            .unwrap();
        let full = settings::set(&connection, "big", Some(&"x".repeat(1 << 20)));
        assert!(matches!(full, Err(VaultError::DiskFull(_))), "{full:?}");
        assert_eq!(
            settings::get(&connection, "kept").unwrap().as_deref(),
            Some("yes")
        );
    }
}
