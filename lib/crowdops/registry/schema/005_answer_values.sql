-- Fields that came with several values: JSON object, name to list. NULL where no field did, and in the rows
-- of before: each value is then the one in answer.
ALTER TABLE assignments ADD COLUMN answer_values TEXT;
