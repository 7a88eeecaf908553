//! Reads a file that may not be what it seems: a link, a device, somebody else's, without end.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::exit::Exit;
use crate::failure::Failure;

/// Longest file.
const MAX_FILE: u64 = 1 << 20;

/// The content of `path`; `-` is stdin.
pub(super) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if path == Path::new("-") {
        return all_of(path, &mut io::stdin().lock());
    }
    // Without NONBLOCK, opening a pipe waits for its writer.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let mut file = file.map_err(|error| {
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            let why = "it is a link, which somebody may have pointed elsewhere";
            return refused(path, why).hint("name the file itself");
        }
        refused(path, error)
    })?;
    let found = file.metadata().map_err(|error| refused(path, error))?;
    if !found.is_file() {
        return Err(refused(path, "it is no file"));
    }
    if found.uid() != geteuid().as_raw() && found.uid() != 0 {
        return Err(refused(path, "it belongs to another user")
            .hint("copy it to a file of your own if you know what is in it"));
    }
    all_of(path, &mut file)
}

fn all_of(path: &Path, source: &mut dyn io::Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Reserved at once: growing would leave copies of secrets behind.
    let mut content = Zeroizing::new(Vec::with_capacity(64 << 10));
    let read = source.take(MAX_FILE + 1).read_to_end(&mut content);
    read.map_err(|error| refused(path, error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(refused(path, "it is larger than 1 MiB"));
    }
    Ok(content)
}

fn refused(path: &Path, why: impl std::fmt::Display) -> Failure {
    let what = format!("`{}` cannot be read", path.display());
    Failure::new(Exit::Usage, what).why(why)
}
