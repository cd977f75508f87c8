-- no transaction
-- The index of all outcomes does its work.
drop index concurrently if exists received_message_undecided;
