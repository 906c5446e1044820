"""What makes a release: the zipapp, the tree that a tag holds, the bill of materials, the notes, the tags.

Each module is a program, `python -m release.NAME`, that a person, a test or the release workflow runs. None of it is
shipped, and nothing that is shipped imports it.
"""
