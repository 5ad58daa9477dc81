-- API keys, by what they hash to. A key is said once, in the reply that made
-- it, and kept nowhere; it is 256 random bits, so its hash tells nothing.
--
-- A revoked key stays: it says that keys are in use here, and why this one
-- works no more.
CREATE TABLE api_keys (
    id         text COLLATE "C" PRIMARY KEY -- names a key in public
        CHECK (id ~ '^[0-9a-z]{1,16}$'),
    tenant     text COLLATE "C" NOT NULL
        CHECK (tenant ~ '^[A-Za-z0-9._-]{1,64}$'),
    label      text NOT NULL DEFAULT '' -- for people
        CHECK (octet_length(label) <= 64
               AND label !~ '[\u0001-\u001f\u007f-\u009f]'),
    key_hash   bytea NOT NULL UNIQUE CHECK (octet_length(key_hash) = 32),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at timestamptz
);

-- Oldest first; the id decides between equals.
CREATE INDEX api_keys_by_age ON api_keys (created_at, id);

-- Add a key, unless there are keys already and it was to be the first, or
-- there are `most` of them. Says 'added', 'not first', 'full', or 'taken' when
-- id or hash is another key's. Makers wait for each other until they commit,
-- so both limits are exact however many daemons there are: each statement of
-- this function sees what was committed while it waited.
CREATE FUNCTION api_keys_add(new_id text, new_tenant text, new_label text,
                             new_hash bytea, only_first boolean, most integer)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    kept bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7306376402);
    SELECT count(*) INTO kept FROM api_keys;
    IF only_first AND kept > 0 THEN
        RETURN 'not first';
    END IF;
    IF kept >= most THEN
        RETURN 'full';
    END IF;
    INSERT INTO api_keys (id, tenant, label, key_hash)
        VALUES (new_id, new_tenant, new_label, new_hash)
        ON CONFLICT DO NOTHING;
    IF FOUND THEN
        RETURN 'added';
    END IF;
    RETURN 'taken';
END
$$;
