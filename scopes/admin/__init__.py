"""The desk: what a support agent sees. One module a screen; `site` holds what all share, `screens` names them all.

Made on django.contrib.admin. A screen that is not a list of records is a function under `desk.screen(...)`; a list is
a `Records` (see `records`). Each has its permission. Nothing here writes a fact: acts have modules of their own.
"""
