"""The client of specd: `specd.v1` has the stubs, `specd.errors` the reasons of errors and what an error says of a request."""
