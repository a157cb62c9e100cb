-- What belongs to a tenant besides its users: whether it is served, and what it is set up with. An entry's value is sealed under the
-- tenant's key. `version` of the head rises with every change, so that a server asks for one number to know of one.

ALTER TABLE tenants ADD COLUMN disabled_at BIGINT;

CREATE TABLE config_heads (
    tenant TEXT NOT NULL PRIMARY KEY REFERENCES tenants (tenant),
    version BIGINT NOT NULL
);

CREATE TABLE config_entries (
    tenant TEXT NOT NULL REFERENCES tenants (tenant),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed_value BLOB NOT NULL,
    version BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);
