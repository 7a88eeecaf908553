//! Serde for the two secrets that the API carries by design: the token and the new client key. Used
//! as `#[serde(with = "wire_secret::access_token")]`.

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
