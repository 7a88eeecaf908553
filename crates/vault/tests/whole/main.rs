//! The vault through its public handle: real database, real threads, a store with faults.

mod fixture;
mod grants;
