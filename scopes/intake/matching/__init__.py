"""Which of a source's ids are one connection, and how the records follow. Only for sources whose ids may change.

decision              which ids are one: pure. Begin here
link_events           what was reported about each id
related               which connections may be one with which others
candidates            their ids, each with its own facts and events
reconcile             decide, and merge or unmerge accordingly
former_ids            facts about ids that a connection had before
pair                  two connections: whether they can be merged
merge, unmerge        the records of it
merged_facts          what is known of both in one, and of each again
suspected_duplicates  pairs that may be one, for an agent to decide
reference_conflicts   connections that were reported for two people
"""
