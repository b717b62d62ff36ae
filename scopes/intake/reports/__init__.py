"""What the host application reports by the API, read row by row; a row that cannot be read is refused alone.

rows         a body's rows, and the fields of one      people       a row -> a person
connections  a row -> facts about a connection
"""
