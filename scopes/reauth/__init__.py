"""Links that a person reauthenticates with, from the question whether one helps to its outcome.

contact          whether a person may be contacted, and how often
preflight        would a link help? Pure
target           what a link to this person would lead to, and the preflight of it
successors       where people of a provider that ends can connect its successor
issue            create a link, withdraw it
campaigns        links sent to many people
link_status      whether a link can still be used
languages        which language somebody reads
person_reasons   one sentence for the person on why each thing is missing
consent_text     what the page and the message ask a person for, and why
mail_text        the mail that brings a link
messages         queue a message with a link, and send what is due
stopped_messages stop what waits to be sent
tracked          what a mail service reports of messages
reply            a reply to paste for each verdict
public_address   the address at which people reach a page of ours
landing          what a press and a return do
callback         a consent that is finished in the callback
progress         which needs of a link are fixed by now
result           the result of an attempt, for the person who returns from it
notices          the title and text of a page for each end of a link and of an attempt
settle           facts settle attempts
link_outcomes    the outcome of a link, by the connection that its attempt made
overdue          attempts about which no more facts are expected
"""
