//! Files that the page exports: written to the person's downloads, never over another.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tauri::{AppHandle, Manager as _};
use valetkey_api::error::{ApiError, ErrorCode};

/// How many files of one name may exist.
const MAX_FILES: u32 = 1000;

/// Saves `text`; returns where.
pub(crate) fn save(app: &AppHandle, name: &str, text: &str) -> Result<PathBuf, Box<ApiError>> {
    let paths = app.path();
    // Not every desktop names the folder.
    let folder = paths
        .download_dir()
        .or_else(|_| paths.home_dir().map(|home| home.join("Downloads")));
    let saved = match folder {
        Ok(folder) => write(&folder, name, text),
        Err(error) => Err(io::Error::other(error)),
    };
    saved.map_err(|error| {
        ApiError::new(
            ErrorCode::Internal,
            format!("`{name}` cannot be saved: {error}"),
        )
        .hint("`valetkey list --json` and `valetkey events --json` print the same in a terminal")
        .into()
    })
}

/// Only names of exports, only in `folder`.
fn write(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let plain = |text: &str| {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        text.starts_with("valetkey-") && text.bytes().all(fits)
    };
    let Some((stem, kind @ ("json" | "csv"))) = name.split_once('.').filter(|it| plain(it.0))
    else {
        return Err(io::Error::other("this is not the name of an export"));
    };
    fs::create_dir_all(folder)?;
    for number in 1..=MAX_FILES {
        let name = match number {
            1 => name.to_owned(),
            _ => format!("{stem}-{number}.{kind}"),
        };
        let path = folder.join(name);
        match create(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// For this user alone: an export tells who uses what.
fn create(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_never_overwrites_another() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = folder.path().join("Downloads");
        for (text, name) in [
            ("one", "valetkey-activity.csv"),
            ("two", "valetkey-activity-2.csv"),
        ] {
            let saved = write(&downloads, "valetkey-activity.csv", text).unwrap();
            assert_eq!(saved, downloads.join(name));
            assert_eq!(fs::read_to_string(saved).unwrap(), text);
        }
    }

    #[test]
    fn only_exports_are_saved() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "../valetkey-a.json",
            "valetkey-../a.json",
            "valetkey-a.desktop",
            ".bashrc",
            "valetkey-a",
            "valetkey-a.json.sh",
            "evil.json",
            "",
        ] {
            assert!(write(folder.path(), name, "x").is_err(), "{name}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
