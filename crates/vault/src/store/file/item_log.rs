//! The open file: appends records, finds the last one of each item, and drops the others.
//!
//! A write appends one record and waits until it is on the disk; then the mark moves behind it.
//! What a crash can leave is therefore one record beyond the mark: whole, and then it counts, or cut
//! off, and then it was never reported as written. The file is rewritten (into a second file that
//! replaces it in one step) only when most of it is outdated, and no write waits in that moment.
//!
//! Values stay encrypted in the file; only names and places are in memory.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::format::{
    Cipher, Damage, HEADER, MARK, MARK_AT, Mark, NONCE, Place, RECORD_HEADER, RECORDS_AT, Record,
    TAG, Tag, take,
};
use crate::failpoint;
use crate::private;
use crate::secret_store::ItemName;

/// Outdated records may take this much, or as much as the current ones, before the file is rewritten.
const MAX_OUTDATED: u64 = 64 * 1024;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum LogError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Damage(#[from] Damage),
}

pub(super) struct ItemLog {
    path: PathBuf,
    file: File,
    file_id: Tag,
    index: BTreeMap<ItemName, Location>,
    /// Behind the last record.
    end: u64,
    /// Of the last record.
    last_tag: Tag,
    /// What follows `end` was cut off by a crash.
    has_torn_tail: bool,
    /// Bytes of the records that `index` names.
    current: u64,
    seen: Seen,
}

#[derive(Debug, Clone, Copy)]
struct Location {
    offset: u64,
    size: u64,
}

/// By what a file that was replaced or changed by somebody else is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    #[cfg(unix)]
    inode: (u64, u64),
    length: u64,
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self {
            #[cfg(unix)]
            inode: {
                use std::os::unix::fs::MetadataExt as _;
                (metadata.dev(), metadata.ino())
            },
            length: metadata.len(),
        }
    }
}

impl ItemLog {
    /// Replaces the file at `path` by one that holds `records`, in one step.
    pub(super) fn create(
        path: &Path,
        cipher: &Cipher,
        records: impl Iterator<Item = Result<(ItemName, Zeroizing<Vec<u8>>), LogError>>,
    ) -> Result<Self, LogError> {
        let temporary = temporary(path);
        let created = Self::write_whole(path, &temporary, cipher, records);
        if created.is_err() {
            // Best effort: it only wastes space, and the next start removes it.
            let _ = fs::remove_file(&temporary);
        }
        created
    }

    fn write_whole(
        path: &Path,
        temporary: &Path,
        cipher: &Cipher,
        records: impl Iterator<Item = Result<(ItemName, Zeroizing<Vec<u8>>), LogError>>,
    ) -> Result<Self, LogError> {
        let file_id = random()?;
        let mut file = private::create(temporary)?;
        let mut head = Vec::with_capacity(RECORDS_AT);
        head.extend(cipher.header);
        head.extend(file_id);
        // The mark is written last.
        head.resize(RECORDS_AT, 0);
        file.write_all(&head)?;
        let mut log = Self {
            path: path.to_owned(),
            seen: Seen::of(&file.metadata()?),
            file,
            file_id,
            index: BTreeMap::new(),
            end: RECORDS_AT as u64,
            last_tag: file_id,
            has_torn_tail: false,
            current: 0,
        };
        for record in records {
            let (item, value) = record?;
            let bytes = cipher.seal_record(&log.place(), item, Some(&value), random()?);
            log.file.write_all(&bytes)?;
            log.add(item, true, &bytes);
        }
        log.write_mark(cipher)?;
        log.file.sync_all()?;
        failpoint!("file_store.whole_file_written");
        fs::rename(temporary, path)?;
        failpoint!("file_store.file_replaced");
        private::sync_folder(path)?;
        log.seen = Seen::of(&log.file.metadata()?);
        Ok(log)
    }

    /// Opens the file and authenticates all of it.
    pub(super) fn open(path: &Path, cipher: &Cipher) -> Result<Self, LogError> {
        let file = private::open(path)?;
        let metadata = file.metadata()?;
        let length = metadata.len();
        let mut reader = BufReader::new(&file);
        let mut head = [0; RECORDS_AT];
        reader.read_exact(&mut head).map_err(cut_off)?;
        if !cipher.opens(&head) {
            return Err(Damage::Damaged.into());
        }
        let file_id = take(&mut &head[HEADER..])?;
        let mark = cipher.open_mark(&file_id, &head[MARK_AT..])?;
        let mut log = Self {
            path: path.to_owned(),
            file: file.try_clone()?,
            file_id,
            index: BTreeMap::new(),
            end: RECORDS_AT as u64,
            last_tag: file_id,
            has_torn_tail: false,
            current: 0,
            seen: Seen::of(&metadata),
        };
        while log.end < length {
            match read_record(&mut reader, &log.place(), length - log.end, cipher) {
                Ok((record, bytes)) => log.add(record.item, record.value.is_some(), &bytes),
                Err(LogError::Damage(_)) if log.end >= mark.end => {
                    tracing::warn!("the secret file ends in a write that was cut off");
                    log.has_torn_tail = true;
                    break;
                }
                Err(error) => return Err(error),
            }
            if log.end == mark.end && log.last_tag != mark.tag {
                return Err(Damage::Damaged.into());
            }
        }
        if log.end < mark.end {
            return Err(Damage::Damaged.into());
        }
        Ok(log)
    }

    /// Whether the file is still the one that was opened, as it was left; an error if it is gone.
    pub(super) fn is_unchanged(&self) -> io::Result<bool> {
        Ok(Seen::of(&fs::metadata(&self.path)?) == self.seen)
    }

    pub(super) fn items(&self) -> impl Iterator<Item = ItemName> + '_ {
        self.index.keys().copied()
    }

    pub(super) fn contains(&self, item: &ItemName) -> bool {
        self.index.contains_key(item)
    }

    /// Decrypts the value of an item.
    pub(super) fn read(
        &self,
        item: &ItemName,
        cipher: &Cipher,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, LogError> {
        let Some(location) = self.index.get(item) else {
            return Ok(None);
        };
        let mut file = &self.file;
        // The tag of the record before stands just before it; the mark is before the first one.
        let is_first = location.offset == RECORDS_AT as u64;
        let previous = if is_first {
            self.file_id
        } else {
            file.seek(SeekFrom::Start(location.offset - TAG as u64))?;
            let mut tag = [0; TAG];
            file.read_exact(&mut tag).map_err(cut_off)?;
            tag
        };
        file.seek(SeekFrom::Start(location.offset))?;
        let place = Place {
            file_id: self.file_id,
            offset: location.offset,
            previous,
        };
        let (record, _) = read_record(&mut file, &place, location.size, cipher)?;
        if record.item != *item {
            return Err(Damage::Damaged.into());
        }
        Ok(record.value)
    }

    /// Writes a new value of an item, or its deletion: on the disk when this returns. After an error
    /// the old value is still there.
    pub(super) fn append(
        &mut self,
        item: ItemName,
        value: Option<&[u8]>,
        cipher: &Cipher,
    ) -> Result<(), LogError> {
        let bytes = cipher.seal_record(&self.place(), item, value, random()?);
        if let Err(error) = self.write_record(&bytes) {
            // Best effort: what remains is taken for a torn tail, and cut off by the next write.
            self.has_torn_tail = true;
            let _ = self.cut_torn_tail();
            self.seen = Seen::of(&self.file.metadata()?);
            return Err(error.into());
        }
        self.add(item, value.is_some(), &bytes);
        self.seen = Seen::of(&self.file.metadata()?);
        if let Err(error) = self.write_mark(cipher) {
            // The record is on the disk all the same.
            tracing::warn!(%error, "the mark of the secret file was not moved");
        }
        failpoint!("file_store.mark_written");
        self.rewrite_if_outdated(cipher);
        Ok(())
    }

    fn write_record(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.cut_torn_tail()?;
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        failpoint!("file_store.record_written");
        self.file.sync_data()?;
        failpoint!("file_store.record_synced");
        Ok(())
    }

    fn cut_torn_tail(&mut self) -> io::Result<()> {
        if self.has_torn_tail {
            self.file.set_len(self.end)?;
            self.has_torn_tail = false;
        }
        Ok(())
    }

    /// Not waited for: an older mark is as good after a crash.
    fn write_mark(&mut self, cipher: &Cipher) -> Result<(), LogError> {
        let mark = Mark {
            end: self.end,
            tag: self.last_tag,
        };
        let bytes: [u8; MARK] = cipher.seal_mark(&self.file_id, mark, random()?);
        self.file.seek(SeekFrom::Start(MARK_AT as u64))?;
        Ok(self.file.write_all(&bytes)?)
    }

    fn rewrite_if_outdated(&mut self, cipher: &Cipher) {
        let outdated = self.end - RECORDS_AT as u64 - self.current;
        if outdated <= self.current.max(MAX_OUTDATED) {
            return;
        }
        let records = self.index.keys().map(|item| {
            let value = self.read(item, cipher)?;
            Ok((*item, value.ok_or(Damage::Damaged)?))
        });
        match Self::create(&self.path, cipher, records) {
            Ok(log) => *self = log,
            // The file as it is holds everything; the next write tries again.
            Err(error) => tracing::warn!(%error, "the secret file was not rewritten"),
        }
    }

    /// Where the next record goes.
    fn place(&self) -> Place {
        Place {
            file_id: self.file_id,
            offset: self.end,
            previous: self.last_tag,
        }
    }

    /// Takes note of a record that stands at the end.
    fn add(&mut self, item: ItemName, has_value: bool, bytes: &[u8]) {
        let location = Location {
            offset: self.end,
            size: bytes.len() as u64,
        };
        let outdated = if has_value {
            self.current += location.size;
            self.index.insert(item, location)
        } else {
            self.index.remove(&item)
        };
        self.current -= outdated.map_or(0, |outdated| outdated.size);
        self.end += location.size;
        self.last_tag.copy_from_slice(&bytes[bytes.len() - TAG..]);
    }
}

/// Reads the record at `place`, and its bytes; damage if it does not end within `available`.
fn read_record(
    reader: &mut impl io::Read,
    place: &Place,
    available: u64,
    cipher: &Cipher,
) -> Result<(Record, Vec<u8>), LogError> {
    let mut bytes = vec![0; RECORD_HEADER];
    reader.read_exact(&mut bytes).map_err(cut_off)?;
    let mut rest = &bytes[..];
    let length = u32::from_le_bytes(take(&mut rest)?);
    let nonce: [u8; NONCE] = take(&mut rest)?;
    if RECORD_HEADER as u64 + u64::from(length) > available {
        return Err(Damage::Damaged.into());
    }
    let length = usize::try_from(length).map_err(|_| Damage::Damaged)?;
    bytes.resize(RECORD_HEADER + length, 0);
    reader
        .read_exact(&mut bytes[RECORD_HEADER..])
        .map_err(cut_off)?;
    let record = cipher.open_record(place, nonce, &bytes[RECORD_HEADER..])?;
    Ok((record, bytes))
}

fn cut_off(error: io::Error) -> LogError {
    match error.kind() {
        ErrorKind::UnexpectedEof => Damage::Damaged.into(),
        _ => error.into(),
    }
}

/// Beside `path`: where a whole file is written before it takes that place.
pub(super) fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

pub(super) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| io::Error::other(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}
