//! The provider over real HTTP: as the RFCs want it, with every fault, and as a process.

mod person;
mod protocol;
