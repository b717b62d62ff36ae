"""A person's rights: to be told all that is kept about them, and to have it erased.

held     what is kept about one reference id, wherever it stands     export   all of it, as one document
erase    none of it any more, in one transaction                     marks    who came back after an erasure
"""
