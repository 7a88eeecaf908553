//! How our types stand in columns: times, words and lists as readable text, without loss.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A value by its `Display` and `FromStr`.
pub(super) struct Text<T>(pub(super) T);

impl<T: Display> ToSql for Text<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl<T: FromStr<Err: std::error::Error + Send + Sync + 'static>> FromSql for Text<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(other)
    }
}

/// A value as JSON.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> ToSql for Json<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        serde_json::to_string(&self.0)
            .map(Into::into)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
    }
}

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?)
            .map(Self)
            .map_err(other)
    }
}

/// An instant. Always nine digits of a second, so that text order is time order.
pub(super) struct At(pub(super) Timestamp);

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(format!("{:.9}", self.0).into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_str()?.parse().map(Self).map_err(other)
    }
}

/// An instant as nanoseconds since 1970, for tables with many rows. Reaches from 1678 to 2262; what
/// lies beyond becomes the end of that range.
pub(super) struct Nanoseconds(pub(super) Timestamp);

impl Nanoseconds {
    pub(super) fn number(&self) -> i64 {
        let nanoseconds = self.0.as_nanosecond();
        let clamped = nanoseconds.clamp(i64::MIN.into(), i64::MAX.into());
        i64::try_from(clamped).expect("clamped to it")
    }
}

impl ToSql for Nanoseconds {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.number().into())
    }
}

impl FromSql for Nanoseconds {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_nanosecond(value.as_i64()?.into())
            .map(Self)
            .map_err(other)
    }
}

/// An id as 16 bytes, for tables with many rows.
pub(super) struct Bytes(pub(super) Uuid);

impl ToSql for Bytes {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_bytes().as_slice().into())
    }
}

impl FromSql for Bytes {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::from_slice(value.as_blob()?).map(Self).map_err(other)
    }
}

/// For words that only this program writes: an unknown one is damage.
pub(super) fn word<T>(
    value: ValueRef<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> FromSqlResult<T> {
    parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> FromSqlError {
    FromSqlError::Other(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_every_nanosecond_and_sort_as_text() {
        let text = |time: &str| {
            let at = At(time.parse().unwrap());
            let ToSqlOutput::Owned(rusqlite::types::Value::Text(text)) = at.to_sql().unwrap()
            else {
                panic!("times are text")
            };
            assert_eq!(text.parse::<Timestamp>().unwrap(), at.0);
            text
        };
        assert!(text("2026-01-01T00:00:00Z") < text("2026-01-01T00:00:00.000000001Z"));
        assert!(text("2026-01-01T00:00:00.5Z") < text("2026-01-01T00:00:01Z"));
    }
}
