-- Audit may be cut off at a checkpoint, which keeps what the chain goes on from; webhooks read the log from places of their own.

CREATE TABLE audit_checkpoints (
    tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (tenant),
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    mac BYTEA NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE webhooks (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    sealed_url BYTEA NOT NULL,
    types TEXT NOT NULL,
    sealed_secret BYTEA NOT NULL,
    seen BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    failing_since BIGINT,
    disabled_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE webhook_deliveries (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    webhook_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    status BIGINT,
    problem TEXT,
    created_at BIGINT NOT NULL,
    delivered_at BIGINT,
    failed_at BIGINT,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, webhook_id, seq),
    FOREIGN KEY (tenant, webhook_id) REFERENCES webhooks (tenant, id)
);

CREATE INDEX queue_open ON queue (due_at) WHERE done_at IS NULL AND failed_at IS NULL;

CREATE FUNCTION audit_cut_off() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF EXISTS (SELECT 1 FROM audit_checkpoints AS cut WHERE cut.tenant = OLD.tenant AND cut.seq >= OLD.seq) THEN RETURN OLD; END IF; RAISE EXCEPTION 'audit is append-only'; END $$;

DROP TRIGGER audit_no_delete ON audit;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_cut_off();
