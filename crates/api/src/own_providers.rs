//! The person's own catalogue files: found in the folder `providers` of the configuration, and
//! installed for this process.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use valetkey_core::catalogue::{self, OwnFile, OwnProviders};
use valetkey_core::home::Home;

/// A file that is larger is no catalogue file.
const MAX_FILE_BYTES: u64 = 256 * 1024;
/// More are not looked at.
const MAX_FILES: usize = 500;

/// Reads and checks the files, and adds their entries to the catalogue. What is wrong with them is kept
/// there ([`catalogue::wrong_files`]).
pub fn install(home: &Home) {
    catalogue::install(OwnProviders::read(files(&home.providers())));
}

/// By name. No folder means no files.
fn files(folder: &Path) -> Vec<OwnFile> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            return vec![OwnFile {
                name: "providers".to_owned(),
                text: Err(format!("the folder cannot be read: {error}")),
            }];
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .take(MAX_FILES)
        .collect();
    paths.sort();
    paths.iter().map(|path| file(path)).collect()
}

fn file(path: &Path) -> OwnFile {
    let name = path.file_name().unwrap_or_default();
    OwnFile {
        name: name.to_string_lossy().into_owned(),
        text: read(path).map_err(|error| format!("it cannot be read: {error}")),
    }
}

fn read(path: &Path) -> io::Result<String> {
    // A pipe would never end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut text = String::new();
    let read = File::open(path)?
        .take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other("it is larger than 256 KiB"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACME: &str = include_str!("../../core/src/catalogue/acme.toml");

    #[test]
    fn files_of_the_folder_are_added_and_mistakes_are_kept() {
        let tmp = tempfile::tempdir().unwrap();
        let home = Home::at(tmp.path());
        let folder = home.providers();
        fs::create_dir_all(folder.join("folder.toml")).unwrap();
        fs::write(folder.join("acme.toml"), ACME).unwrap();
        fs::write(folder.join("bad.toml"), "id = 7").unwrap();
        fs::write(folder.join("binary.toml"), [0xff]).unwrap();
        fs::write(folder.join("large.toml"), vec![b'#'; 300_000]).unwrap();
        fs::write(folder.join("github.toml"), ACME.replace("acme", "github")).unwrap();
        fs::write(folder.join("notes.txt"), "").unwrap();
        install(&home);
        assert!(catalogue::provider("acme").unwrap().is_own);
        let github = catalogue::provider("github").unwrap();
        assert_eq!(
            github.token_url,
            "https://github.com/login/oauth/access_token"
        );
        let wrong: Vec<String> = catalogue::wrong_files()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            wrong,
            [
                "bad.toml: line 1: invalid type: integer `7`, expected a string",
                "binary.toml: it cannot be read: stream did not contain valid UTF-8",
                "folder.toml: it cannot be read: it is not a file",
                "github.toml: `id`: `github` is in the catalogue already and is not replaced; choose another id",
                "large.toml: it cannot be read: it is larger than 256 KiB",
            ]
        );
    }

    #[test]
    fn no_folder_is_no_mistake() {
        let tmp = tempfile::tempdir().unwrap();
        assert_eq!(files(&Home::at(tmp.path()).providers()), []);
    }
}
