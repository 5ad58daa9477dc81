-- The catalog that ingestd makes, kept so that any number of ingestd serve the
-- same one, and what it was before, so that a bad one can be taken back.

-- A version is written when the content differs from the version before.
CREATE TABLE catalog_versions (
    number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version text COLLATE "C" NOT NULL -- hash of the content
        CHECK (version ~ '^[0-9a-f]{16}$'),
    made_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    made_by text NOT NULL CHECK (octet_length(made_by) <= 64),
    models  integer NOT NULL CHECK (models > 0),
    sources jsonb NOT NULL, -- of each source: state, time, rows, content hash
    bytes   bytea NOT NULL  -- ss.CatalogSnapshot
);

-- One row: what is newest, who fetches, and which version is served instead.
-- `bytes` is the newest catalog with what is known of its sources, which
-- changes with every refresh even where the content does not.
CREATE TABLE catalog_state (
    only_row      boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision      bigint NOT NULL DEFAULT 0, -- grows with bytes and pinned
    bytes         bytea,                     -- NULL before the first
    report        bytea,                     -- ss.IngestReport of it
    refreshed_at  timestamptz,               -- end of the last refresh
    refreshed_by  text CHECK (octet_length(refreshed_by) <= 64),
    fetching_by   text CHECK (octet_length(fetching_by) <= 64),
    pinned        bigint REFERENCES catalog_versions (number)
);
INSERT INTO catalog_state DEFAULT VALUES;

-- The lock of whoever fetches. It belongs to the session: when the process or
-- its connection dies it is free, and fetching_by still names who had it.
CREATE FUNCTION catalog_lock_key() RETURNS bigint
LANGUAGE sql IMMUTABLE AS 'SELECT 7306376403';

CREATE FUNCTION catalog_is_claimed() RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid()
            AND objsubid = 1
            AND (classid::bigint << 32) + objid::bigint = catalog_lock_key())
$$;

-- Try to become the one that fetches. Says 'claimed', 'inherited' (from one
-- that died at it), 'busy', or, when only an inheritance was wanted and there
-- is none, 'idle'; the revision there is; how many ms ago the last refresh
-- ended (NULL: never), and whose it was; who had the claim or has it.
CREATE FUNCTION catalog_claim(claimer text, only_inherit boolean)
RETURNS TABLE (outcome text, revision bigint, age_ms bigint, last_by text,
               holder text)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    word  text := 'busy';
    state catalog_state%ROWTYPE;
BEGIN
    IF catalog_is_claimed() OR pg_try_advisory_lock(catalog_lock_key()) THEN
        -- The lock is free a moment before the release is committed: wait for
        -- that, or its claim would look like one left behind.
        SELECT * INTO state FROM catalog_state FOR UPDATE;
        IF state.fetching_by IS NULL AND only_inherit THEN
            PERFORM pg_advisory_unlock(catalog_lock_key());
            word := 'idle';
        ELSE
            word := CASE WHEN state.fetching_by IS NULL THEN 'claimed'
                         ELSE 'inherited' END;
            UPDATE catalog_state SET fetching_by = claimer;
            PERFORM pg_notify('smart_spawn_catalog', 'claimed');
        END IF;
    ELSE
        SELECT * INTO state FROM catalog_state;
    END IF;
    RETURN QUERY SELECT word, state.revision,
        floor(extract(epoch FROM clock_timestamp() - state.refreshed_at)
              * 1000)::bigint,
        state.refreshed_by, state.fetching_by;
END
$$;

-- Put a catalog in, which only the claimer can; its newest `most` versions
-- stay, and the pinned one. Says the revision, NULL when not claimed.
CREATE FUNCTION catalog_publish(publisher text, new_version text,
                                new_models integer, new_sources jsonb,
                                new_bytes bytea, new_report bytea,
                                most integer)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last     text;
    result   bigint;
BEGIN
    IF NOT catalog_is_claimed() THEN
        RETURN NULL;
    END IF;
    SELECT version INTO last FROM catalog_versions
        ORDER BY number DESC LIMIT 1;
    IF last IS DISTINCT FROM new_version THEN
        INSERT INTO catalog_versions (version, made_by, models, sources, bytes)
            VALUES (new_version, publisher, new_models, new_sources, new_bytes);
        DELETE FROM catalog_versions v USING catalog_state s
            WHERE v.number IS DISTINCT FROM s.pinned
                AND v.number <= (SELECT number FROM catalog_versions
                                 ORDER BY number DESC OFFSET most LIMIT 1);
    END IF;
    UPDATE catalog_state s SET revision = s.revision + 1, bytes = new_bytes,
            report = coalesce(new_report, s.report),
            refreshed_at = clock_timestamp(), refreshed_by = publisher
        RETURNING s.revision INTO result;
    PERFORM pg_notify('smart_spawn_catalog', 'published');
    RETURN result;
END
$$;

CREATE FUNCTION catalog_release() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    IF catalog_is_claimed() THEN
        UPDATE catalog_state SET fetching_by = NULL;
        PERFORM pg_advisory_unlock(catalog_lock_key());
        PERFORM pg_notify('smart_spawn_catalog', 'released');
    END IF;
END
$$;

-- Serve a version that was, or (NULL) the newest again. Says the version's
-- hash, NULL for a number that is none.
CREATE FUNCTION catalog_pin(wanted bigint)
RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    result text := '';
BEGIN
    IF wanted IS NOT NULL THEN
        SELECT version INTO result FROM catalog_versions
            WHERE number = wanted;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    UPDATE catalog_state SET revision = revision + 1, pinned = wanted
        WHERE pinned IS DISTINCT FROM wanted;
    PERFORM pg_notify('smart_spawn_catalog', 'pinned');
    RETURN result;
END
$$;
