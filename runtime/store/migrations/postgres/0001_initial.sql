-- The first schema. Times are microseconds since 1970-01-01T00:00:00Z. Columns named `sealed*` hold AES-256-GCM-SIV
-- boxes (store/src/seal.rs); columns named `*_hash` hold keyed or plain hashes, never the value.

CREATE TABLE tenants (
    tenant TEXT NOT NULL PRIMARY KEY,
    sealed_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE users (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    status TEXT NOT NULL,
    sealed_key BYTEA,
    sealed_profile BYTEA,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    login_count BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE identifiers (
    tenant TEXT NOT NULL,
    lookup_hash BYTEA NOT NULL,
    kind TEXT NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant, lookup_hash),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);

CREATE INDEX identifiers_of_user ON identifiers (tenant, user_id);

CREATE TABLE credentials (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed_material BYTEA NOT NULL,
    last_step BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);

CREATE INDEX credentials_of_user ON credentials (tenant, user_id, kind);

CREATE TABLE sessions (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    aal TEXT NOT NULL,
    methods TEXT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);

CREATE INDEX sessions_of_user ON sessions (tenant, user_id);

CREATE TABLE sign_ins (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    at BIGINT NOT NULL,
    sealed_facts BYTEA NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);

CREATE INDEX sign_ins_of_user ON sign_ins (tenant, user_id, at);

CREATE TABLE bundles (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    hash BYTEA NOT NULL,
    bytes BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, hash)
);

CREATE TABLE runs (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    flow TEXT NOT NULL,
    bundle BYTEA NOT NULL,
    seq BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    detail TEXT,
    started_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX runs_by_time ON runs (tenant, started_at);

CREATE TABLE suspensions (
    tenant TEXT NOT NULL,
    token_hash BYTEA NOT NULL,
    run_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    user_id TEXT,
    sealed_record BYTEA,
    expires_at BIGINT NOT NULL,
    taken_at BIGINT,
    PRIMARY KEY (tenant, token_hash),
    UNIQUE (tenant, run_id, seq),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, id)
);

CREATE TABLE traces (
    tenant TEXT NOT NULL,
    run_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    user_id TEXT,
    sealed_trace BYTEA NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, run_id, seq),
    FOREIGN KEY (tenant, run_id) REFERENCES runs (tenant, id)
);

CREATE TABLE counters (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    key_hash BYTEA NOT NULL,
    window_start BIGINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (tenant, key_hash)
);

CREATE TABLE queue (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    sealed_payload BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    leased_until BIGINT,
    done_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE INDEX queue_due ON queue (tenant, due_at);

CREATE TABLE audit (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    seq BIGINT NOT NULL,
    id TEXT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL,
    run_id TEXT NOT NULL,
    user_id TEXT,
    sealed_data BYTEA NOT NULL,
    prev_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (tenant, seq)
);

CREATE TABLE audit_heads (
    tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (tenant),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    mac BYTEA NOT NULL
);

CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$;

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only();

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only();

CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only();
