"""Links that a person reauthenticates with, from the question whether one helps to what came of it.

contact    whether a person may be asked at all, and how often
preflight  would a link help? Pure
target        what a link to this person would lead to, and the preflight of it
handover   what an engineer is asked to mend, where no link can
because    one sentence for the person on why each thing is missing
issue      make a link, withdraw it
status       whether a link can still be used
texts      what is said to people, in their languages
asked      what the page asks a person for, and why
land       what a press and a return do
progress   what of it is fixed now
settle     facts settle attempts and links
"""
