//! An authenticator as a person writes it, checked as a whole.
