//! The encrypted file, byte by byte. Numbers are little-endian.
//!
//! ```text
//! 8  "valetkey"      1 version (1)     1 key: 1 passphrase, 2 key file
//! 4  Argon2id memory (KiB)   4 passes   4 lanes   16 salt
//! 16 key check: the tag of an empty message, so that a wrong passphrase is told from damage
//! 24 nonce           then the items, sealed with XChaCha20-Poly1305 and all of the above
//! ```
//! The items: 4 count, then for each 2 name length, name, 4 value length, value.

use std::collections::BTreeMap;

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::store::ItemName;

const MAGIC: &[u8; 8] = b"valetkey";
const VERSION: u8 = 1;
const KEY_HEADER: usize = 8 + 1 + 1 + 12 + 16;
const TAG: usize = 16;
const NONCE: usize = 24;
const HEADER: usize = KEY_HEADER + TAG + NONCE;

pub(super) type Items = BTreeMap<ItemName, Zeroizing<Vec<u8>>>;

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
    header: [u8; KEY_HEADER + TAG],
    aead: XChaCha20Poly1305,
}

impl KeyHeader {
    pub(super) fn read(file: &[u8]) -> Result<Self, Damage> {
        if !file.starts_with(MAGIC) {
            return Err(Damage::Foreign);
        }
        let mut rest = &file[MAGIC.len()..];
        match take::<1>(&mut rest)? {
            [VERSION] => {}
            [version] => return Err(Damage::Newer(version)),
        }
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
            kind,
            cost,
            salt: take(&mut rest)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let kind = match self.kind {
            KeyKind::Passphrase => 1,
            KeyKind::KeyFile => 2,
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend([VERSION, kind]);
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
        // The nonce of zeros is used for this one message only; items are sealed under random ones.
        let check = aead
            .encrypt(
                &XNonce::default(),
                Payload {
                    msg: &[],
                    aad: &start,
                },
            )
            .expect("an empty message can be sealed");
        let mut header = [0; KEY_HEADER + TAG];
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

    pub(super) fn seal(&self, items: &Items, nonce: [u8; NONCE]) -> Vec<u8> {
        let mut file = self.header.to_vec();
        file.extend(nonce);
        let plain = encode(items);
        let payload = Payload {
            msg: &plain,
            aad: &file,
        };
        let sealed = self
            .aead
            .encrypt(&nonce.into(), payload)
            .expect("items are far below 256 GiB");
        file.extend(sealed);
        file
    }

    pub(super) fn unseal(&self, file: &[u8]) -> Result<Items, Damage> {
        if file.len() < HEADER || !self.opens(file) {
            return Err(Damage::Damaged);
        }
        let (header, sealed) = file.split_at(HEADER);
        let nonce: [u8; NONCE] = header[KEY_HEADER + TAG..]
            .try_into()
            .map_err(|_| Damage::Damaged)?;
        let plain = self
            .aead
            .decrypt(
                &nonce.into(),
                Payload {
                    msg: sealed,
                    aad: header,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| Damage::Damaged)?;
        decode(&plain)
    }
}

fn encode(items: &Items) -> Zeroizing<Vec<u8>> {
    let length = |bytes: usize| u32::try_from(bytes).expect("an item is far below 4 GiB");
    // Reserved at once: growing would leave copies of secrets behind in freed memory.
    let size = items.values().map(|value| value.len() + 64).sum::<usize>() + 4;
    let mut plain = Zeroizing::new(Vec::with_capacity(size));
    plain.extend(length(items.len()).to_le_bytes());
    for (name, value) in items {
        let name = name.to_string();
        plain.extend(
            u16::try_from(name.len())
                .expect("names are short")
                .to_le_bytes(),
        );
        plain.extend(name.as_bytes());
        plain.extend(length(value.len()).to_le_bytes());
        plain.extend_from_slice(value);
    }
    plain
}

fn decode(mut plain: &[u8]) -> Result<Items, Damage> {
    let rest = &mut plain;
    let count = u32::from_le_bytes(take(rest)?);
    let mut items = Items::new();
    for _ in 0..count {
        let length = u16::from_le_bytes(take(rest)?).into();
        let name = std::str::from_utf8(take_slice(rest, length)?).map_err(|_| Damage::Damaged)?;
        let name: ItemName = name.parse().map_err(|_| Damage::Damaged)?;
        let length = u32::from_le_bytes(take(rest)?);
        let value = take_slice(rest, usize::try_from(length).map_err(|_| Damage::Damaged)?)?;
        items.insert(name, Zeroizing::new(value.to_vec()));
    }
    if rest.is_empty() {
        Ok(items)
    } else {
        Err(Damage::Damaged)
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (head, tail) = rest.split_first_chunk().ok_or(Damage::Damaged)?;
    *rest = tail;
    Ok(*head)
}

fn take_slice<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], Damage> {
    let (head, tail) = rest.split_at_checked(length).ok_or(Damage::Damaged)?;
    *rest = tail;
    Ok(head)
}
