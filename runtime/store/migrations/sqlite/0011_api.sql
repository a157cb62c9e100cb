-- What the API needs: answers that are given again for an Idempotency-Key, the blocks that a run has walked through, and the ways
-- that listings are filtered.

CREATE TABLE idempotency (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    key_hash BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    claim BLOB NOT NULL,
    claimed_until BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    user_id TEXT,
    sealed_answer BLOB,
    PRIMARY KEY (tenant, key_hash)
);

CREATE INDEX idempotency_by_expiry ON idempotency (tenant, expires_at);

ALTER TABLE runs ADD COLUMN blocks TEXT NOT NULL DEFAULT '';

CREATE INDEX traces_of_user ON traces (tenant, user_id, run_id);

CREATE INDEX audit_by_kind ON audit (tenant, kind, seq);
