-- Users whom a run has made and that are pending until it ends well; credentials of more kinds; challenges.

ALTER TABLE users ADD COLUMN pending_run TEXT;

CREATE INDEX users_pending ON users (tenant, pending_run) WHERE pending_run IS NOT NULL;

ALTER TABLE credentials ADD COLUMN counter BIGINT;

ALTER TABLE credentials ADD COLUMN sealed_data BYTEA;

ALTER TABLE credentials ADD COLUMN external_hash BYTEA;

CREATE UNIQUE INDEX credentials_by_external ON credentials (tenant, kind, external_hash);

CREATE TABLE challenges (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    run_id TEXT,
    user_id TEXT,
    owner_id TEXT,
    secret_hash BYTEA NOT NULL,
    lookup_hash BYTEA,
    sealed_data BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    max_attempts BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE UNIQUE INDEX challenges_by_secret ON challenges (tenant, kind, lookup_hash);

CREATE INDEX challenges_of_user ON challenges (tenant, user_id);

CREATE INDEX challenges_by_expiry ON challenges (tenant, expires_at);
