//! Arguments of the commands about authenticators.

use std::path::PathBuf;

use clap::Args;
use clap_complete::engine::ArgValueCompleter;

use crate::completion;

/// `valetkey add`
#[derive(Debug, Args)]
#[command(
    override_usage = "valetkey add <PROVIDER> --client-id <ID> [OPTIONS]\n       \
                            valetkey add <URL> [OPTIONS]\n       \
                            valetkey add <PROVIDER> --api-keys-only [OPTIONS]\n       \
                            valetkey add --config <FILE> [OPTIONS]",
    after_help = "What is not given comes from the provider's entry in the catalogue."
)]
pub(crate) struct Add {
    /// A provider of the catalogue (see `valetkey providers`), `custom`, or the URL of an MCP server or
    /// issuer, which says the rest itself
    pub(crate) provider: Option<String>,
    /// With a URL: the https URL of a document about your client, which becomes its id
    #[arg(long, value_name = "URL")]
    pub(crate) client_metadata_url: Option<String>,
    /// With a URL: add what was found without asking
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) fields: Fields,
    #[command(flatten)]
    pub(crate) secret: Secret,
}

impl Add {
    /// Whether the file alone says everything.
    pub(crate) fn is_config_alone(&self) -> bool {
        let Self {
            provider,
            client_metadata_url,
            yes,
            fields,
            secret,
        } = self;
        let fields = Fields {
            config: None,
            ..fields.clone()
        };
        provider.is_none()
            && client_metadata_url.is_none()
            && !yes
            && fields == Fields::default()
            && *secret == Secret::default()
    }
}

/// `valetkey update`
#[derive(Debug, Args)]
pub(crate) struct Update {
    /// The authenticator
    #[arg(add = ArgValueCompleter::new(completion::authenticators))]
    pub(crate) authenticator: String,
    #[command(flatten)]
    pub(crate) fields: Fields,
    #[command(flatten)]
    pub(crate) secret: Secret,
    /// Forget the client secret or private key
    #[arg(long, conflicts_with = "secret")]
    pub(crate) no_client_secret: bool,
    /// Use the endpoints that your own file of its provider names now
    #[arg(long)]
    pub(crate) accept_endpoints: bool,
    /// Even if its logins or its client secret are then sent to another server
    #[arg(long)]
    pub(crate) force: bool,
}

impl Update {
    /// Whether anything is to be another than before.
    pub(crate) fn changes_something(&self) -> bool {
        self.no_client_secret
            || self.accept_endpoints
            || self.fields != Fields::default()
            || self.secret != Secret::default()
    }
}

/// The fields of an authenticator; each wins over the config file.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct Fields {
    /// Read the fields from a JSON file (`-`: stdin); `${NAME}` stands for an environment variable
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The short name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// OAuth client id
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// Scopes to ask for, separated by commas
    #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
    pub(crate) scopes: Option<Vec<String>>,
    /// Redirect URI, as it is registered at the provider
    #[arg(long, value_name = "URI")]
    pub(crate) redirect_uri: Option<String>,
    /// Tenant, where the provider has them (Microsoft); the same as `--set tenant=...`
    #[arg(long)]
    pub(crate) tenant: Option<String>,
    /// A value for the provider's URLs, such as `domain=example.okta.com`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) placeholders: Vec<(String, String)>,
    /// Authorization endpoint
    #[arg(long, value_name = "URL")]
    pub(crate) authorize_url: Option<String>,
    /// Token endpoint
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// Device authorization endpoint (RFC 8628)
    #[arg(long, value_name = "URL")]
    pub(crate) device_authorization_url: Option<String>,
    /// Push authorization requests to this endpoint (RFC 9126), also if the provider does not require it
    #[arg(long, value_name = "URL")]
    pub(crate) pushed_authorization_url: Option<String>,
    /// Revocation endpoint (RFC 7009)
    #[arg(long, value_name = "URL")]
    pub(crate) revocation_url: Option<String>,
    /// Userinfo endpoint (OpenID Connect)
    #[arg(long, value_name = "URL")]
    pub(crate) userinfo_url: Option<String>,
    /// Issuer identifier
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// The service that tokens are for (RFC 8707), such as `https://mcp.example.com/mcp`; sent as it is
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Option<String>,
    /// How tokens are obtained: `authorization_code` (a person signs in), `client_credentials` (the client
    /// asks for itself) or `token_exchange` (the token of another connection is exchanged)
    #[arg(long, value_name = "TYPE")]
    pub(crate) grant_type: Option<String>,
    /// With `token_exchange`: the connection whose token is exchanged, such as `github/work`
    #[arg(long, value_name = "CONNECTION")]
    pub(crate) subject: Option<String>,
    /// With `client_credentials` and `token_exchange`: for whom the token is
    #[arg(long, value_name = "AUDIENCE")]
    pub(crate) audience: Option<String>,
    /// With `token_exchange`: what it shall bring
    #[arg(long, value_name = "URI")]
    pub(crate) requested_token_type: Option<String>,
    /// Client authentication: `none`, `client_secret_basic`, `client_secret_post`, `secret_as_user`,
    /// `private_key_jwt` or `client_secret_jwt`
    #[arg(long, value_name = "METHOD")]
    pub(crate) client_auth: Option<String>,
    /// To whom the client's assertions are addressed, if not to the issuer or the token endpoint
    #[arg(long, value_name = "AUDIENCE")]
    pub(crate) assertion_audience: Option<String>,
    /// Bind tokens to a key (RFC 9449), so that they are used through the proxy alone: `required`, or
    /// `preferred` where the provider may give others
    #[arg(long, value_name = "required|preferred")]
    pub(crate) dpop: Option<String>,
    /// A host that the proxy may send tokens to, such as `api.example.com`; may be repeated, the first
    /// is the one that is meant if none is named
    #[arg(long = "api-host", value_name = "HOST", value_delimiter = ',')]
    pub(crate) api_hosts: Vec<String>,
    /// Whether the provider issues tokens with fewer scopes at a refresh (RFC 6749, section 6)
    #[arg(long, value_name = "BOOL")]
    pub(crate) narrow_tokens: Option<bool>,
    /// Take PKCE as supported, although the server's metadata does not say so
    #[arg(long)]
    pub(crate) assume_pkce: bool,
    /// Register no client: connections are made from API keys alone (`connect NAME --api-key-stdin`)
    #[arg(long, conflicts_with = "client_id")]
    pub(crate) api_keys_only: bool,
    /// How API requests carry a key, such as `X-Api-Key` or `Authorization: Token`
    #[arg(long, value_name = "HEADER")]
    pub(crate) api_key_header: Option<String>,
    /// A further parameter of the authorize URL; may be repeated
    #[arg(long = "authorize-param", value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) authorize_params: Vec<(String, String)>,
}

/// Where the client secret comes from: never from the command line, which everyone can read.
#[derive(Debug, Default, PartialEq, Args)]
#[group(id = "secret", multiple = false)]
pub(crate) struct Secret {
    /// Read the client secret from stdin
    #[arg(long)]
    pub(crate) client_secret_stdin: bool,
    /// Read the client secret from a file
    #[arg(long, value_name = "FILE")]
    pub(crate) client_secret_file: Option<PathBuf>,
    /// Read the client secret from an environment variable
    #[arg(long, value_name = "VAR")]
    pub(crate) client_secret_env: Option<String>,
    /// Read the client's private key from a file, a PEM (PKCS#8) or a JWK: it signs assertions (RFC 7523)
    #[arg(long, value_name = "FILE")]
    pub(crate) private_key_file: Option<PathBuf>,
}

/// A command that takes one authenticator.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The authenticator, such as `github`
    #[arg(add = ArgValueCompleter::new(completion::authenticators))]
    pub(crate) authenticator: String,
}

/// `valetkey remove`
#[derive(Debug, Args)]
pub(crate) struct Removal {
    /// The authenticator
    #[arg(add = ArgValueCompleter::new(completion::authenticators))]
    pub(crate) authenticator: String,
    /// Disconnect its connections, too
    #[arg(long)]
    pub(crate) force: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write `NAME=VALUE`".to_owned()),
    }
}
