-- Audit may be cut off at a checkpoint, which keeps what the chain goes on from; webhooks read the log from places of their own.

CREATE TABLE audit_checkpoints (
    tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (tenant),
    seq BIGINT NOT NULL,
    hash BLOB NOT NULL,
    mac BLOB NOT NULL,
    at BIGINT NOT NULL
);

CREATE TABLE webhooks (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    sealed_url BLOB NOT NULL,
    types TEXT NOT NULL,
    sealed_secret BLOB NOT NULL,
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

DROP TRIGGER audit_no_delete;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit WHEN NOT EXISTS (SELECT 1 FROM audit_checkpoints AS cut WHERE cut.tenant = OLD.tenant AND cut.seq >= OLD.seq) BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
