"""How a message reaches a person.

email    hand a mail to the mail server or mail service      addresses   keyed hashes of e-mail addresses
tracking what a mail service reports of it by webhook      agent_mail  mails to agents about their sign-in
"""
