//! The connect page: the local link that `auth_required` names. It shows who is wanted and a button;
//! the button starts the sign-in and sends the browser on to the provider.
//!
//! Its address is the only proof asked for, so it is random, short-lived, and kept from everyone
//! else: never cached, never in a referrer of another site, never in a frame.

mod page;

pub(crate) use page::{go_to, gone, not_begun, offer};
