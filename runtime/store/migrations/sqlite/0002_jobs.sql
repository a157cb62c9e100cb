-- Jobs that were given up stay, with why; and what happened in each try of a job.

ALTER TABLE queue ADD COLUMN failed_at BIGINT;

ALTER TABLE queue ADD COLUMN sealed_error BLOB;

CREATE TABLE job_traces (
    tenant TEXT NOT NULL,
    job_key TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    user_id TEXT,
    sealed_trace BLOB NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, job_key, attempt),
    FOREIGN KEY (tenant, job_key) REFERENCES queue (tenant, key)
);

CREATE INDEX job_traces_of_run ON job_traces (tenant, run_id);
