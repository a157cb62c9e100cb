//! Claims of tokens that nobody but the server sets.

/// Claims that a token has a meaning for already (RFC 7519 section 4.1, RFC 9068 section 2, OpenID Connect Core section
/// 2), and our own: neither an Action nor a flow may set them.
pub const RESERVED: &[&str] = &[
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "typ",
    "sid",
    "aal",
    "amr",
    "acr",
    "azp",
    "nonce",
    "auth_time",
    "at_hash",
    "c_hash",
    "s_hash",
    "scope",
    "client_id",
    "cnf",
    "act",
    "may_act",
    "tenant",
];
