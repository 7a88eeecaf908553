//! Serde for the secrets that the API carries by design: the token, the new client key, and a key or token
//! that the person gives. Used as `#[serde(with = "wire_secret::access_token")]`.

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

/// What the person gives, if they do.
pub(crate) mod pasted {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use valetkey_core::secret::PastedSecret;

    #[expect(clippy::ref_option, reason = "serde gives the field")]
    pub(crate) fn serialize<S: Serializer>(
        secret: &Option<PastedSecret>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match secret {
            Some(secret) => serializer.serialize_str(secret.expose()),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<PastedSecret>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(PastedSecret::new))
    }
}
