-- What a service says next, in one round trip while its lanes are locked. The service may say it from what it remembers of its chains
-- and subjects: whatever has moved since is refused here.

CREATE FUNCTION say_next(
    -- of each chain: its partition, number and hash of the event that this was linked to, and those of its last event now
    lanes smallint[], reached bigint[], reached_hashes bytea[], ends bigint[], end_hashes bytea[],
    -- the events
    partitions smallint[], sequences bigint[], event_ids uuid[], subject_ids uuid[], versions bigint[], types text[],
    envelopes bytea[], signatures bytea[], hashes bytea[],
    -- the idempotency keys under which they are said, each with the first event said under it, and how many there are
    keys text[], digests bytea[], key_subjects uuid[], key_partitions smallint[], key_sequences bigint[], key_events smallint[],
    -- the texts whose digests stand in the events
    told_digests text[], told_events uuid[], told_contents text[]
) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    -- The lanes first, and in order, as everybody who writes takes them.
    PERFORM FROM chain WHERE service = '{service}' AND partition = ANY (lanes) ORDER BY partition FOR UPDATE;
    IF EXISTS (
        -- Also behind: a database that was put back from a backup while the service ran.
        SELECT FROM unnest(lanes, reached, reached_hashes) AS lane (partition, sequence, hash) JOIN chain USING (partition)
        WHERE chain.service = '{service}' AND (chain.sequence, chain.hash) <> (lane.sequence, lane.hash)
    ) THEN
        RETURN false;
    END IF;
    -- A key that is taken violates its primary key.
    INSERT INTO idempotency (key, digest, subject_id, partition, sequence, events)
    SELECT * FROM unnest(keys, digests, key_subjects, key_partitions, key_sequences, key_events) AS taken (key) ORDER BY key;
    -- An incident of which more was said or heard violates (subject_id, version).
    INSERT INTO ledger (service, partition, sequence, event_id, subject_id, version, type, envelope, signature, hash)
    SELECT '{service}', * FROM unnest(partitions, sequences, event_ids, subject_ids, versions, types, envelopes, signatures, hashes);
    UPDATE chain SET sequence = head.sequence, hash = head.hash
    FROM unnest(lanes, ends, end_hashes) AS head (partition, sequence, hash)
    WHERE chain.service = '{service}' AND chain.partition = head.partition;
    INSERT INTO subject_head (subject_id, version, said_hash)
    SELECT DISTINCT ON (subject_id) * FROM unnest(subject_ids, versions, hashes) AS said (subject_id, version, hash)
    ORDER BY subject_id, version DESC
    ON CONFLICT (subject_id) DO UPDATE SET version = excluded.version, said_hash = excluded.said_hash;
    INSERT INTO disclosure (digest, event_id, content) SELECT * FROM unnest(told_digests, told_events, told_contents);
    RETURN true;
END $$;

-- What refuses a statement that says and shows at once, when say_next has written nothing.
CREATE FUNCTION chain_moved() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a chain has moved' USING ERRCODE = 'IL001';
END $$;
REVOKE ALL ON FUNCTION say_next, chain_moved FROM PUBLIC;
GRANT EXECUTE ON FUNCTION say_next, chain_moved TO {service}_service;
