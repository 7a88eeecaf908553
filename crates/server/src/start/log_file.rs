//! The log file: `oauth.log` in the state folder, 0600, kept small.
//!
//! Only our own crates log below `warn`: a library that logs what it sends could log a secret.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Registry, fmt};
use valetkey_api::core::home::Home;
use valetkey_api::core::settings::LogLevel;

use super::Failure;

/// A larger file is renamed to `oauth.log.1`.
const MAX_SIZE: u64 = 5 * 1024 * 1024;

/// How much is logged, and where else than to the file.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogOptions {
    /// Debug lines too, unless `VALETKEY_LOG` says otherwise.
    pub verbose: bool,
    /// Also to stderr.
    pub to_stderr: bool,
}

/// How much this process logs, like its log itself; empty if whoever started it has said.
static LEVEL: OnceLock<Handle<Targets, Registry>> = OnceLock::new();

/// Sends this process's log to the file.
pub fn start_log(home: &Home, options: LogOptions) -> Result<(), Failure> {
    let requested = requested_level(options.verbose)?;
    let (filter, handle) = reload::Layer::new(filter(requested.unwrap_or(Level::INFO)));
    let path = home.log();
    let file = LogFile::open(&path).map_err(|error| {
        Failure::not_configured(
            format!(
                "the log file `{}` cannot be written: {error}",
                path.display()
            ),
            "make its folder writable, or choose another with `VALETKEY_HOME`",
        )
    })?;
    let to_file = fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
    let to_stderr = options.to_stderr.then(|| {
        fmt::layer()
            .with_ansi(false)
            .without_time()
            .with_writer(io::stderr)
    });
    tracing_subscriber::registry()
        .with(filter)
        .with(to_file)
        .with(to_stderr)
        .init();
    if requested.is_none() {
        LEVEL.get_or_init(|| handle);
    }
    Ok(())
}

/// Logs so much from now on, unless whoever started this process has said how much.
pub(crate) fn set_log_level(level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let set = LEVEL.get().map(|handle| handle.reload(filter(level)));
    if let Some(Err(error)) = set {
        tracing::error!(%error, "log level");
    }
}

fn filter(level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::from_level(level).min(LevelFilter::WARN))
        .with_target("valetkey", level)
}

/// What the environment and the flags say; None leaves it to the settings.
fn requested_level(verbose: bool) -> Result<Option<Level>, Failure> {
    let requested = std::env::var("VALETKEY_LOG").unwrap_or_default();
    if requested.is_empty() {
        return Ok(verbose.then_some(Level::DEBUG));
    }
    requested.parse().map(Some).map_err(|_| {
        Failure::not_configured(
            format!("`VALETKEY_LOG` is `{requested}`"),
            "use `error`, `warn`, `info`, `debug` or `trace`",
        )
    })
}

#[derive(Debug)]
struct LogFile {
    path: PathBuf,
    file: File,
    size: u64,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)?;
        }
        let file = append(path)?;
        let size = file.metadata()?.len();
        let path = path.to_owned();
        Ok(Self { path, file, size })
    }

    fn rotate(&mut self) -> io::Result<()> {
        fs::rename(&self.path, self.path.with_extension("log.1"))?;
        self.file = append(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

impl Write for LogFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.size > MAX_SIZE {
            self.rotate()?;
        }
        self.size += line.len() as u64;
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_is_rotated() {
        let tmp = tempfile::tempdir().unwrap();
        let path = tmp.path().join("state/oauth.log");
        let mut log = LogFile::open(&path).unwrap();
        log.write_all(&vec![b'x'; usize::try_from(MAX_SIZE).unwrap() + 1])
            .unwrap();
        log.write_all(b"new\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new\n");
        let aside = path.with_extension("log.1");
        assert_eq!(fs::metadata(aside).unwrap().len(), MAX_SIZE + 1);
    }
}
