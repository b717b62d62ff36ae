"""Campaigns: links sent to many people, with one preflight of all of them.

acts       draft a campaign, start, pause and end it
audience   record who is in it, and ask the preflight of each
sending    create links and queue their messages, at the campaign's pace
numbers    how many are in each group, and how far the recipients have got
"""
