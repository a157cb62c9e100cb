-- What a server needs: keys of its callers, and which bundle a tenant runs. The live bundle is the deploy with the highest seq.

CREATE TABLE api_keys (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    id TEXT NOT NULL,
    secret_hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant, id)
);

CREATE TABLE deploys (
    tenant TEXT NOT NULL,
    seq BIGINT NOT NULL,
    bundle BYTEA NOT NULL,
    actor TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, seq),
    FOREIGN KEY (tenant, bundle) REFERENCES bundles (tenant, hash)
);
