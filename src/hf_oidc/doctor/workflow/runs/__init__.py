"""The runs that a workflow can have, the steps that they reach, and the branch to enter on the Hub."""
