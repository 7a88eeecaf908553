//! Stores logins: secrets in the keychain, everything else in SQLite. The only writer
//! of both.
//!
//! The hard problem: two stores and no transaction across them, while the process may be killed
//! between any two writes. The answer is an order that every whole operation of [`Vault`] follows,
//! the invariant **"the keychain leads"**:
//!
//! * First grant: row `connecting` -> item -> read back -> row `active` -> the caller is told.
//! * Every later grant: item, then row, then the caller is told.
//! * Removal: row `removing` -> item deleted -> row deleted. Nothing else deletes a grant.
//! * Client secrets: the row's stage says what is under way (`database::authenticators::Stage`).
//! * At start, [`Vault::reconcile`] looks at the rows that such a chain may have left half-way; any
//!   other row is compared with its item at first use ([`Vault::load_grant`]). The item wins.
//! * A grant without a row is adopted, never deleted: of a lost database, connections and their
//!   authenticators are rebuilt.
//!
//! A grant is ONE item, written whole, so there is never a mix of two.
//!
//! | module | question it answers |
//! | --- | --- |
//! | [`vault`] | the handle: open and close, the secret store, the one lock held over an item and its row |
//! | [`vault::grants`] | in which order is a grant written, read, removed |
//! | [`vault::authenticators`] | the same for client secrets |
//! | `vault::token_imports` | the same for refresh tokens that were given |
//! | `vault::audit_log` | was the audit log changed by somebody else |
//! | [`vault::reconcile`] | what did a crash leave; which items have no row (adoption) |
//! | [`secret_store`] | what must a secret store do; how are its items named |
//! | [`store`] | where secrets are: keychain, encrypted file, memory |
//! | `keychain_thread` | what if the keychain hangs |
//! | `database` | the tables, their rows and migrations |
//! | [`vault_id`] | whose items are these |
//! | [`error`] | what can the caller do about it |
//! | [`mod@failpoint`] | where a test may kill the process |

mod database;
pub mod error;
pub mod failpoint;
mod keychain_thread;
mod private;
pub mod secret_store;
pub mod store;
pub mod vault;
pub mod vault_id;

pub use database::client_keys::ClientKeyRow;
pub use database::events::verify::{LogCheck, LogProblem, LogProblemKind};
pub use database::events::{Durability, EventFilter};
pub use database::sign_ins::SignInRow;
#[cfg(feature = "testing")]
pub use database::testing;
pub use database::token_imports::EarlierImport;
pub use database::unlogged::UnloggedId;
pub use error::{StoreError, VaultError};
pub use secret_store::{ItemName, SecretStore};
pub use store::{FileKey, StoreChoice, StoreOpener};
pub use vault::Vault;
pub use vault::grants::{GrantNotKept, LoadedGrant};
pub use vault::reconcile::{ReconcileReport, Unfinished};
pub use vault_id::VaultId;
