//! Migrations: each stands beside its table, runs once, in a transaction of its own.
//!
//! `user_version` counts them. Before the first one on a database that holds data, a copy is made.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::{authenticators, client_keys, connections, events, profiles, settings, sign_ins};
use crate::error::VaultError;
use crate::private;

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Migration {
    /// The schema version that it leads to.
    pub(super) version: u32,
    pub(super) sql: &'static str,
}

/// All of them in order.
pub(super) fn all() -> Vec<Migration> {
    let mut all: Vec<_> = [
        settings::MIGRATIONS,
        profiles::MIGRATIONS,
        authenticators::MIGRATIONS,
        connections::MIGRATIONS,
        sign_ins::MIGRATIONS,
        client_keys::MIGRATIONS,
        events::MIGRATIONS,
    ]
    .concat();
    all.sort_by_key(|migration| migration.version);
    all
}

/// The schema version of the open database.
pub(crate) fn schema_version(connection: &Connection) -> Result<u32, VaultError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Brings the database at `path` to the newest of `migrations`.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &[Migration],
) -> Result<(), VaultError> {
    let found = schema_version(connection)?;
    let known = migrations.last().map_or(0, |last| last.version);
    if found > known {
        return Err(VaultError::NewerSchema { found, known });
    }
    if found > 0 && found < known {
        back_up(connection, path, found)?;
    }
    for migration in migrations
        .iter()
        .filter(|migration| migration.version > found)
    {
        let transaction = connection.transaction()?;
        transaction.execute_batch(migration.sql)?;
        transaction.pragma_update(None, "user_version", migration.version)?;
        transaction.commit()?;
    }
    Ok(())
}

fn back_up(connection: &Connection, path: &Path, version: u32) -> Result<(), VaultError> {
    let copy = path.with_extension(format!("db.before-{}", version + 1));
    // An older copy of the same version would be merged page by page: start from nothing.
    match std::fs::remove_file(&copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(VaultError::io("replace", &copy, &error));
        }
        Ok(()) | Err(_) => {}
    }
    private::file(&copy)?;
    let mut target = Connection::open(&copy)?;
    Backup::new(connection, &mut target)?.run_to_completion(1000, Duration::ZERO, None)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let versions: Vec<u32> = all().iter().map(|migration| migration.version).collect();
        let count = u32::try_from(versions.len()).unwrap();
        assert_eq!(versions, (1..=count).collect::<Vec<_>>());
    }

    #[test]
    fn every_older_database_becomes_the_newest_and_leaves_a_copy() {
        let newest = {
            let mut connection = Connection::open_in_memory().unwrap();
            migrate(&mut connection, Path::new("none"), &all()).unwrap();
            schema(&connection)
        };
        for version in 1..all().len() {
            let (_folder, path) = database();
            let mut connection = Connection::open(&path).unwrap();
            migrate(&mut connection, &path, &all()[..version]).unwrap();
            connection
                .execute("INSERT INTO settings VALUES ('kept', 'yes')", [])
                .unwrap();
            migrate(&mut connection, &path, &all()).unwrap();
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
        migrate(&mut connection, &path, &all()[..7]).unwrap();
        let id = "018f0000-0000-7000-8000-000000000001";
        connection
            .execute_batch(&format!(
                r#"PRAGMA foreign_keys = OFF;
                   INSERT INTO connections VALUES ('{id}', '{id}', NULL, NULL, NULL, NULL, 'expired', 3, '[]', '[]', NULL,
                   NULL, NULL, 1, '2026-01-01T00:00:00Z', NULL, '"when_used"',
                   '{{"kind":"later","reason":"HTTP 503","at":"2026-01-01T00:00:00Z","attempts":2,"retry_at":null}}')"#
            ))
            .unwrap();
        migrate(&mut connection, &path, &all()).unwrap();
        let row = connections::all(&connection).unwrap().remove(0);
        let error = row.refresh_error.unwrap();
        assert_eq!((error.reason.as_str(), error.attempts), ("HTTP 503", 2));
    }

    #[test]
    fn a_new_database_and_the_newest_one_need_no_copy() {
        let (folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        for _ in 0..2 {
            migrate(&mut connection, &path, &all()).unwrap();
        }
        drop(connection);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failing_migration_changes_nothing() {
        let (_folder, path) = database();
        let mut connection = Connection::open(&path).unwrap();
        migrate(&mut connection, &path, &all()).unwrap();
        let before = (schema(&connection), schema_version(&connection).unwrap());
        let version = before.1 + 1;
        let sql = "CREATE TABLE half (a); INSERT INTO nowhere VALUES (1)";
        let failing = [all(), vec![Migration { version, sql }]].concat();
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
        let known = all().last().unwrap().version;
        let refused = migrate(&mut connection, &path, &all());
        assert_eq!(refused, Err(VaultError::NewerSchema { found: 99, known }));
        assert_eq!(schema(&connection), Vec::<String>::new());
    }

    #[test]
    fn a_full_disk_is_its_own_error_and_loses_nothing() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, Path::new("none"), &all()).unwrap();
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
