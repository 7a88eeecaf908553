//! Lists the catalogue: every file of `providers/` is an entry.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("set by cargo"));
    let folder = root.join("providers");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files = fs::read_dir(&folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<PathBuf>>>()?;
    files.sort_by(|a, b| a.file_stem().cmp(&b.file_stem()));
    let mut list = String::from("&[\n");
    for path in &files {
        let is_entry = path
            .extension()
            .is_some_and(|extension| extension == "toml");
        assert!(is_entry, "{}: only `ID.toml` belongs here", path.display());
        let id = path.file_stem().and_then(|stem| stem.to_str());
        let id = id.expect("the name is UTF-8");
        writeln!(
            list,
            "    ({id:?}, include_str!({:?})),",
            path.display().to_string()
        )
        .expect("a String takes everything");
    }
    list.push_str("]\n");
    let out = env::var_os("OUT_DIR").expect("set by cargo");
    fs::write(Path::new(&out).join("catalogue_files.rs"), list)
}
