//! For tests: what another program does to the database.

use std::path::Path;

/// Runs statements on a database that an agent may have open.
///
/// # Panics
/// If one of them fails.
pub fn execute(database: &Path, statements: &str) {
    let database = rusqlite::Connection::open(database).expect("it can be opened");
    database.execute_batch(statements).expect("each is valid");
}
