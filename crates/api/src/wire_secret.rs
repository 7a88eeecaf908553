//! Serde for the few secrets that cross a door by design: the token and client-key replies, and a
//! client secret on its way in. Used as `#[serde(with = "wire_secret::access_token")]`.

macro_rules! wire {
    ($($module:ident: $secret:ident;)*) => {$(
        pub(crate) mod $module {
            use serde::{Deserialize, Deserializer, Serializer};
            use valetkey_core::secret::$secret;

            pub(crate) fn serialize<S: Serializer>(
                secret: &$secret,
                serializer: S,
            ) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(secret.expose())
            }

            pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$secret, D::Error> {
                String::deserialize(deserializer).map($secret::new)
            }
        }
    )*};
}

wire! {
    access_token: AccessToken;
    client_key: ClientKey;
}

/// [`Patch`] of a client secret: absent keeps, null removes it.
pub(crate) mod client_secret_patch {
    use serde::{Deserialize, Deserializer, Serializer};
    use valetkey_core::secret::ClientSecret;

    use crate::patch::Patch;

    pub(crate) fn serialize<S: Serializer>(
        secret: &Patch<ClientSecret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Patch::Keep | Patch::Clear => serializer.serialize_none(),
            Patch::Set(secret) => serializer.serialize_str(secret.expose()),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Patch<ClientSecret>, D::Error> {
        Ok(match Option::<String>::deserialize(deserializer)? {
            None => Patch::Clear,
            Some(text) => Patch::Set(ClientSecret::new(text)),
        })
    }
}

/// An optional client secret.
pub(crate) mod client_secret {
    use serde::{Deserialize, Deserializer, Serializer};
    use valetkey_core::secret::ClientSecret;

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<ClientSecret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            None => serializer.serialize_none(),
            Some(secret) => serializer.serialize_str(secret.expose()),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ClientSecret>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(ClientSecret::new))
    }
}
