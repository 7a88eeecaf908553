//! The chain of the audit log: each line carries a MAC (HMAC-SHA256) over the MAC of the line before it
//! and all of its own columns. Who does not have the key can neither change, insert, remove nor
//! swap a line without breaking it.

use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::types::{FromSql, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use valetkey_core::event::EventId;
use zeroize::Zeroizing;

const LENGTH: usize = 32;

/// The MAC of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineMac([u8; LENGTH]);

impl LineMac {
    /// Stands before the first line.
    pub(crate) const ZERO: Self = Self([0; LENGTH]);
}

impl ToSql for LineMac {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_slice().into())
    }
}

/// A column that may hold anything: what is no MAC counts as a wrong one.
impl FromSql for LineMac {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(value.as_blob()?.try_into().map_or(Self::ZERO, Self))
    }
}

/// A line and its MAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) id: EventId,
    pub(crate) mac: LineMac,
}

/// The key of one home's log. Wiped on drop.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "[u8; LENGTH]", into = "[u8; LENGTH]")]
pub(crate) struct ChainKey(Zeroizing<[u8; LENGTH]>);

impl From<[u8; LENGTH]> for ChainKey {
    fn from(key: [u8; LENGTH]) -> Self {
        Self(Zeroizing::new(key))
    }
}

impl From<ChainKey> for [u8; LENGTH] {
    fn from(key: ChainKey) -> Self {
        *key.0
    }
}

/// A line as it stands in the table.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a> {
    pub(crate) at: i64,
    pub(crate) kind: &'a [u8],
    /// Connection, authenticator, sign-in, actor, detail.
    pub(crate) others: [Option<&'a [u8]>; 5],
}

impl ChainKey {
    pub(crate) fn random() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; LENGTH]);
        getrandom::fill(key.as_mut_slice())?;
        Ok(Self(key))
    }

    /// The MAC of the line `id` behind `previous`.
    pub(crate) fn mac(&self, previous: LineMac, id: EventId, columns: &Columns<'_>) -> LineMac {
        LineMac(
            self.start(previous, id, columns)
                .finalize()
                .into_bytes()
                .into(),
        )
    }

    /// Whether `mac` is the MAC of that line. In constant time.
    pub(crate) fn is_mac(
        &self,
        mac: LineMac,
        previous: LineMac,
        id: EventId,
        columns: &Columns<'_>,
    ) -> bool {
        let computed = self.start(previous, id, columns);
        computed.verify_slice(&mac.0).is_ok()
    }

    /// Every part has a length or says its own, so that no two lines are the same bytes.
    fn start(&self, previous: LineMac, id: EventId, columns: &Columns<'_>) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("any length is a key");
        mac.update(&previous.0);
        mac.update(&id.0.to_be_bytes());
        mac.update(&columns.at.to_be_bytes());
        for text in [Some(columns.kind)].iter().chain(&columns.others) {
            match text {
                Some(bytes) => {
                    mac.update(&(bytes.len() as u64 + 1).to_be_bytes());
                    mac.update(bytes);
                }
                None => mac.update(&0_u64.to_be_bytes()),
            }
        }
        mac
    }
}

/// Continues the chain.
pub(crate) struct Chain {
    pub(crate) key: ChainKey,
    pub(crate) head: Position,
    /// A write failed: whether its lines stand in the table is to be looked up.
    pub(crate) is_in_doubt: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_in_other_columns_are_other_lines() {
        let key = ChainKey::from([7; LENGTH]);
        let line = |kind: &'static str, others| Columns {
            at: 1,
            kind: kind.as_bytes(),
            others,
        };
        let text = Some(b"ab".as_slice());
        let lines = [
            line("k", [None; 5]),
            line("k", [text, None, None, None, None]),
            line("k", [None, text, None, None, None]),
            line("k", [Some(b"a"), Some(b"b"), None, None, None]),
            line("k", [Some(b""), text, None, None, None]),
            line("kab", [None; 5]),
        ];
        let macs = lines.map(|line| key.mac(LineMac::ZERO, EventId(1), &line).0);
        let distinct: std::collections::BTreeSet<_> = macs.into_iter().collect();
        assert_eq!(distinct.len(), lines.len());
    }
}
