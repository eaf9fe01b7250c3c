"""Fuzzing: files, profiles, servers, tables and tar files that are damaged or mean harm.

``make fuzz N=20000`` tries so many of each target; ``tests/test_fuzz.py`` tries a few.
"""
