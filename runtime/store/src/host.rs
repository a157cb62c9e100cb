//! The runtime's `Store` over the database.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::{
    BoxFuture, ChallengeOf, Counted, Credential, FoundChallenge, RunCommit, SignIn, Store, StoreError, StoredRun,
    Tried, WaitingRun,
};
use admit_runtime::keys::Keys;
use admit_runtime::session::Sessions;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{CredentialInfo, InboxEntry, Session};

use crate::open::SqlStore;

impl Store for SqlStore {
    fn sessions(&self) -> &dyn Sessions {
        self
    }

    fn keys(&self) -> &dyn Keys {
        self
    }

    fn user_by_identifier<'a>(
        &'a self,
        tenant: &'a TenantId,
        identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        Box::pin(self.visible_by_identifier(tenant, identifier))
    }

    fn user<'a>(&'a self, tenant: &'a TenantId, id: &'a str) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        Box::pin(self.visible_user(tenant, id))
    }

    fn pending_user<'a>(
        &'a self,
        tenant: &'a TenantId,
        run_id: &'a str,
        id_or_identifier: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        Box::pin(self.pending_of_run(tenant, run_id, id_or_identifier))
    }

    fn credentials<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        kind: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Credential>, StoreError>> {
        Box::pin(self.credentials_of(tenant, user_id, kind))
    }

    fn credential_list<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
    ) -> BoxFuture<'a, Result<Vec<CredentialInfo>, StoreError>> {
        Box::pin(self.credential_list_of(tenant, user_id))
    }

    fn credential_by_external_id<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        external_id: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Credential>, StoreError>> {
        Box::pin(self.credential_named(tenant, kind, external_id))
    }

    fn try_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
        shown: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Tried, StoreError>> {
        Box::pin(self.try_one(tenant, of, shown, now))
    }

    fn open_challenge<'a>(
        &'a self,
        tenant: &'a TenantId,
        of: ChallengeOf<'a>,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        Box::pin(self.challenge_open(tenant, of))
    }

    fn challenge_by_secret<'a>(
        &'a self,
        tenant: &'a TenantId,
        kind: &'a str,
        secret: &'a [u8],
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<FoundChallenge>, StoreError>> {
        Box::pin(self.challenge_found(tenant, kind, secret, now))
    }

    fn session<'a>(
        &'a self,
        tenant: &'a TenantId,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        Box::pin(self.live_session(tenant, id, now))
    }

    fn sign_ins<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<SignIn>, StoreError>> {
        Box::pin(self.past_sign_ins(tenant, user_id, limit))
    }

    fn count_in<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        window_seconds: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<Counted, StoreError>> {
        Box::pin(self.add_to_counter(tenant, key, window_seconds, now))
    }

    fn reset_count<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.reset_counter(tenant, key))
    }

    fn inbox<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        before: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<InboxEntry>, StoreError>> {
        Box::pin(self.inbox_of(tenant, user_id, before, limit))
    }

    fn mark_read<'a>(
        &'a self,
        tenant: &'a TenantId,
        user_id: &'a str,
        id: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.mark_inbox_read(tenant, user_id, id, now))
    }

    fn note_failure<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        now: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.add_failure(tenant, key, now))
    }

    fn failures<'a>(
        &'a self,
        tenant: &'a TenantId,
        key: &'a str,
        since: Instant,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Instant>, StoreError>> {
        Box::pin(self.failures_since(tenant, key, since, limit))
    }

    fn forget_failures<'a>(&'a self, tenant: &'a TenantId, key: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.drop_failures(tenant, key))
    }

    fn commit<'a>(&'a self, tenant: &'a TenantId, commit: RunCommit) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(self.commit_run(tenant, commit))
    }

    fn waiting_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<WaitingRun>, StoreError>> {
        Box::pin(self.run_that_waits(tenant, token_hash))
    }

    fn take_run<'a>(
        &'a self,
        tenant: &'a TenantId,
        token_hash: [u8; 32],
        now: Instant,
    ) -> BoxFuture<'a, Result<StoredRun, StoreError>> {
        Box::pin(self.take_suspended(tenant, token_hash, now))
    }
}
