//! The encrypted file, byte by byte. Numbers are little-endian.
//!
//! ```text
//!   0   8 "valetkey"     1 version (2)     1 key: 1 passphrase, 2 key file
//!  10   4 Argon2id memory (KiB)   4 passes   4 lanes   16 salt
//!  38  16 key check: the tag of an empty message, so that a wrong passphrase is told from damage
//!  54  16 file id, random: a record of another file does not open in this one
//!  70   8 end   16 tag   24 nonce   16 seal: the mark, see [`Mark`]
//! 134  records, each: 4 length of the sealed part   24 nonce   sealed part
//! ```
//! All seals are XChaCha20-Poly1305 under random nonces. A record is sealed with its offset and the
//! tag of the record before it, so none can be changed, moved, repeated or left out. Its plain text:
//! 1 (1 value, 0 deletion), 2 length of the name, name, value.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::secret_store::ItemName;

const MAGIC: &[u8; 8] = b"valetkey";
const KEY_HEADER: usize = 8 + 1 + 1 + 12 + 16;
pub(super) const TAG: usize = 16;
pub(super) const NONCE: usize = 24;
/// With the key check: what every version begins with.
pub(super) const HEADER: usize = KEY_HEADER + TAG;
pub(super) const MARK_AT: usize = HEADER + TAG;
pub(super) const MARK: usize = 8 + TAG + NONCE + TAG;
/// Where the first record begins.
pub(super) const RECORDS_AT: usize = MARK_AT + MARK;
/// Of a record, before its sealed part.
pub(super) const RECORD_HEADER: usize = 4 + NONCE;

/// The authenticator of a sealed message.
pub(super) type Tag = [u8; TAG];

/// The layout of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileVersion {
    /// All items sealed together.
    One,
    /// Each item sealed by itself.
    Two,
}

/// What the key is made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyKind {
    Passphrase,
    KeyFile,
}

/// How much work it is to try one passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    /// RFC 9106, section 4, the second recommended choice, in one lane (a lane is a thread).
    fn default() -> Self {
        Self {
            memory: 64 * 1024,
            passes: 3,
            lanes: 1,
        }
    }
}

impl Cost {
    /// A damaged header must not make the machine swap.
    const fn is_sane(self) -> bool {
        self.memory <= 256 * 1024 && self.passes <= 16 && self.lanes <= 16
    }
}

/// The part of the header that makes the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyHeader {
    pub(super) version: FileVersion,
    pub(super) kind: KeyKind,
    pub(super) cost: Cost,
    pub(super) salt: [u8; 16],
}

/// The file is damaged, or not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Damage {
    #[error("it is no secret file of Valet Key")]
    Foreign,
    #[error("it was written by a newer Valet Key (format {0})")]
    Newer(u8),
    #[error("it is damaged")]
    Damaged,
}

/// The cipher with the header that leads to it. Derived once per start.
pub(super) struct Cipher {
    pub(super) header: [u8; HEADER],
    pub(super) aead: XChaCha20Poly1305,
}

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file_id: Tag,
    pub(super) offset: u64,
    /// Tag of the record before it; the file id before the first one.
    pub(super) previous: Tag,
}

/// A new value of an item, or None for its deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) item: ItemName,
    pub(super) value: Option<Zeroizing<Vec<u8>>>,
}

/// How far the file is known to be on the disk. A record beyond the mark that does not open is one
/// that a crash cut off; before the mark it is damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) end: u64,
    /// Of the last record before `end`.
    pub(super) tag: Tag,
}

impl KeyHeader {
    pub(super) fn read(file: &[u8]) -> Result<Self, Damage> {
        if !file.starts_with(MAGIC) {
            return Err(Damage::Foreign);
        }
        let mut rest = &file[MAGIC.len()..];
        let version = match take::<1>(&mut rest)? {
            [1] => FileVersion::One,
            [2] => FileVersion::Two,
            [version] => return Err(Damage::Newer(version)),
        };
        let kind = match take::<1>(&mut rest)? {
            [1] => KeyKind::Passphrase,
            [2] => KeyKind::KeyFile,
            [_] => return Err(Damage::Damaged),
        };
        let mut number = || take(&mut rest).map(u32::from_le_bytes);
        let cost = Cost {
            memory: number()?,
            passes: number()?,
            lanes: number()?,
        };
        if !cost.is_sane() {
            return Err(Damage::Damaged);
        }
        Ok(Self {
            version,
            kind,
            cost,
            salt: take(&mut rest)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let version = match self.version {
            FileVersion::One => 1,
            FileVersion::Two => 2,
        };
        let kind = match self.kind {
            KeyKind::Passphrase => 1,
            KeyKind::KeyFile => 2,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, kind]);
        for number in [self.cost.memory, self.cost.passes, self.cost.lanes] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(self.salt);
        bytes
    }

    /// Argon2id, then the cipher.
    pub(super) fn derive(&self, secret: &[u8]) -> Result<Cipher, Damage> {
        let Cost {
            memory,
            passes,
            lanes,
        } = self.cost;
        let mut key = Zeroizing::new([0; 32]);
        let params = Params::new(memory, passes, lanes, Some(key.len()));
        Argon2::new(
            Algorithm::Argon2id,
            Version::V0x13,
            params.map_err(|_| Damage::Damaged)?,
        )
        .hash_password_into(secret, &self.salt, &mut *key)
        .map_err(|_| Damage::Damaged)?;
        let aead = XChaCha20Poly1305::new((&*key).into());
        let start = self.write();
        // The nonce of zeros is used for this one message only: another version of the file has
        // another salt, and so another key.
        let check = aead
            .encrypt(
                &XNonce::default(),
                Payload {
                    msg: &[],
                    aad: &start,
                },
            )
            .expect("an empty message can be sealed");
        let mut header = [0; HEADER];
        header[..KEY_HEADER].copy_from_slice(&start);
        header[KEY_HEADER..].copy_from_slice(&check);
        Ok(Cipher { header, aead })
    }
}

impl Cipher {
    /// Whether this key made the file.
    pub(super) fn opens(&self, file: &[u8]) -> bool {
        file.starts_with(&self.header)
    }

    /// The record's bytes in the file. Its tag is their end.
    pub(super) fn seal_record(
        &self,
        place: &Place,
        item: ItemName,
        value: Option<&[u8]>,
        nonce: [u8; NONCE],
    ) -> Vec<u8> {
        let name = item.to_string();
        let name_length = u16::try_from(name.len()).expect("names are short");
        let size = 3 + name.len() + value.map_or(0, <[u8]>::len);
        // Reserved at once: growing would leave copies of secrets behind in freed memory.
        let mut plain = Zeroizing::new(Vec::with_capacity(size));
        plain.push(u8::from(value.is_some()));
        plain.extend(name_length.to_le_bytes());
        plain.extend(name.as_bytes());
        plain.extend_from_slice(value.unwrap_or_default());
        let sealed = self
            .aead
            .encrypt(
                &nonce.into(),
                Payload {
                    msg: &plain,
                    aad: &self.record_aad(place),
                },
            )
            .expect("an item is far below 256 GiB");
        let length = u32::try_from(sealed.len()).expect("an item is far below 4 GiB");
        let mut bytes = Vec::with_capacity(RECORD_HEADER + sealed.len());
        bytes.extend(length.to_le_bytes());
        bytes.extend(nonce);
        bytes.extend(sealed);
        bytes
    }

    pub(super) fn open_record(
        &self,
        place: &Place,
        nonce: [u8; NONCE],
        sealed: &[u8],
    ) -> Result<Record, Damage> {
        let payload = Payload {
            msg: sealed,
            aad: &self.record_aad(place),
        };
        let plain = self
            .aead
            .decrypt(&nonce.into(), payload)
            .map(Zeroizing::new)
            .map_err(|_| Damage::Damaged)?;
        let mut rest = &plain[..];
        let [has_value] = take(&mut rest)?;
        let length = u16::from_le_bytes(take(&mut rest)?).into();
        let name = std::str::from_utf8(take_slice(&mut rest, length)?);
        let item = name.map_err(|_| Damage::Damaged)?.parse();
        Ok(Record {
            item: item.map_err(|_| Damage::Damaged)?,
            value: (has_value == 1).then(|| Zeroizing::new(rest.to_vec())),
        })
    }

    fn record_aad(&self, place: &Place) -> Vec<u8> {
        let offset = place.offset.to_le_bytes();
        [
            &self.header[..],
            &place.file_id,
            b"record",
            &offset,
            &place.previous,
        ]
        .concat()
    }

    pub(super) fn seal_mark(&self, file_id: &Tag, mark: Mark, nonce: [u8; NONCE]) -> [u8; MARK] {
        let payload = Payload {
            msg: &[],
            aad: &self.mark_aad(file_id, mark),
        };
        let seal = self
            .aead
            .encrypt(&nonce.into(), payload)
            .expect("an empty message can be sealed");
        let mut bytes = [0; MARK];
        bytes[..8].copy_from_slice(&mark.end.to_le_bytes());
        bytes[8..8 + TAG].copy_from_slice(&mark.tag);
        bytes[8 + TAG..][..NONCE].copy_from_slice(&nonce);
        bytes[8 + TAG + NONCE..].copy_from_slice(&seal);
        bytes
    }

    pub(super) fn open_mark(&self, file_id: &Tag, bytes: &[u8]) -> Result<Mark, Damage> {
        let mut rest = bytes;
        let mark = Mark {
            end: u64::from_le_bytes(take(&mut rest)?),
            tag: take(&mut rest)?,
        };
        let nonce: [u8; NONCE] = take(&mut rest)?;
        let payload = Payload {
            msg: rest,
            aad: &self.mark_aad(file_id, mark),
        };
        self.aead
            .decrypt(&nonce.into(), payload)
            .map_err(|_| Damage::Damaged)?;
        Ok(mark)
    }

    fn mark_aad(&self, file_id: &Tag, mark: Mark) -> Vec<u8> {
        let end = mark.end.to_le_bytes();
        [&self.header[..], file_id, b"mark", &end, &mark.tag].concat()
    }
}

pub(super) fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (head, tail) = rest.split_first_chunk().ok_or(Damage::Damaged)?;
    *rest = tail;
    Ok(*head)
}

pub(super) fn take_slice<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damage> {
    let (head, tail) = rest.split_at_checked(length).ok_or(Damage::Damaged)?;
    *rest = tail;
    Ok(head)
}
