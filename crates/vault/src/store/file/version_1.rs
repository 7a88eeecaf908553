//! The first version of the file, in which all items were sealed together: read once, to migrate.
//!
//! ```text
//!  0  54 as in every version
//! 54  24 nonce    then the items, sealed with all of the above: 4 count,
//!                 then for each 2 length of the name, name, 4 length of the value, value
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead as _, Payload};
use zeroize::Zeroizing;

use super::format::{Cipher, Damage, HEADER, NONCE, take, take_slice};
use super::item_log::LogError;
use crate::secret_store::ItemName;

pub(super) type Items = BTreeMap<ItemName, Zeroizing<Vec<u8>>>;

/// Where a new content was written before it took the place of `path`.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    path.with_file_name(name)
}

/// Reads the items of the file, or of the newer content that a process was killed before putting in
/// its place.
pub(super) fn read(path: &Path, cipher: &Cipher) -> Result<Items, LogError> {
    let items = unseal(cipher, &fs::read(path)?)?;
    let newer = read_unfinished(path, cipher)?;
    if newer.is_some() {
        tracing::info!("a write of the secret file that was interrupted is completed");
    }
    Ok(newer.unwrap_or(items))
}

/// None if there is none, if it was not completed, or if the file was restored since.
fn read_unfinished(path: &Path, cipher: &Cipher) -> io::Result<Option<Items>> {
    let new = unfinished(path);
    let file = match fs::read(&new) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let is_newer = fs::metadata(&new)?.modified()? >= fs::metadata(path)?.modified()?;
    Ok(unseal(cipher, &file).ok().filter(|_| is_newer))
}

fn unseal(cipher: &Cipher, file: &[u8]) -> Result<Items, Damage> {
    if !cipher.opens(file) {
        return Err(Damage::Damaged);
    }
    let (head, sealed) = file
        .split_at_checked(HEADER + NONCE)
        .ok_or(Damage::Damaged)?;
    let nonce: [u8; NONCE] = take(&mut &head[HEADER..])?;
    let payload = Payload {
        msg: sealed,
        aad: head,
    };
    let plain = cipher
        .aead
        .decrypt(&nonce.into(), payload)
        .map(Zeroizing::new)
        .map_err(|_| Damage::Damaged)?;
    decode(&plain)
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
