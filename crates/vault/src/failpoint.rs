//! Named places where a test may kill the process, as `kill -9` or a power cut would.
//!
//! Without the feature `failpoints` [`hit`] is empty. With it, `VALETKEY_ABORT_AT=name` aborts at
//! the first passage of that place, `name#3` at the third.

/// Marks a place between two steps that a crash may separate.
#[macro_export]
macro_rules! failpoint {
    ($name:literal) => {
        $crate::failpoint::hit($name)
    };
}

/// Does nothing: this build has no failpoints.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn hit(_name: &'static str) {}

/// Aborts the process if `VALETKEY_ABORT_AT` names this passage.
#[cfg(feature = "failpoints")]
pub fn hit(name: &'static str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static TARGET: LazyLock<Option<(String, u32)>> = LazyLock::new(|| {
        let wanted = std::env::var("VALETKEY_ABORT_AT").ok()?;
        let (name, passage) = wanted.split_once('#').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), passage.parse().ok()?))
    });
    static PASSAGES: AtomicU32 = AtomicU32::new(0);

    if let Some((target, passage)) = &*TARGET
        && target == name
        && PASSAGES.fetch_add(1, Ordering::SeqCst) + 1 == *passage
    {
        std::process::abort();
    }
}
