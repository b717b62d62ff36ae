"""What we report to others: events, written in the transaction that changed something, sent by the queue.

event_types   the types                               writing     events and their sendings, one statement a batch
changes       what a new standing means as events     announce    everything else that is reported
address       where an endpoint's name really leads   post        one request there, bounded in time and length
signing       secrets and signatures                  sending     what is due, endpoint by endpoint
endpoints     make, rotate, disable, test, replay     listing     the events in order, for the API
retention     how long they are stored
"""
