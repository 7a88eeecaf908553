//! The memory of a running process.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use super::forms;

/// The kernel's page on the machines that we run on, in bytes.
const PAGE: u64 = 4096;
/// Pages read at once.
const PAGES: usize = 512;
/// The page is in memory or in swap (proc(5), `pagemap`).
const PRESENT: u64 = 0b11 << 62;

/// The first of `texts` that the memory of this process holds: plainly, as UTF-16, or in base64.
pub fn memory_with<'a>(process: u32, texts: &[&'a str]) -> Option<&'a str> {
    let search = Search::new(texts);
    let memory = Memory::of(process);
    let mut found = memory.runs().filter_map(|run| {
        let bytes = memory.read(&run, search.longest);
        search.first(&bytes).map(|at| texts[at])
    });
    found.next()
}

/// The resident memory of a process; most of its address space is only reserved.
struct Memory {
    mappings: Vec<Range<u64>>,
    pages: File,
    bytes: File,
}

impl Memory {
    fn of(process: u32) -> Self {
        let open = |what: &str| {
            File::open(format!("/proc/{process}/{what}")).unwrap_or_else(|error| {
                panic!(
                    "the kernel does not show the memory of process {process} ({error}): run \
                     this as root, or with `kernel.yama.ptrace_scope` below 2"
                )
            })
        };
        let maps = fs::read_to_string(format!("/proc/{process}/maps"));
        let maps = maps.expect("the process runs");
        Self {
            mappings: maps.lines().filter_map(mapping).collect(),
            pages: open("pagemap"),
            bytes: open("mem"),
        }
    }

    /// Runs of pages that are there.
    fn runs(&self) -> impl Iterator<Item = Range<u64>> {
        let mappings = self.mappings.iter().cloned();
        mappings.flat_map(|Range { mut start, end }| {
            let mut runs: Vec<Range<u64>> = Vec::new();
            let mut entries = [0; PAGES * 8];
            while start < end {
                // Pages behind the end belong to another mapping, or to none.
                let read = self.pages.read_at(&mut entries, start / PAGE * 8);
                let known = &entries[..read.unwrap_or_default()];
                for entry in known.chunks_exact(8) {
                    let entry = u64::from_ne_bytes(entry.try_into().expect("eight bytes"));
                    if entry & PRESENT != 0 && start < end {
                        match runs.last_mut() {
                            Some(run) if run.end == start => run.end += PAGE,
                            _ => runs.push(start..start + PAGE),
                        }
                    }
                    start += PAGE;
                }
                if known.is_empty() {
                    break;
                }
            }
            runs
        })
    }

    /// The bytes of a run and `more` after it; empty if it was unmapped meanwhile.
    fn read(&self, run: &Range<u64>, more: usize) -> Vec<u8> {
        let length = usize::try_from(run.end - run.start).expect("it is in memory");
        let mut bytes = vec![0; length + more];
        let read = self.bytes.read_at(&mut bytes, run.start);
        bytes.truncate(read.unwrap_or_default());
        bytes
    }
}

/// A line of `maps`; None for what a process cannot have written into.
fn mapping(line: &str) -> Option<Range<u64>> {
    let mut parts = line.split_ascii_whitespace();
    let (start, end) = parts.next()?.split_once('-')?;
    let rights = parts.next()?;
    let is_file = parts.nth(3).is_some_and(|path| path.starts_with('/'));
    let may_hold = rights.starts_with("rw") || (rights.starts_with('r') && !is_file);
    let parse = |text| u64::from_str_radix(text, 16).ok();
    may_hold.then_some(parse(start)?..parse(end)?)
}

/// Many needles in one pass.
struct Search {
    /// What to look for, and which text it stands for.
    needles: Vec<(Vec<u8>, usize)>,
    /// Whether a needle begins with these two bytes.
    begins: Vec<bool>,
    longest: usize,
}

impl Search {
    fn new(texts: &[&str]) -> Self {
        let needles: Vec<_> = texts
            .iter()
            .enumerate()
            .flat_map(|(at, text)| {
                let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                let all = forms(text).into_iter().chain([wide]);
                all.map(move |needle| (needle, at))
            })
            .collect();
        let mut begins = vec![false; 1 << 16];
        for (needle, _) in &needles {
            begins[two(needle)] = true;
        }
        let longest = needles.iter().map(|(needle, _)| needle.len()).max();
        Self {
            needles,
            begins,
            longest: longest.unwrap_or_default(),
        }
    }

    /// A plain loop: without optimisation a chain of iterators takes minutes for what this does in
    /// seconds.
    fn first(&self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at + 1 < bytes.len() {
            if self.begins[usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1])] {
                let here = &bytes[at..];
                let found = self.needles.iter().find(|(it, _)| here.starts_with(it));
                if let Some((_, text)) = found {
                    return Some(*text);
                }
            }
            at += 1;
        }
        None
    }
}

fn two(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_remembers_is_found() {
        let remembered = format!("in memory only {}", std::process::id());
        let own = std::process::id();
        assert_eq!(memory_with(own, &[&remembered]), Some(remembered.as_str()));
    }
}
