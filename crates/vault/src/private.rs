//! Files and folders that only their owner may read: 0700 and 0600.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::error::VaultError;

/// Makes `path` a folder of our own, whatever it was before.
pub(crate) fn folder(path: &Path) -> Result<(), VaultError> {
    let failed = |error: io::Error| VaultError::io("use the folder", path, &error);
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Creates `path` if it is missing and closes it to others.
pub(crate) fn file(path: &Path) -> Result<(), VaultError> {
    let failed = |error: io::Error| VaultError::io("open", path, &error);
    options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
    }
    Ok(())
}

/// Replaces the content of `path` in one step: after a crash it is the old or the new content.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    let written = write_synced(&new, content).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Best effort: a half-written copy only wastes space, and the next one overwrites it.
        let _ = fs::remove_file(&new);
    }
    written?;
    sync_folder(path)
}

fn write_synced(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// An empty file, for writing and reading.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .open(path)
}

/// A file that exists, for writing and reading.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    options().read(true).write(true).open(path)
}

/// Makes a rename in the folder of `path` last. Windows has no such call and needs none.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn options() -> OpenOptions {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has modes"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
