"""Links that a person reauthenticates with, from the question whether one helps to what came of it.

contact          whether a person may be asked at all, and how often
preflight        would a link help? Pure
target           what a link to this person would lead to, and the preflight of it
escalation       what an engineer is asked to fix, where no link can
issue            make a link, withdraw it
link_status      whether a link can still be used
languages        which language somebody reads
person_reasons   one sentence for the person on why each thing is missing
consent_request  what the page and the message ask a person for, and why
landing          what a press and a return do
progress         what of it is fixed now
result           how an attempt ended, for the person who returns from it
notices          what a page says of each end of a link and of an attempt
settle           facts settle attempts and links
"""
