-- What is left for users to read in the application.

CREATE TABLE inbox (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    sealed_content BLOB NOT NULL,
    created_at BIGINT NOT NULL,
    read_at BIGINT,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, user_id) REFERENCES users (tenant, id)
);

CREATE INDEX inbox_of_user ON inbox (tenant, user_id, created_at);
