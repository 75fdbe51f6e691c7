-- Keys change by an event on the chain. Whoever locks a chain's row sees by `rotated` whether there is a key that he has not learned.

ALTER TABLE chain ADD COLUMN rotated bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN chain.rotated IS 'number of the chain''s last ledger.key_rotated.v1; 0 when there is none';
CREATE INDEX ledger_rotations ON ledger (partition, service, sequence) WHERE type = 'ledger.key_rotated.v1';
