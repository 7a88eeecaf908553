//! Secrets: zeroised on drop, printed as `[redacted]`, opened only by `.expose()`.
//!
//! `.expose()` may appear only where a secret leaves by design: the provider request, the secret
//! store, the token reply and the hash that replaces it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

macro_rules! secret {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes ownership of the text; it is wiped when this value is dropped.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The secret itself, for the one place that sends or stores it.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

secret!(
    /// A bearer access token (RFC 6750).
    AccessToken
);
secret!(
    /// A refresh token (RFC 6749, section 6). Leaves the agent only towards provider and keychain.
    RefreshToken
);
secret!(
    /// An OpenID Connect id token, as received.
    IdToken
);
secret!(
    /// The secret of a confidential client (RFC 6749, section 2.3.1).
    ClientSecret
);
secret!(
    /// What a person pasted as a key or token, unread ([`crate::pasted_secret`]).
    PastedSecret
);
secret!(
    /// The code that a device polls the token endpoint with (RFC 8628, section 3.2).
    DeviceCode
);
secret!(
    /// The token that a dynamic registration is changed and deleted with (RFC 7592, section 3).
    RegistrationToken
);
secret!(
    /// The private key that tokens are bound to (RFC 9449): PKCS #8, in base64url.
    DpopKey
);
secret!(
    /// A key of a local program for the loopback listener: `vk_` and 256 random bits.
    ClientKey
);

impl AccessToken {
    /// Names this token in reports and events without revealing it.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(self.expose())
    }
}

/// SHA-256 of a secret, in lower-case hex.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of this text.
    pub fn of(secret: &str) -> Self {
        let digest = Sha256::digest(secret.as_bytes());
        let mut hex = String::with_capacity(64);
        for byte in digest {
            use fmt::Write as _;
            write!(hex, "{byte:02x}").expect("writing to a String cannot fail");
        }
        Self(hex)
    }

    /// Reads a fingerprint that a caller reports; compared, never trusted.
    pub fn from_hex(hex: impl Into<String>) -> Self {
        Self(hex.into().to_ascii_lowercase())
    }

    /// Hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Serde for secrets inside a [`crate::grant::Grant`]: the only type that is written to a store.
macro_rules! stored {
    ($($name:ident),*) => {$(
        impl Serialize for Stored<&$name> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.expose())
            }
        }
        impl<'de> Deserialize<'de> for Stored<$name> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map($name::new).map(Self)
            }
        }
    )*};
}

/// Wraps a secret for the secret store, so that no secret can be serialised by accident.
pub(crate) struct Stored<T>(pub(crate) T);

stored!(AccessToken, RefreshToken, IdToken, DpopKey);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_never_holds_the_secret() {
        let token = AccessToken::new("ya29.secret");
        assert_eq!(format!("{token:?}"), "AccessToken([redacted])");
    }

    #[test]
    fn fingerprint_is_sha256_in_hex() {
        // FIPS 180-2, appendix B.1
        assert_eq!(
            Fingerprint::of("abc").as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
