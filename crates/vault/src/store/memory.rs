//! A store that ends with the process.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::secret_store::{ItemName, SecretStore};

/// Keeps items in memory only; wiped on drop.
#[derive(Default)]
pub struct MemoryStore {
    items: BTreeMap<ItemName, Zeroizing<Vec<u8>>>,
}

impl SecretStore for MemoryStore {
    fn check(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.items.get(item).cloned())
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        self.items.insert(*item, Zeroizing::new(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.items.remove(item);
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        Ok(self.items.keys().copied().collect())
    }
}
