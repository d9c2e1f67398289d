"""The tests of the tests: whatever a user configures, they pass."""
