//! Sessions and refresh families as runs write them.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::block::Tokens;
use crate::state::str_datum;
use crate::unit::Material;

/// A session as stored (blocks.md, The session).
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// `ses_...`
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// `aal1`, `aal2`, `aal3`
    pub aal: String,
    /// Factors in the order passed.
    pub methods: Vec<String>,
    /// When.
    pub issued_at: Instant,
    /// Until when, whatever is done with it.
    pub expires_at: Instant,
    /// The client that it was made for.
    pub client_id: Option<String>,
    /// It ends when it has not been used for so long, in seconds; none: it does not.
    pub idle_seconds: Option<u64>,
}

/// A family of refresh tokens: each is exchanged for the next one, and all of them end together (RFC 9700 section 4.14).
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// `fam_...`
    pub id: String,
    /// The session that it hangs on.
    pub session_id: String,
    /// The client that it was made for: no other client may use it.
    pub client_id: String,
    /// Whom its access tokens are for.
    pub audience: String,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// Until when: not longer than its session.
    pub expires_at: Instant,
}

/// A refresh token is exchanged: a conflict if it was before, or its family or session has ended.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Of which family.
    pub family_id: String,
    /// The session that the family hangs on.
    pub session_id: String,
    /// Whose.
    pub user_id: String,
    /// SHA-256 of the token that is exchanged.
    pub old: [u8; 32],
    /// SHA-256 of the token that takes its place.
    pub new: [u8; 32],
    /// What the client that does it is bound to.
    pub binding: [u8; 32],
    /// What the client gets: sealed at rest, and given again to the same client only.
    pub pair: Material,
}

impl Tokens {
    /// What a rotation keeps of them.
    ///
    /// # Errors
    /// If they cannot be encoded.
    pub fn pair(&self) -> Result<Material, String> {
        let parts = (&self.access_token, &self.refresh_token, self.expires_at, &self.scope);
        postcard::to_stdvec(&parts).map(Material::new).map_err(|error| error.to_string())
    }

    /// From the bytes of [`Tokens::pair`]: given again. None where they are damaged.
    pub fn of_pair(bytes: &[u8]) -> Option<Self> {
        let (access_token, refresh_token, expires_at, scope) = postcard::from_bytes(bytes).ok()?;
        Some(Self { access_token, refresh_token, expires_at, scope, is_again: true })
    }
}

impl Session {
    /// The record `session` of blocks.md.
    pub fn record(&self) -> Datum {
        Datum::record([
            ("id", str_datum(&self.id)),
            ("user_id", str_datum(&self.user_id)),
            ("aal", str_datum(&self.aal)),
            ("methods", Datum::List(self.methods.iter().map(|method| str_datum(method)).collect())),
            ("issued_at", Datum::Timestamp(self.issued_at)),
            ("expires_at", Datum::Timestamp(self.expires_at)),
        ])
    }
}
