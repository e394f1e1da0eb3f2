-- postcodes_table
-- The waiting room of a list of postcodes. Filled by COPY, gone at the commit.
CREATE TEMPORARY TABLE incoming_postcode (code text NOT NULL, raw geometry NOT NULL) ON COMMIT DROP
