//! Who relies on whom: the OpenID providers that we rely on, and the clients that rely on us.

/// An OpenID provider that users sign in at (OpenID Connect Core 1.0).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name in flows: a slug.
    pub name: String,
    /// Its issuer identifier: the URL that its discovery document lies below.
    pub issuer: String,
    /// Our id there.
    pub client_id: String,
    /// The name of the secret that proves us: a client secret, or a private key as PKCS #8 in PEM. None: the tenant's signing key
    /// with [`ClientAuthentication::PrivateKeyJwt`], else a public client, which only PKCE protects.
    pub secret: Option<String>,
    /// How we prove ourselves.
    pub authentication: ClientAuthentication,
    /// Scopes that are asked for where the flow names none. `openid` is always asked for.
    pub scopes: Vec<String>,
    /// Where the provider sends the user back to: exactly as registered there, but for the port of a loopback address (RFC 8252
    /// section 7.3).
    pub redirect_uri: String,
    /// Signature algorithms of its ID tokens that are taken.
    pub algorithms: Vec<String>,
}

/// How a client proves itself at the token endpoint (OpenID Connect Core 1.0 section 9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuthentication {
    /// Id and secret in the header field `Authorization`.
    SecretBasic,
    /// Id and secret in the body.
    SecretPost,
    /// A JWT that we sign (RFC 7523).
    PrivateKeyJwt,
    /// Not at all.
    None,
}

impl ClientAuthentication {
    const ALL: [Self; 4] = [Self::SecretBasic, Self::SecretPost, Self::PrivateKeyJwt, Self::None];

    /// Its name in OpenID Connect Discovery.
    pub fn word(self) -> &'static str {
        match self {
            Self::SecretBasic => "client_secret_basic",
            Self::SecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }

    /// By its name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.word() == word)
    }
}

/// A client that sessions and tokens are made for, as far as logging out needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthClient {
    /// Its id: `event.client.id`.
    pub id: String,
    /// Where it may have users sent to after they have logged out: exactly these.
    pub post_logout_redirect_uris: Vec<String>,
    /// Where it is told of sessions that ended (OpenID Connect Back-Channel Logout 1.0).
    pub backchannel_logout_uri: Option<String>,
    /// The page that is loaded in a frame when its user logs out (OpenID Connect Front-Channel Logout 1.0).
    pub frontchannel_logout_uri: Option<String>,
}
