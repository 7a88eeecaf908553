//! The agent through its public handle, in front of the demo provider.

mod accounts;
mod alarms;
mod audit;
mod authenticators;
mod callback;
mod certificate;
mod consents;
mod dialects;
mod faults;
mod fix_client;
mod hang_ups;
mod keychain;
mod keychain_leads;
mod keychain_start;
mod keys;
mod main_job;
mod races;
mod refusals;
mod removals;
mod secrets;
mod serving;
mod shared_consent;
mod sign_ins;
mod stops;
mod support;
mod trust;
