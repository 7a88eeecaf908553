//! Writes a file of the person's own: whole or not at all, closed to others (0600), never over what is there
//! unless they said so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::exit::Exit;
use crate::failure::Failure;

/// Refuses early what [`write`] would refuse.
pub(super) fn check(path: &Path, force: bool) -> Result<(), Failure> {
    if !force && fs::symlink_metadata(path).is_ok() {
        return Err(exists(path));
    }
    Ok(())
}

/// Writes `content` to `path`; with `force` over a file (or link) that is there.
pub(super) fn write(path: &Path, content: &[u8], force: bool) -> Result<(), Failure> {
    let draft = draft(path);
    let written = write_draft(&draft, content).and_then(|()| {
        if force {
            fs::rename(&draft, path)
        } else {
            // Unlike a rename, it fails if somebody was faster.
            fs::hard_link(&draft, path)
        }
    });
    let _ = fs::remove_file(&draft);
    written.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !force => exists(path),
        _ => {
            let what = format!("`{}` cannot be written", path.display());
            Failure::new(Exit::Failed, what).why(error)
        }
    })?;
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    // The content is on disk; some file systems do not sync folders.
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Beside the file itself: a rename does not leave its file system.
fn draft(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.new", std::process::id()))
}

fn write_draft(draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(content)?;
    file.sync_all()
}

fn exists(path: &Path) -> Failure {
    let what = format!("`{}` is there already", path.display());
    Failure::new(Exit::Usage, what).hint("choose another name, or write over it with `--force`")
}
