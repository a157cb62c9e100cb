//! What a commit does to the rows of a tenant: all of it, or nothing.

use admit_eval::datum::Datum;

use super::{Asked, Row, Rows, Suspended, applied, is_user};
use crate::execute::patch_metadata;
use crate::host::{RunCommit, RunEnd, SignIn, StoreError};
use crate::identifier::normalise_identifier;
use crate::state::{field, text_field};
use crate::unit::{Challenge, IDENTIFIERS, Material, Revoke, Write, has_identifier, put};

impl Rows {
    pub(super) fn take_in(&mut self, commit: RunCommit) -> Result<(), StoreError> {
        let last = self.commits.iter().rev().find(|known| known.run_id == commit.run_id);
        let follows = match last {
            None => commit.seq == 0,
            Some(last) => {
                let token = last.suspended.as_ref().map(|row| row.token_hash);
                commit.seq == last.seq + 1 && token.is_some_and(|token| self.taken.contains(&token))
            }
        };
        applied(follows)?;
        if commit.end() == RunEnd::Well {
            self.activate(&commit.run_id)?;
        }
        for write in &commit.unit.writes {
            let result = self.write(&commit, write);
            // Nobody is let in, so that nothing is lost where it was used already.
            if !(result == Err(StoreError::Conflict) && commit.end() == RunEnd::Badly && write.is_use()) {
                result?;
            }
        }
        if commit.end() == RunEnd::Badly {
            self.discard(&commit.run_id);
        }
        self.audit.extend(commit.unit.audit.iter().cloned());
        if let Some(row) = &commit.suspended {
            let suspended =
                Suspended { run_id: commit.run_id.clone(), bundle: commit.bundle, seq: commit.seq, row: row.clone() };
            self.suspended.insert(row.token_hash, suspended);
        }
        self.commits.push(commit);
        Ok(())
    }

    fn write(&mut self, commit: &RunCommit, write: &Write) -> Result<(), StoreError> {
        match write {
            Write::InsertSession(session) => {
                applied(self.may_sign_in(&session.user_id) && !self.sessions.contains_key(&session.id))?;
                self.sessions.insert(session.id.clone(), session.clone());
            }
            Write::InsertFamily(family, first) => self.insert_family(family, *first)?,
            Write::RotateRefresh(rotation) => self.rotate(rotation, commit.at)?,
            Write::RevokeFamily { family_id, session_id } => self.revoke_family(family_id, session_id),
            Write::RehashPassword { user_id, old, new } => {
                let rows = self.credentials.iter_mut();
                for row in rows.filter(|row| row.user_id == *user_id && row.material.expose() == old.as_bytes()) {
                    row.material = Material::new(new.as_bytes());
                }
            }
            Write::TakeTotpStep { credential_id, step } => {
                let row = self.credential(credential_id).filter(|row| row.last_step.is_none_or(|last| last < *step));
                row.ok_or(StoreError::Conflict)?.last_step = Some(*step);
            }
            Write::RecordSignIn { user_id, at, device, country, position, ip } => {
                applied(self.users.contains_key(user_id))?;
                let (device, country) = (device.clone(), country.clone());
                let sign_in = SignIn { at: *at, device, country, position: *position, ip: ip.clone() };
                self.sign_ins.entry(user_id.clone()).or_default().push(sign_in);
            }
            Write::PatchAppMetadata { user_id, patches } => {
                let patched = self.users.get(user_id).and_then(|user| patch_metadata(user, patches).ok());
                if let Some(user) = patched {
                    self.users.insert(user_id.clone(), user);
                }
            }
            Write::InsertInbox(entry) => {
                if !self.inbox.iter().any(|known| known.id == entry.id) {
                    self.inbox.push(entry.clone());
                }
            }
            Write::Enqueue { key, kind, payload } => {
                self.jobs.entry(key.clone()).or_insert_with(|| (kind.clone(), payload.clone()));
            }
            Write::InsertUser(user) => {
                applied(!self.users.contains_key(&user.id))?;
                self.users.insert(user.id.clone(), user.record(commit.at));
                self.pending.insert(user.id.clone(), commit.run_id.clone());
                if commit.end() == RunEnd::Well {
                    self.activate(&commit.run_id)?;
                }
            }
            Write::UpdateUser { user_id, changes } => {
                let user = self.users.get(user_id).cloned().ok_or(StoreError::Conflict)?;
                if !self.pending.contains_key(user_id) {
                    for (_, identifier) in changes.identifiers() {
                        applied(
                            !self.seen().any(|other| !is_user(other, user_id) && has_identifier(other, identifier)),
                        )?;
                    }
                }
                self.users.insert(user_id.clone(), changes.over(user));
            }
            Write::SetVerified { user_id, what, value } => {
                let user = self.users.get_mut(user_id).ok_or(StoreError::Conflict)?;
                let known = text_field(user, what.field()).map(normalise_identifier);
                applied(known == Some(normalise_identifier(value)))?;
                put(user, what.flag(), Some(Datum::Bool(true)));
            }
            Write::InsertCredential(new) => {
                let is_known = |row: &Row| {
                    row.id == new.id
                        || (row.kind == new.kind && new.external_id.is_some() && row.external_id == new.external_id)
                };
                applied(self.users.contains_key(&new.user_id) && !self.credentials.iter().any(is_known))?;
                self.credentials.push(Row::of(new, commit.at));
            }
            Write::UpdateCredential { user_id, credential_id, data } => {
                let row = self.credential(credential_id).filter(|row| row.user_id == *user_id);
                row.ok_or(StoreError::Conflict)?.data = data.clone();
            }
            Write::SetPassword { user_id, credential_id, hash } => {
                applied(self.users.contains_key(user_id))?;
                self.credentials.retain(|row| !(row.user_id == *user_id && row.kind == "password"));
                self.credentials.push(Row {
                    id: credential_id.clone(),
                    user_id: user_id.clone(),
                    kind: "password".to_owned(),
                    material: hash.clone(),
                    last_step: None,
                    counter: None,
                    external_id: None,
                    data: Datum::Map(Vec::new()),
                    created_at: commit.at,
                });
            }
            Write::DeleteCredential { user_id, credential_id } => {
                self.credentials.retain(|row| !(row.id == *credential_id && row.user_id == *user_id));
            }
            Write::TakeCredential { credential_id } => {
                applied(self.credential(credential_id).is_some())?;
                self.credentials.retain(|row| row.id != *credential_id);
            }
            Write::AdvanceCounter { credential_id, to } => {
                let row = self.credential(credential_id).filter(|row| row.counter.is_none_or(|counter| counter < *to));
                row.ok_or(StoreError::Conflict)?.counter = Some(*to);
            }
            Write::InsertChallenge(challenge) => {
                applied(!self.challenges.contains_key(&challenge.id))?;
                let asked = Asked { challenge: Challenge::clone(challenge), attempts: 0, taken: false };
                self.challenges.insert(challenge.id.clone(), asked);
            }
            Write::RenewChallenge { id, secret, expires_at } => {
                let asked = self.challenges.get_mut(id).filter(|asked| !asked.taken).ok_or(StoreError::Conflict)?;
                asked.challenge.secret = secret.clone();
                asked.challenge.expires_at = *expires_at;
            }
            Write::TakeChallenge { id } => {
                let asked = self.challenges.get_mut(id).filter(|asked| !asked.taken);
                let asked = asked.filter(|asked| asked.challenge.expires_at > commit.at).ok_or(StoreError::Conflict)?;
                asked.taken = true;
            }
            Write::RevokeSessions { user_id, which } => {
                let ended = self.sessions.values().filter(|session| {
                    session.user_id == *user_id
                        && match which {
                            Revoke::All => true,
                            Revoke::One(id) => session.id == *id,
                            Revoke::Others(id) => session.id != *id,
                        }
                });
                self.revoked.extend(ended.map(|session| session.id.clone()));
            }
        }
        Ok(())
    }

    /// The users of a run that ended well: their identifiers must still be free.
    pub(super) fn activate(&mut self, run_id: &str) -> Result<(), StoreError> {
        let ids: Vec<String> =
            self.pending.iter().filter(|(_, run)| *run == run_id).map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(user) = self.users.get(&id) else { continue };
            let names = IDENTIFIERS.iter().filter_map(|name| text_field(user, name));
            let taken = names.into_iter().any(|name| self.seen().any(|other| has_identifier(other, name)));
            applied(!taken)?;
            self.pending.remove(&id);
        }
        Ok(())
    }

    pub(super) fn discard(&mut self, run_id: &str) {
        let ids: Vec<String> =
            self.pending.iter().filter(|(_, run)| *run == run_id).map(|(id, _)| id.clone()).collect();
        for id in ids {
            self.pending.remove(&id);
            self.users.remove(&id);
            self.credentials.retain(|row| row.user_id != id);
            self.challenges.retain(|_, asked| asked.challenge.user_id.as_ref() != Some(&id));
        }
    }

    /// Users that runs see.
    pub(super) fn seen(&self) -> impl Iterator<Item = &Datum> {
        self.users.values().filter(|user| self.pending_run(user).is_none())
    }

    pub(super) fn pending_run(&self, user: &Datum) -> Option<&str> {
        self.pending.get(text_field(user, "id")?).map(String::as_str)
    }

    pub(in crate::testing) fn may_sign_in(&self, user_id: &str) -> bool {
        self.seen().any(|user| is_user(user, user_id) && field(user, "blocked") != Some(&Datum::Bool(true)))
    }

    pub(super) fn credential(&mut self, id: &str) -> Option<&mut Row> {
        self.credentials.iter_mut().find(|row| row.id == id)
    }
}
