//! Memory that is free, given back to the system. The allocator keeps what the answers to many requests,
//! or one long list, needed: several times what an idle agent needs.

/// Gives it back. Takes up to a millisecond.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) fn give_back() {
    #[expect(
        unsafe_code,
        reason = "a function of the C library that only C declares"
    )]
    // SAFETY: it takes no pointer, and locks the allocator itself.
    unsafe {
        nix::libc::malloc_trim(0);
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(super) fn give_back() {}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod tests {
    use std::fs;

    use super::*;

    /// Pages of this process in memory.
    fn resident_pages() -> usize {
        let text = fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn what_was_freed_goes_back_to_the_system() {
        // Smaller than what the allocator maps by itself. The last one keeps the end of the heap in use.
        let mut blocks: Vec<Vec<u8>> = (0..1_000).map(|_| vec![1; 64 * 1024]).collect();
        let last = blocks.pop();
        drop(blocks);
        let before = resident_pages();
        give_back();
        let after = resident_pages();
        assert!(after < before / 2, "{before} pages, then {after}");
        drop(last);
    }
}
