-- Signing keys, the idle time of sessions, and refresh families. The pair that a used refresh token got is kept sealed while
-- the client may ask for it again.

CREATE TABLE signing_keys (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    state TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT,
    PRIMARY KEY (tenant, id)
);

ALTER TABLE sessions ADD COLUMN client_id TEXT;

ALTER TABLE sessions ADD COLUMN idle_micros BIGINT;

ALTER TABLE sessions ADD COLUMN last_used_at BIGINT;

CREATE TABLE refresh_families (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    audience TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, session_id) REFERENCES sessions (tenant, id)
);

CREATE INDEX refresh_families_of_session ON refresh_families (tenant, session_id);

CREATE TABLE refresh_tokens (
    tenant TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    family_id TEXT NOT NULL,
    generation BIGINT NOT NULL,
    used_at BIGINT,
    used_by_hash BYTEA,
    sealed_pair BYTEA,
    PRIMARY KEY (tenant, token_hash),
    UNIQUE (tenant, family_id, generation),
    FOREIGN KEY (tenant, family_id) REFERENCES refresh_families (tenant, id)
);
