//! What an error of the token endpoint means.
