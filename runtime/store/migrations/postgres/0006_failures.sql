-- Failed sign-ins, one row each, so that any flow's window and lockout can be computed exactly.

CREATE TABLE failures (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    key_hash BYTEA NOT NULL,
    at BIGINT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (tenant, key_hash, at, id)
);
