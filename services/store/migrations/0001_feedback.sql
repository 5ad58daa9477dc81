-- What raters and spawns leave behind. Events are the truth; whatever else
-- answers questions is folded from them. No table holds task text.
--
-- Texts compare by bytes (COLLATE "C"): the folded layers are ordered the
-- same way on every machine, and the indexes are smaller and faster.

-- Models that were started, one row each. Grows fastest, so it is cut by
-- month: old months are dropped whole, an insert touches one small index.
-- A partitioned table cannot hold a unique key without its time, so
-- idempotency keys live in a table of their own.
CREATE TABLE spawn_logs (
    spawn_id    uuid NOT NULL, -- version 7: its first 48 bits are the time
    tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) <= 64),
    model       text COLLATE "C" NOT NULL CHECK (octet_length(model) <= 128),
    category    text COLLATE "C" NOT NULL CHECK (octet_length(category) <= 32),
    budget      text COLLATE "C" CHECK (octet_length(budget) <= 32),
    mode        text COLLATE "C" CHECK (octet_length(mode) <= 32),
    role        text CHECK (octet_length(role) <= 64),
    source      text CHECK (octet_length(source) <= 64),
    context     text CHECK (octet_length(context) <= 256), -- tags, not text
    decision_id text CHECK (octet_length(decision_id) <= 512),
    given_at    timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (given_at);

-- A spawn by its id (an outcome names it); the time in the id leads to the
-- partition.
CREATE INDEX spawn_logs_by_id ON spawn_logs (spawn_id);
-- Statistics of a tenant's last days read only the index.
CREATE INDEX spawn_logs_by_time
    ON spawn_logs (tenant, given_at) INCLUDE (model, category, mode);

-- Make the partitions of `months` months from the one `first` lies in (UTC).
-- What is there already costs a look into the catalog and no lock; makers
-- wait for each other, so two daemons may call it at once.
CREATE FUNCTION spawn_logs_make_months(first timestamptz, months integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    month timestamp := date_trunc('month', first AT TIME ZONE 'UTC');
    made  integer := 0;
    part  text;
BEGIN
    FOR i IN 1 .. months LOOP
        part := 'spawn_logs_' || to_char(month, 'YYYY_MM');
        IF to_regclass(part) IS NULL THEN
            PERFORM pg_advisory_xact_lock(7306376401);
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF spawn_logs'
                ' FOR VALUES FROM (%L) TO (%L)',
                part, month AT TIME ZONE 'UTC',
                (month + interval '1 month') AT TIME ZONE 'UTC');
            made := made + 1;
        END IF;
        month := month + interval '1 month';
    END LOOP;
    RETURN made;
END
$$;

SELECT spawn_logs_make_months(now(), 2);

-- Ratings of a tenant's own tasks: the events of the personal layer.
-- `xid` is the transaction that wrote the row. A reader that remembers the
-- snapshot of its last look finds by it exactly what became visible since,
-- also when a slow transaction commits after faster ones; a serial id would
-- skip such rows.
CREATE TABLE outcomes (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant      text COLLATE "C" NOT NULL CHECK (octet_length(tenant) <= 64),
    model       text COLLATE "C" NOT NULL CHECK (octet_length(model) <= 128),
    category    text COLLATE "C" NOT NULL CHECK (octet_length(category) <= 32),
    rating      smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    context     text CHECK (octet_length(context) <= 256), -- tags, not text
    decision_id text CHECK (octet_length(decision_id) <= 512),
    spawn_id    uuid, -- of spawn_logs; a retention may have dropped it
    given_at    timestamptz NOT NULL DEFAULT now(),
    given_day   date NOT NULL -- UTC: weights go by whole days
        GENERATED ALWAYS AS ((given_at AT TIME ZONE 'UTC')::date) STORED,
    xid         xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX outcomes_by_xid ON outcomes (xid);
-- One cell's ratings, and all cells in order, from the index alone.
CREATE INDEX outcomes_by_cell
    ON outcomes (tenant, model, category, given_day, rating);

-- Ratings that instances share: the events of the community layer.
CREATE TABLE community_reports (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    instance   text COLLATE "C" NOT NULL CHECK (octet_length(instance) <= 64),
    address    bigint, -- keyed hash of the sender's address, for limits only
    model      text COLLATE "C" NOT NULL CHECK (octet_length(model) <= 128),
    category   text COLLATE "C" NOT NULL CHECK (octet_length(category) <= 32),
    rating     smallint NOT NULL CHECK (rating BETWEEN 1 AND 5),
    given_at   timestamptz NOT NULL DEFAULT now(),
    -- The Monday of the ISO week: all reports of one instance on a cell in
    -- one week are one vote.
    given_week date NOT NULL GENERATED ALWAYS AS
        (date_trunc('week', given_at AT TIME ZONE 'UTC')::date) STORED,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id()
);

CREATE INDEX community_reports_by_xid ON community_reports (xid);
CREATE INDEX community_reports_by_cell
    ON community_reports (model, category, given_week, instance)
    INCLUDE (rating);
-- Taking one contributor out.
CREATE INDEX community_reports_by_instance ON community_reports (instance);

-- How many reports a subject ("instance:…") sent since its window began. The
-- row's lock makes the count exact however many daemons there are. Rows of
-- windows that ended are deleted by feedbackd.
CREATE TABLE report_windows (
    subject  text COLLATE "C" PRIMARY KEY CHECK (octet_length(subject) <= 96),
    began_at timestamptz NOT NULL,
    reports  integer NOT NULL
) WITH (fillfactor = 70); -- room to update in place

CREATE INDEX report_windows_by_time ON report_windows (began_at);

-- What a client-supplied key was first used for, so that a retry within 24
-- hours gets the first answer and changes nothing. Older rows are deleted by
-- feedbackd, and count as gone before that.
CREATE TABLE idempotency_keys (
    tenant    text COLLATE "C" NOT NULL CHECK (octet_length(tenant) <= 64),
    key       text COLLATE "C" NOT NULL CHECK (octet_length(key) <= 256),
    body_hash text COLLATE "C" NOT NULL, -- of method and request, hexadecimal
    result    text NOT NULL,             -- what the reply needs; a spawn id
    given_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (given_at);
