"""A person's rights: to get everything stored about them, and to have it erased.

personal_data   everything stored about one reference id      export       the same as one JSON document
erase           erase it in one transaction                   erased_ids   recognise erased ids that return
naming          mentions of a person in text and JSON         sessions     delete expired sessions
"""
