//! Read your writes: what the store says, with what this request has written laid over it.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::block::Call;
use crate::execute::patch_metadata;
use crate::host::{Credential, Secret, StoreError};
use crate::state::{str_datum, text_field};
use crate::unit::user::{has_identifier, put};
use crate::unit::{CredentialInfo, Unit, Write};

impl Call<'_> {
    /// A user as this run sees it: also one that it has made itself, with all that it has written.
    pub async fn user(&self, id: &str) -> Result<Option<Datum>, StoreError> {
        let store = self.host.store();
        let stored = match store.user(self.tenant, id).await? {
            Some(user) => Some(user),
            None => store.pending_user(self.tenant, self.run_id, id).await?,
        };
        self.with_factors(self.unit.user(stored, id, self.now)).await
    }

    /// As [`Call::user`], by e-mail address, phone number or user name. The same reads are done whether there is one or not.
    pub async fn user_by_identifier(&self, identifier: &str) -> Result<Option<Datum>, StoreError> {
        let store = self.host.store();
        let stored = store.user_by_identifier(self.tenant, identifier).await?;
        let pending = store.pending_user(self.tenant, self.run_id, identifier).await?;
        // Whoever the store finds may have been given another identifier by this run, and the other way round.
        let candidates = stored.or(pending).into_iter().filter_map(|user| {
            let id = text_field(&user, "id")?.to_owned();
            self.unit.user(Some(user), &id, self.now)
        });
        let found = candidates.into_iter().find(|user| has_identifier(user, identifier));
        if found.is_some() {
            return self.with_factors(found).await;
        }
        for id in self.unit.users_written() {
            let user = self.user(id).await?;
            if user.as_ref().is_some_and(|user| has_identifier(user, identifier)) {
                return Ok(user);
            }
        }
        Ok(None)
    }

    /// The credentials of a user of one kind with their material, those that this request has written too and without those
    /// that it has deleted or taken.
    pub async fn credentials(&self, user_id: &str, kind: &str) -> Result<Vec<Credential>, StoreError> {
        let mut known = self.host.store().credentials(self.tenant, user_id, kind).await?;
        for write in &self.unit.writes {
            if let Write::InsertCredential(new) = write
                && new.user_id == user_id
                && new.kind == kind
            {
                known.push(Credential {
                    id: new.id.clone(),
                    user_id: new.user_id.clone(),
                    material: Secret::new(new.material.expose()),
                    last_step: None,
                    counter: new.counter,
                    data: new.data.clone(),
                    created_at: self.now,
                });
            }
            if let Write::SetPassword { user_id: whose, credential_id, hash } = write
                && whose == user_id
                && kind == "password"
            {
                known.clear();
                known.push(Credential {
                    id: credential_id.clone(),
                    user_id: user_id.to_owned(),
                    material: Secret::new(hash.expose()),
                    last_step: None,
                    counter: None,
                    data: Datum::Map(Vec::new()),
                    created_at: self.now,
                });
            }
            if let Some(gone) = gone(write) {
                known.retain(|credential| credential.id != gone);
            }
            for credential in &mut known {
                match write {
                    Write::TakeTotpStep { credential_id, step } if *credential_id == credential.id => {
                        credential.last_step = credential.last_step.max(Some(*step));
                    }
                    Write::AdvanceCounter { credential_id, to } if *credential_id == credential.id => {
                        credential.counter = credential.counter.max(Some(*to));
                    }
                    Write::UpdateCredential { credential_id, data, .. } if *credential_id == credential.id => {
                        credential.data = data.clone();
                    }
                    // Nothing else changes a credential that stays.
                    _ => {}
                }
            }
        }
        Ok(known)
    }

    /// All credentials of a user that can be used, without their material, in the order of their ids.
    pub async fn credential_list(&self, user_id: &str) -> Result<Vec<CredentialInfo>, StoreError> {
        let mut known = self.host.store().credential_list(self.tenant, user_id).await?;
        for write in &self.unit.writes {
            if let Write::InsertCredential(new) = write
                && new.user_id == user_id
            {
                let (id, kind, data) = (new.id.clone(), new.kind.clone(), new.data.clone());
                known.push(CredentialInfo { id, kind, data, created_at: self.now });
            }
            if let Write::SetPassword { user_id: whose, credential_id, .. } = write
                && whose == user_id
            {
                known.retain(|credential| credential.kind != "password");
                let (id, kind, data) = (credential_id.clone(), "password".to_owned(), Datum::Map(Vec::new()));
                known.push(CredentialInfo { id, kind, data, created_at: self.now });
            }
            if let Some(gone) = gone(write) {
                known.retain(|credential| credential.id != gone);
            }
            if let Write::UpdateCredential { credential_id, data, .. } = write {
                for credential in known.iter_mut().filter(|credential| credential.id == *credential_id) {
                    credential.data = data.clone();
                }
            }
        }
        Ok(known)
    }

    /// `factors` is what credentials there are, so it is read again where this request has changed them.
    async fn with_factors(&self, user: Option<Datum>) -> Result<Option<Datum>, StoreError> {
        let Some(mut user) = user else { return Ok(None) };
        let Some(id) = text_field(&user, "id").map(str::to_owned) else { return Ok(Some(user)) };
        if self.unit.writes.iter().any(Write::changes_credentials) {
            let known = self.credential_list(&id).await?;
            put(&mut user, "factors", Some(factors(known.iter().map(|credential| credential.kind.as_str()))));
        }
        Ok(Some(user))
    }
}

impl Unit {
    /// A user as the writes so far leave it. `stored` is what the store says.
    pub fn user(&self, stored: Option<Datum>, id: &str, now: Instant) -> Option<Datum> {
        let mut user = stored;
        for write in &self.writes {
            match (write, &mut user) {
                (Write::InsertUser(new), user) if new.id == id => *user = Some(new.record(now)),
                (Write::UpdateUser { user_id, changes }, Some(user)) if user_id == id => {
                    *user = changes.over(user.clone())
                }
                (Write::SetVerified { user_id, what, .. }, Some(user)) if user_id == id => {
                    put(user, what.flag(), Some(Datum::Bool(true)));
                }
                (Write::PatchAppMetadata { user_id, patches }, Some(known)) if user_id == id => {
                    *known = patch_metadata(known, patches).unwrap_or_else(|_| known.clone());
                }
                // Nothing else changes what a user is.
                _ => {}
            }
        }
        user
    }

    /// Ids of users that are made or changed.
    fn users_written(&self) -> impl Iterator<Item = &str> {
        self.writes.iter().filter_map(|write| match write {
            Write::InsertUser(new) => Some(new.id.as_str()),
            Write::UpdateUser { user_id, .. } => Some(user_id.as_str()),
            _ => None,
        })
    }
}

/// The credential that is gone after this write.
fn gone(write: &Write) -> Option<&str> {
    match write {
        Write::DeleteCredential { credential_id, .. } | Write::TakeCredential { credential_id } => Some(credential_id),
        _ => None,
    }
}

/// `event.user.factors` of these kinds of credentials: each once, in the order of their names. A token that counts is asked
/// for as an app is; a device that is trusted is no factor.
pub fn factors<'a>(kinds: impl Iterator<Item = &'a str>) -> Datum {
    let kinds = kinds.filter(|kind| !matches!(*kind, "password" | "social" | "trusted_device"));
    let mut kinds: Vec<&str> = kinds.map(|kind| if kind == "hotp" { "totp" } else { kind }).collect();
    kinds.sort_unstable();
    kinds.dedup();
    Datum::List(kinds.into_iter().map(str_datum).collect())
}
