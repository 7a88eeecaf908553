//! What a token endpoint said, in whichever dialect.
